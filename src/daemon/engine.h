/*
 * An engine, Redis or Valkey, asked by a process that may wait: a command,
 * and then its reply, each within a time.
 *
 * Functions return 0, or -1 with the reason in err (WHY_MAX), which names no
 * secret.  The connection is then of no more use.
 */
#ifndef TAP_DAEMON_ENGINE_H
#define TAP_DAEMON_ENGINE_H

#include "base/resp.h"
#include "base/why.h"
#include "conf/share_conf.h"
#include "daemon/tls.h"
#include "os/resolve.h"

/* For a connection, and for each reply. */
#define ENGINE_WAIT_MS 3000u

struct engine {
	int fd;
	uint64_t until;  /* ms: what is under way has that long */
	size_t at, len;  /* what was read: [at, len) */
	struct tls *tls; /* owned, or NULL */
	struct ca_file *ca;
	uint8_t in[RESP_BULK_MAX + 64];
};

/*
 * A socket that begins to connect, without waiting, to an address of the
 * engine, which is not looked at where it has a path; or -errno.
 */
int engine_begin(const struct share_conf *share, const struct host_addr *to);

/*
 * What may need a right: connect to a socket that has a path, read the
 * certificates.
 */
int engine_prepare(struct engine *e, const struct share_conf *share, char *err);
/*
 * And then: connect, log in, choose the database.  Waits for the name service,
 * too.
 */
int engine_login(struct engine *e, const struct share_conf *share, char *err);
/* Both. */
int engine_open(struct engine *e, const struct share_conf *share, char *err);
/* Also of one that could not be opened. */
void engine_close(struct engine *e);

/* Send a command of parts that are ended by NUL, of any length. */
int engine_send(struct engine *e, const char *const *parts, size_t count,
		char *err);
#define ENGINE_SEND(e, err, ...)                                               \
	engine_send(e, (const char *const[]){ __VA_ARGS__ },                   \
		    sizeof((const char *const[]){ __VA_ARGS__ }) /             \
			    sizeof(const char *),                              \
		    err)
/*
 * Read the next item: of an array its header, and then its items one by one;
 * *count as resp_item() has it.  Its bytes live until the next call.  What the
 * engine complains of is an error.
 */
int engine_item(struct engine *e, struct resp_item *item, long *count,
		char *err);
/* Read a reply that is "OK", or another such word. */
int engine_word(struct engine *e, const char *word, char *err);

#endif
