/*
 * Sockets of others that bear the mark of our own frames: the rules let their
 * SYNs pass as they are, and no hidden service answers those.  So they are
 * found among the sockets that wait for an answer.
 */
#ifndef TAP_CLIENT_MARKS_H
#define TAP_CLIENT_MARKS_H

#include <stdint.h>

#include "conf/client_conf.h"

#define MARKS_KNOWN_MAX 32u /* of those that wait now */

struct marks {
	uint64_t looked_ms;
	uint64_t found; /* since the start */
	uint64_t known[MARKS_KNOWN_MAX];
	size_t known_count;
};

/*
 * In the monitor, every second or so: look whether there are any, of
 * connections that a rule is for.  The first one is worth a line.
 */
void marks_look(struct marks *m, const struct client_conf *conf);

#endif
