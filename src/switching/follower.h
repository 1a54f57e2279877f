/*
 * Files of alerts, followed as they grow, through rotation and truncation.
 *
 * What stands in them may be anybody's: it is read by a process that has no
 * privileges and no keys, can open nothing, and tells the monitor what it
 * found.  The monitor opens the files and hands them over, and believes it no
 * more than anybody.  inotify(7) says when there is more, and when there is
 * another file: nothing is polled.
 *
 * A file that is there at the start is read from its end on, later ones from
 * their beginning; after a rotation the file before is followed, too, until the
 * next one, since its writer may still have it open.  Where the process ends,
 * its successor goes on where it was.
 */
#ifndef TAP_SWITCHING_FOLLOWER_H
#define TAP_SWITCHING_FOLLOWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/switch_conf.h"
#include "switching/alert.h"

/* Above what Suricata writes with the whole of a payload. */
#define FOLLOWER_LINE_MAX (16u << 20)
/* What is read of a file before another's turn. */
#define FOLLOWER_TURN_MAX (1u << 20)
/* Alerts that the monitor takes before anything else gets its turn. */
#define FOLLOWER_ALERTS_MAX 64
/* The pauses before a successor: the first, which doubles up to the other. */
#define FOLLOWER_PAUSE_MS 100u
#define FOLLOWER_PAUSE_MAX_MS 5000u

enum follower_word_kind {
	FOLLOWER_ALERT,
	FOLLOWER_TORN, /* lines that can't be read */
	FOLLOWER_LONG, /* lines that are longer than FOLLOWER_LINE_MAX */
	FOLLOWER_CUT,  /* the file became shorter: it is read from its begin */
};

/* What that process says. */
struct follower_word {
	uint32_t kind, file; /* file: its place in the configuration */
	struct alert alert;
};

/* What the monitor says, with a descriptor: that file goes on with this. */
struct follower_file_word {
	uint32_t file, format;
};

struct follower_job {
	void *context;
	const char *user; /* see privileges_drop() */
	void (*alert)(void *context, size_t file, const struct alert *alert);
	/* Of the kinds behind FOLLOWER_ALERT. */
	void (*trouble)(void *context, size_t file,
			enum follower_word_kind kind);
	/* In that process, first of all: wipe what it is not to know. */
	void (*forget)(void *context);
};

struct follower_file {
	struct switch_conf_file conf;
	int fd;         /* or -1 */
	int folder;     /* inotify's number: of where it is looked for */
	int changes[2]; /* likewise: of it, and of the one before; or -1 */
	dev_t device;
	ino_t inode;
	bool began; /* it was looked for once */
	int error;  /* why it is not there: that was told of; or 0 */
};

struct follower {
	const struct follower_job *job;
	struct follower_file files[SWITCH_CONF_FILES_MAX];
	size_t count;
	int poll;    /* readable when there is something to do; or -1 */
	int folders; /* inotify's: the monitor's; or -1 */
	int changes; /* inotify's: of that process; or -1 */
	int line;    /* to it, or -1 */
	pid_t process;
	uint64_t due_ms, begun_ms;
	unsigned deaths; /* in a row */
	uint64_t restarts;
};

void follower_init(struct follower *f);
/*
 * Follow these, and no others any more.  What can't be is said in the log; job
 * must outlive f.
 */
void follower_follow(struct follower *f, const struct follower_job *job,
		     const struct switch_conf_file *files, size_t count);
/* f->poll is readable. */
void follower_serve(struct follower *f);
/* Once a second, and when a process ended. */
void follower_tick(struct follower *f);
/* How many of the files are there. */
size_t follower_open_files(const struct follower *f);
void follower_close(struct follower *f);
/* In another process that was forked since: it is the monitor's. */
void follower_leave(struct follower *f);

#endif
