/*
 * In the monitor: the bundle that a server works by, out of a file or an
 * engine.  A process without a key looks there, which reads nothing of a file,
 * and what an engine sends only without a right.  It ends when it has found
 * another one than was judged last, which wakes the monitor; the engine is also
 * told by it what this server works by.
 *
 * The files of the bundle in use, and its stamp, are in the folder of
 * fallback.h: an older one is refused, also after a restart.
 */
#ifndef TAP_SERVER_BUNDLE_SOURCE_H
#define TAP_SERVER_BUNDLE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "conf/bundle_key.h"
#include "conf/server_files.h"
#include "daemon/fleet.h"

/* A server that starts waits for its engine so long. */
#define BUNDLE_START_MS 5000u
/* How often is looked for another one. */
#define BUNDLE_LOOK_MS 250u
/* An engine that has not answered for so long is an alarm. */
#define BUNDLE_SILENT_MS 10000u

struct bundle_shared; /* of the process that looks */

struct bundle_source {
	const char *from;   /* a path, or an engine; NULL: there is none */
	const char *folder; /* of fallback.h */
	struct bundle_key key;
	struct share_conf engine;
	bool by_engine;
	char name[FLEET_NAME_MAX]; /* of this server, for others */
	struct bundle_shared *shared;
	pid_t process;   /* or 0 */
	uint64_t due_ms; /* the next one */
	bool silent;     /* that was said */
	char *text;      /* owned: what the engine had last; or NULL */
	size_t len;
	bool fresh;       /* it came while somebody looked */
	struct stat file; /* that was read last */
	bool known;       /* there is one in use: */
	struct bundle_stamp used;
	bool judged; /* it, or another that was refused: */
	struct bundle_stamp next;
	bool vouched;               /* it was signed, and not older */
	struct bundle_stamp staged; /* what was loaded last */
	uint64_t since;             /* seconds since 1970 */
};

/*
 * Take the place of bundles and the file of their key; what queue it is makes
 * servers of one host differ.  0, or -1 with the reason in err
 * (CONF_ERROR_MAX).
 */
int bundle_source_open(struct bundle_source *b, const char *from,
		       const char *key, const char *folder, long queue,
		       char *err);
/* Wipe, and end the process. */
void bundle_source_close(struct bundle_source *b);
/* In another process: forget the secrets of it (or of NULL). */
void bundle_source_forget(struct bundle_source *b);

/*
 * The newest bundle, as a configuration that was staged: fallback_keep() is to
 * follow once it works, and then bundle_source_use().  At a start `before` is
 * NULL, and an engine is waited for.  NULL, with the error in err.
 */
struct server_conf *bundle_source_load(struct bundle_source *b,
				       const struct server_conf *before,
				       char *err);
/*
 * Where that failed at a start, and conf is of the bundle that is kept: this
 * is in use.  If an engine may have a newer one, as it did not answer with
 * any that is signed, nobody is let in until it does, unless conf says
 * share_fail=local.
 */
void bundle_source_fall_back(struct bundle_source *b, struct server_conf *conf);
/* What was loaded last works. */
void bundle_source_use(struct bundle_source *b);

/*
 * Look, and tell the engine.  True: there is another bundle, to be loaded;
 * each is told of once.
 */
bool bundle_source_tick(struct bundle_source *b, struct server_conf *conf,
			uint64_t accepted, bool refused);

/* "version 5 of 2027-01-01T00:00:00Z", or "none". */
#define BUNDLE_WORDS_MAX 80u
void bundle_source_words(const struct bundle_source *b,
			 char out[BUNDLE_WORDS_MAX]);
/* Why it may not be the newest, or "". */
#define BUNDLE_ALARM_MAX 400u
void bundle_source_alarm(const struct bundle_source *b,
			 char out[BUNDLE_ALARM_MAX]);

#endif
