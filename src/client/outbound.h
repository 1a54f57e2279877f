/*
 * The outbound: a SYN of this host, made into a group and sent ahead of
 * itself.
 */
#ifndef TAP_CLIENT_OUTBOUND_H
#define TAP_CLIENT_OUTBOUND_H

#include "conf/client_conf.h"
#include "daemon/log.h"
#include "daemon/stats.h"
#include "guests/owner.h"
#include "protocol/packet.h"
#include "os/source_ports.h"

/* SYNs that were not answered yet, by a hash of what they are. */
#define OUTBOUND_UNANSWERED_MAX 256u
/* How often one comes again before it is worth a line. */
#define OUTBOUND_UNANSWERED_TIMES 3u

struct outbound_counters {
	uint64_t seen, authenticated, passed, data, signature, failed;
	uint64_t marked;          /* by sockets of others: see marks.h */
	uint64_t denied, unknown; /* of guests: by rules, and since nobody
				     knows whose they are */
};

/* The same as a daemon's status has them. */
void outbound_stats(const struct outbound_counters *n, struct stats *s);

struct outbound_syn;

struct outbound {
	const struct client_conf *conf;
	struct outbound_counters *counters;
	struct ports ports; /* refilled by the caller, when there is time */
	/* What the backend provides: */
	void *context;
	/* Send frames the way this SYN goes, in order; 0 or -errno. */
	int (*send)(void *context, const struct outbound_syn *in,
		    const struct packet *syn, const struct packet_view *frames,
		    size_t count);
	/*
	 * The path of the program that sends a SYN, until the next call, or
	 * NULL.  Itself NULL: then no rule may ask for one.
	 */
	const char *(*program)(void *context, const struct outbound_syn *in,
			       const struct packet *syn);
	/*
	 * Whether a SYN that a rule is for is of somebody behind this host, who
	 * is not to have the use of the key; or NULL: no SYN is.
	 */
	bool (*is_others)(void *context, const struct outbound_syn *in,
			  const struct packet *syn);
	void *others_context;
	/*
	 * Where a name's connections go unanswered, its place is set, by
	 * sender_host.no; or NULL.
	 */
	uint8_t *asked;
	/* A group was sent for this SYN; or NULL. */
	void (*note)(void *context, const struct packet *syn, uint16_t key_no);
	void *note_context;
	bool note_alone; /* no line of ours tells that none was answered */
	struct log_limit limit;
	struct {
		uint32_t seq;
		uint16_t sport;
		uint16_t times;
	} unanswered[OUTBOUND_UNANSWERED_MAX];
};

/* A SYN on its way out, from its IP header on. */
struct outbound_syn {
	const uint8_t *bytes;
	size_t len, wire_len;
	uint32_t outdev;    /* an index, or 0 */
	bool forwarded;     /* through this host, */
	const char *indev;  /* by this device, as below */
	const char *device; /* its name, where conf->by_device, or NULL */
	uint32_t mark;
	bool has_uid;
	uint32_t uid, gid;
	unsigned guest; /* whose it is, by its number; or 0 */
	/* Who in it; or NULL: nobody was asked. */
	const struct guest_owner *owner;
};

enum outbound_fate {
	OUTBOUND_ASK,  /* once more, with an owner: a rule depends on it */
	OUTBOUND_PASS, /* it goes as it is */
	OUTBOUND_SYN0, /* its frames are sent: it goes as SYN0 */
	OUTBOUND_DROP, /* it may not go */
};

/* What became of a SYN that may be logged. */
enum outbound_news {
	OUTBOUND_AUTHENTICATED, /* a line of its own, where they are wanted */
	OUTBOUND_UNANSWERED,    /* authenticated, and here for the third time */
	OUTBOUND_DATA,
	OUTBOUND_SIGNATURE,
	OUTBOUND_KEY, /* not valid now */
	OUTBOUND_NO_PORT,
	OUTBOUND_NOT_SENT, /* the device did not take a frame */
	OUTBOUND_NO_RULE,  /* for this user; here for the third time */
};

/* With nothing set; conf, counters and send have to be, before a SYN. */
void outbound_init(struct outbound *e);
void outbound_close(struct outbound *e);

/*
 * Deal with a SYN; syn0 has room for in->len bytes, and gets them for
 * OUTBOUND_SYN0.
 */
enum outbound_fate outbound_syn(struct outbound *e,
				const struct outbound_syn *in, uint8_t *syn0);

/*
 * Have a line in the log about a SYN that was dealt with elsewhere: problems
 * at a bounded rate.
 */
void outbound_tell(struct outbound *e, enum outbound_news news,
		   const struct packet *syn, uint16_t key_no);

#endif
