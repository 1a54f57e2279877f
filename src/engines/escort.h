/*
 * The escort: a SYN of this host, made into a group and sent ahead of
 * itself.
 */
#ifndef TAP_ESCORT_H
#define TAP_ESCORT_H

#include "conf_client.h"
#include "links.h"
#include "log.h"
#include "ports.h"
#include "rawsock.h"

/* SYNs that were not answered yet, by a hash of what they are. */
#define ESCORT_UNANSWERED_MAX 256u
/* How often one comes again before it is worth a line. */
#define ESCORT_UNANSWERED_TIMES 3u

struct escort_counters {
	uint64_t seen, authenticated, passed, data, signature, failed;
};

struct escort {
	const struct conf_client *conf;
	struct escort_counters *counters;
	struct rawsock raw;
	struct ports ports; /* refilled by the caller, when there is time */
	struct links links; /* updated by the caller */
	int to_monitor;	    /* for monitor_ask() */
	/* Sends frames after such a SYN, in order; NULL: raw sockets do. */
	int (*send)(void *context, const struct rawsock_packet *packets,
		    size_t count);
	void *send_context;
	struct log_limit limit;
	struct {
		uint32_t seq;
		uint16_t sport;
		uint16_t times;
	} unanswered[ESCORT_UNANSWERED_MAX];
};

/* A SYN on its way out, from its IP header on. */
struct escort_syn {
	const uint8_t *bytes;
	size_t len, wire_len;
	uint32_t outdev; /* an index, or 0 */
	uint32_t mark;
	bool has_uid;
	uint32_t uid;
};

enum escort_fate {
	ESCORT_PASS, /* it goes as it is */
	ESCORT_SYN0, /* its frames are sent: it goes as SYN0 */
	ESCORT_DROP, /* it may not go */
};

/*
 * Open what it sends by; conf and counters are then set.  with_raw: raw
 * sockets, which a sender of one's own makes needless.  0 or -errno.
 */
int escort_open(struct escort *e, bool with_raw);
void escort_close(struct escort *e);

/*
 * Deal with a SYN; syn0 has room for in->len bytes, and gets them for
 * ESCORT_SYN0.
 */
enum escort_fate escort_syn(struct escort *e, const struct escort_syn *in,
			    uint8_t *syn0);

#endif
