/*
 * The escort: a SYN of this host, made into a group and sent ahead of
 * itself.
 */
#ifndef TAP_CLIENT_OUTBOUND_H
#define TAP_CLIENT_OUTBOUND_H

#include "conf/client_conf.h"
#include "daemon/log.h"
#include "protocol/packet.h"
#include "os/source_ports.h"

/* SYNs that were not answered yet, by a hash of what they are. */
#define ESCORT_UNANSWERED_MAX 256u
/* How often one comes again before it is worth a line. */
#define ESCORT_UNANSWERED_TIMES 3u

struct escort_counters {
	uint64_t seen, authenticated, passed, data, signature, failed;
};

struct escort_syn;

struct escort {
	const struct conf_client *conf;
	struct escort_counters *counters;
	struct ports ports; /* refilled by the caller, when there is time */
	/* What it works with, which is for the system to have: */
	void *context;
	/* Send frames the way this SYN goes, in order; 0 or -errno. */
	int (*send)(void *context, const struct escort_syn *in,
		    const struct packet *syn, const struct packet_view *frames,
		    size_t count);
	/*
	 * The path of the program that sends a SYN, until the next call, or
	 * NULL.  Itself NULL: then no rule may ask for one.
	 */
	const char *(*program)(void *context, const struct packet *syn);
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
	uint32_t outdev;    /* an index, or 0 */
	const char *device; /* its name, where conf->by_device, or NULL */
	uint32_t mark;	    /* for its frames */
	bool has_uid;
	uint32_t uid;
};

enum escort_fate {
	ESCORT_PASS, /* it goes as it is */
	ESCORT_SYN0, /* its frames are sent: it goes as SYN0 */
	ESCORT_DROP, /* it may not go */
};

/* What became of a SYN, as far as it is worth a line. */
enum escort_news {
	ESCORT_AUTHENTICATED, /* a line of its own, where they are wanted */
	ESCORT_UNANSWERED,    /* authenticated, and here for the third time */
	ESCORT_DATA,
	ESCORT_SIGNATURE,
	ESCORT_KEY, /* not valid now */
	ESCORT_NO_PORT,
	ESCORT_NOT_SENT, /* the device did not take a frame */
};

/* With nothing set; conf, counters and send have to be, before a SYN. */
void escort_init(struct escort *e);
void escort_close(struct escort *e);

/*
 * Deal with a SYN; syn0 has room for in->len bytes, and gets them for
 * ESCORT_SYN0.
 */
enum escort_fate escort_syn(struct escort *e, const struct escort_syn *in,
			    uint8_t *syn0);

/*
 * Have a line in the log about a SYN that was dealt with elsewhere: problems
 * at a bounded rate.
 */
void escort_tell(struct escort *e, enum escort_news news,
		 const struct packet *syn, uint16_t key_no);

#endif
