/*
 * What a trial says of its path: how each field fared, how TAP's groups
 * did, and whether TAP passes.
 *
 * Pure.
 */
#ifndef TAP_PROBE_PATH_VERDICT_H
#define TAP_PROBE_PATH_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe_path/trial.h"

#define PATH_SOURCES_MAX 8u /* addresses told of a pool; it may have more */
/* As a server has them by default: seconds, and milliseconds. */
#define PATH_TOLERANCE 30u
#define PATH_COMPLETE_MS 1000u

enum path_state {
	PATH_UNKNOWN, /* nobody at the far side saw it or missed it */
	PATH_ARRIVED,
	PATH_REWRITTEN,
	PATH_LOST,
};

struct path_field {
	enum path_state state;
	unsigned sent, arrived;
	unsigned changed, removed; /* of those that arrived */
	unsigned answered; /* SYN/ACK or reset, as the near side heard */
	uint64_t survive;  /* the bits that always did */
	unsigned usable;   /* how many */
	bool has_seen;     /* the example below was seen so */
	bool is_removed;   /* and had no value any more */
	uint64_t sent_value, seen_value; /* of the first that changed, else
					    of the first that arrived */
};

/* The groups of one size. */
struct path_group {
	unsigned frames;
	unsigned sent, whole; /* groups */
	unsigned frames_sent, frames_arrived;
	unsigned ordered;   /* whole ones that came in their order */
	uint64_t spread_ns; /* the longest, of whole ones */
	unsigned late;      /* whole ones that took too long to complete */
	unsigned windows;   /* frames that arrived with another window */
	unsigned split;     /* that came from several addresses */
};

enum path_verdict {
	PATH_NOT_KNOWN, /* no far side, or too little of its word */
	PATH_PASSES,
	PATH_PASSES_LOOSE,
	PATH_FAILS,
};

enum path_reason {
	PATH_NO_REASON,
	PATH_NO_FAR_SIDE,
	PATH_BLIND,     /* it captures nothing, not even its connection */
	PATH_CUT,       /* nothing speaks against it, or for it */
	PATH_PROXY,     /* somebody else answers, and connects anew */
	PATH_SYN_PROXY, /* somebody else answers first */
	PATH_ANSWERED,  /* one of these two */
	PATH_NOTHING,   /* no SYN arrives */
	PATH_SEQUENCE,  /* numbers are translated */
	PATH_SOURCES,   /* several addresses for one host */
	PATH_RESETS,    /* somebody on the way resets frames */
	PATH_FRAMES,    /* no group arrives whole */
	PATH_SLOW,      /* or none in time */
	PATH_CLOCK,
	PATH_WINDOW, /* the mark does not survive: loose */
};

struct path {
	struct path_field fields[FIELDS];
	struct path_group groups[TRIAL_GROUPS];
	enum path_verdict verdict;
	enum path_reason reason;
	uint32_t offset;     /* PATH_SEQUENCE: far minus near */
	unsigned translated; /* arrivals with another number */
	struct packet_addr sources[PATH_SOURCES_MAX];
	size_t source_count;    /* there may be more */
	bool has_nat;           /* none of these is the near side's own */
	unsigned arrived, sent; /* of all SYNs, field and frame */
	unsigned duplicates;    /* further copies */
	unsigned strangers;     /* SYNs of ours, perhaps, not recognised */
	unsigned elsewhere;     /* answered, and never seen at the far side */
	unsigned resets;        /* of frames, that the far side did not send */
	unsigned answers_changed; /* SYN/ACKs whose number differs */
	bool control_seen; /* the control connection's SYN, at both ends */
	bool control_translated;
	uint16_t forwarded_to; /* the port that SYNs came to, where that is
				* another than they went to; or 0 */
	bool has_hops;
	unsigned hops;
	unsigned best_frames; /* of the longest group that gets in */
};

/* What became of one probe; room for it is the caller's. */
struct path_fate {
	bool arrived;
	bool far_answered, near_answered; /* by SYN/ACK */
	bool far_reset, near_reset;
	bool has_change; /* of the answer's number */
	uint32_t far_seq;
	struct field_values seen; /* the first copy */
	uint64_t ns;
};

struct path_room {
	struct path_fate fates[TRIAL_PROBES_MAX];
	uint16_t copies[TRIAL_PROBES_MAX];
};

void path_judge(struct path *path, const struct trial *t,
		struct path_room *room);

#endif
