/*
 * A trial of a path: the SYNs that one end sends, and what each end sees
 * of them.  A field's SYN is one of an ordinary host with that field
 * marked; a group is TAP's own (frame.h).
 *
 * Pure.
 */
#ifndef TAP_PROBE_PATH_TRIAL_H
#define TAP_PROBE_PATH_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probe_path/syn_fields.h"
#include "protocol/frame.h"
#include "protocol/mac.h"
#include "protocol/packet.h"

#define TRIAL_COUNT_MAX 20u /* rounds; each is FIELDS + TRIAL_FRAMES probes */
#define TRIAL_GROUPS 4u     /* of a round: 4, 5, 6 and 7 frames */
#define TRIAL_FRAMES 22u    /* of these together */
/* One more for the control connection's own SYN. */
#define TRIAL_PROBES_MAX (TRIAL_COUNT_MAX * (FIELDS + TRIAL_FRAMES) + 1u)
/* IPv6, TCP with all options there may be, and data. */
#define TRIAL_PROBE_MAX                                                        \
	(PACKET_IP6_HEADER + PACKET_TCP_HEADER_MAX + FIELD_DATA_LEN)
/* What is kept of a packet that was seen: a router may add IP options. */
#define TRIAL_PACKET_MAX 192u
/* Each end: an arrival, some copies of it, and what answers them. */
#define TRIAL_PACKETS_MAX (TRIAL_PROBES_MAX * 11u)
/* A Linux host's, where it is not marked. */
#define TRIAL_WINDOW 64240u
#define TRIAL_TTL 64u
#define TRIAL_TTL_MARKED 128u

enum trial_kind {
	TRIAL_FIELD,
	TRIAL_FRAME,
	TRIAL_CONNECTION, /* the SYN of the control connection */
};

struct trial_probe {
	enum trial_kind kind;
	enum field field;     /* TRIAL_FIELD: which is marked */
	enum frame_role role; /* TRIAL_FRAME */
	uint8_t frames;       /* likewise, of its group */
	uint8_t round;
	uint16_t group; /* likewise: 1 and up, in order of sending */
	uint16_t len;
	uint8_t bytes[TRIAL_PROBE_MAX];
	struct field_values sent; /* what bytes say */
};

struct trial_packet {
	uint64_t ns;  /* since 1970, by the clock of who saw it */
	bool control; /* of the control connection */
	uint16_t len;
	uint8_t bytes[TRIAL_PACKET_MAX];
};

/* Packets that one end saw; of room, the caller's. */
struct trial_packets {
	struct trial_packet *at;
	size_t count, room;
	size_t left_out; /* for lack of room */
};

/*
 * Probes by the numbers that tell them apart, so that a flood of SYNs is
 * not held against all of them.  Places are 1 and up; 0 is none.
 */
enum trial_number {
	TRIAL_BY_SEQ,
	TRIAL_BY_TSVAL,
	TRIAL_BY_SPORT,
	TRIAL_NUMBERS,
};
#define TRIAL_BUCKETS 1024u /* about one probe in each, of most plans */
/* Frames of a group have a time stamp in common; a plan may say more. */
#define TRIAL_CHAIN_MAX 64u

struct trial_index {
	uint16_t first[TRIAL_NUMBERS][TRIAL_BUCKETS];
	uint16_t next[TRIAL_NUMBERS][TRIAL_PROBES_MAX];
};

size_t trial_bucket(uint64_t number);

struct trial {
	struct packet_addr near, far; /* as the near side knows them */
	uint16_t port;
	uint8_t rounds;
	struct trial_probe *probes; /* TRIAL_PROBES_MAX, the caller's */
	size_t count;
	struct trial_index index;   /* kept by trial_add() */
	struct trial_packets heard; /* by the near side, not its own */
	struct trial_packets seen;  /* by the far side */
	bool has_seen;  /* there was somebody at the far side to see */
	bool connected; /* it has told of its connection's SYN, or sees none */
	bool cut;       /* the far side's word ended before its time */
	bool has_skew;
	int64_t skew_ns;   /* the far clock minus the near one */
	uint32_t far_lost; /* packets that came too fast for the far side */
};

/* The port next to it, where nobody listens: for FIELD_DPORT. */
uint16_t trial_other_port(uint16_t port);

/* Random numbers of a probe; value serves two rounds. */
struct trial_numbers {
	uint64_t value;
	uint32_t seq, tsval;
	uint16_t id, sport;
};

/*
 * Write a SYN with these fields marked (a bit for each).  In odd rounds,
 * values have their bits turned round.  Returns its length.
 */
size_t trial_build(uint8_t out[TRIAL_PROBE_MAX], const struct trial *t,
		   uint32_t set, unsigned round,
		   const struct trial_numbers *numbers, uint8_t ttl);

/*
 * Add the probe of a field.  False where there is no room.
 */
bool trial_add_field(struct trial *t, enum field field, unsigned round,
		     const struct trial_numbers *numbers);

/* What a group needs besides: as sender.h has it. */
struct trial_group {
	const struct mac_key *key; /* says how many frames */
	uint16_t key_no;
	uint64_t instant;
	uint16_t mark;
	const uint16_t *sports; /* one for each frame after SYN0 */
};

/* Add the frames of a group, in the order in which they are sent. */
bool trial_add_group(struct trial *t, unsigned round,
		     const struct trial_numbers *numbers,
		     const struct trial_group *group);

/* Add a packet as it is: one of these fields or roles, already built. */
bool trial_add(struct trial *t, const struct trial_probe *like,
	       const uint8_t *bytes, size_t len);

/* Take all probes away. */
void trial_clear(struct trial *t);

/* Whether a probe went from one of these ports to the other. */
bool trial_has_ports(const struct trial *t, uint16_t sport, uint16_t dport);

/* Note a packet; what is longer than is kept is cut. */
void trial_note(struct trial_packets *list, uint64_t ns, bool control,
		const uint8_t *bytes, size_t len);

#define TRIAL_NONE ((size_t)-1)
/* With at least 32 matching bits, it is no stranger's packet. */
#define TRIAL_CERTAIN 32u

/*
 * The probe that a SYN was, of all, by what is left of it, or TRIAL_NONE.
 * Of probes that fit alike, the one with fewest copies (a number for
 * each probe, or NULL), and of these the first.  *bits: of how many that holds.
 */
size_t trial_match(const struct trial *t, const struct field_values *seen,
		   const uint16_t *copies, unsigned *bits);

#endif
