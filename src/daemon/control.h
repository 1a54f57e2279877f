/*
 * The socket by which a running daemon is asked: datagrams on a Unix
 * socket in a folder that nobody else can put anything into, so that
 * nobody can hold a daemon's name, keep it from its questions, or be
 * taken for it.  A daemon's rules are of its network namespace, but
 * folders are not: so the file's name ends in the namespace's number.
 *
 * A request is one byte, with text behind it where it wants any; only root and
 * the daemon's own user get an answer, and only theirs is believed.
 */
#ifndef TAP_DAEMON_CONTROL_H
#define TAP_DAEMON_CONTROL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CONTROL_DIR "/run/tap"
#define CONTROL_REPLY_MAX 65536u
#define CONTROL_SAID_MAX 1024u /* what comes with a request */

enum control_request {
	CONTROL_STATUS_TEXT = 't',
	CONTROL_STATUS_JSON = 'j',
	CONTROL_WATCH = 'w',       /* see watch_page.h */
	CONTROL_ALARMS_TEXT = 'a', /* the server's --alarms */
	CONTROL_ALARMS_JSON = 'A',
	/*
	 * The answers to these begin with an exit status, as a digit; to the
	 * first two when it is done.
	 */
	CONTROL_CONFIRM = 'c', /* the server's --confirm-now */
	CONTROL_RELOAD = 'r',
	/* With text: see server/alarm_words.h. */
	CONTROL_ALARM = 'x',
	CONTROL_CALM = 'y',
	CONTROL_STOP = 's',  /* answered before it ends */
	CONTROL_LEAVE = 'l', /* the same, but its rules stay */
};

/* Who has asked. */
struct control_peer {
	struct sockaddr_un addr;
	socklen_t len;
	int pid;
	char said[CONTROL_SAID_MAX]; /* with the request, ended by NUL */
};

/*
 * Listen as, say, "tap-server-5040".  A descriptor, or -errno:
 * -EADDRINUSE where another daemon does, -EPERM where the folder is
 * somebody else's.
 */
int control_listen(const char *name);
/* Give the name back, and close. */
void control_close(int fd);
/*
 * The next request, without waiting: the byte, 0 where there is none,
 * or -errno.  What others send is thrown away; where they have sent
 * much, some of it, and 0 is returned.
 */
int control_receive(int fd, struct control_peer *peer);
void control_reply(int fd, const struct control_peer *peer, const char *text,
		   size_t len);

/*
 * Ask the daemon of that name and wait for its answer, which is ended
 * by NUL in out (CONTROL_REPLY_MAX), wait_ms at the most, whatever comes
 * meanwhile.  The number of its process; -ECONNREFUSED: nobody there;
 * -ETIMEDOUT; -EACCES: not for this user to ask; or another -errno.
 */
int control_ask(const char *name, enum control_request request,
		unsigned wait_ms, char *out);
/* The same with text of less than CONTROL_SAID_MAX bytes: else -EMSGSIZE. */
int control_say(const char *name, enum control_request request,
		const char *said, unsigned wait_ms, char *out);

/*
 * The same without waiting: a descriptor that is readable once there is
 * an answer, or -errno; and the answer, -EAGAIN where there is none yet.
 */
int control_begin(const char *name, enum control_request request);
int control_take(int fd, char *out);

/*
 * The queues of the daemons of a side that are there, in this network
 * namespace, as far as this user may see; returns how many, `max` at the most.
 */
size_t control_queues(const char *side, uint16_t *queues, size_t max);

/*
 * Ask it to stop, by CONTROL_STOP or CONTROL_LEAVE, and wait until it
 * is gone, or wait_ms.  As control_ask().
 */
int control_stop(const char *name, enum control_request request,
		 unsigned wait_ms, char *out);

#endif
