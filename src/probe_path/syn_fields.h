/*
 * The fields of a SYN that a path may let through, rewrite or drop: the
 * papers' (000, 3.4, table 1) and those of today.  RFC 791, 2474, 3168,
 * 6437, 6994, 7323, 7413, 8684, 9293.
 *
 * Pure.
 */
#ifndef TAP_PROBE_PATH_SYN_FIELDS_H
#define TAP_PROBE_PATH_SYN_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/packet.h"

enum field {
	FIELD_SPORT,
	FIELD_DPORT,
	FIELD_SEQ,
	FIELD_ACK,
	FIELD_WINDOW,
	FIELD_DATA,
	FIELD_ID, /* IPv4 */
	FIELD_DSCP,
	FIELD_ECN_IP,  /* the two bits of the IP header */
	FIELD_ECN_TCP, /* ECE and CWR: a SYN that asks for ECN */
	FIELD_TTL,
	FIELD_RESERVED,
	FIELD_URGENT,
	FIELD_MSS,
	FIELD_WSCALE,
	FIELD_SACK,
	FIELD_TIMESTAMP,
	FIELD_UNKNOWN, /* option 253 */
	FIELD_MPTCP,
	FIELD_FASTOPEN, /* with a cookie and data */
	FIELD_LABEL,    /* IPv6 */
	FIELDS,
};

/* What TAP needs of a field. */
enum field_need {
	FIELD_UNUSED,
	FIELD_DISTINCT, /* any value, as long as they differ */
	FIELD_HELPFUL,  /* can be done without: window=loose */
	FIELD_NEEDED,
};

/* Which of the SYNs that a trace sends to each hop has it marked. */
enum field_trace {
	FIELD_TRACE_PLAIN, /* with what every SYN has */
	FIELD_TRACE_ODD,   /* with what few have: firewalls may drop it */
	FIELD_TRACE_DATA,
	FIELD_TRACES,
	FIELD_TRACE_NONE = FIELD_TRACES,
};

/* How an option of TCP looks, as it is sent and as it is read. */
struct field_option {
	uint8_t kind;
	uint8_t len;       /* of its body, without kind and length */
	uint8_t value_len; /* 0: it is there or not */
	uint16_t prefix;   /* two bytes ahead of the value; 0: none */
	uint16_t fixed;    /* what its probe sends; 0: random bits */
	bool usual;        /* in every SYN, marked or not */
};

struct field_kind {
	const char *name;  /* as JSON and plans have it */
	const char *title; /* as tables have it */
	uint16_t bits;     /* that it has; of data and cookies, that are sent */
	uint8_t family;    /* 4 or 6: only there; 0: both */
	enum field_need need;
	enum field_trace trace;
	bool decimal; /* how a value of it is written */
};

const struct field_kind *field_kind(enum field field);
/* NULL: it is no option. */
const struct field_option *field_option(enum field field);
/* By its name; FIELDS: there is none. */
enum field field_find(const char *name);
/* Whether packets of this version of IP have it. */
bool field_exists(enum field field, uint8_t family);

#define FIELD_DATA_LEN 32u /* bytes that the probe with data carries */
#define FIELD_COOKIE_LEN 8u

/*
 * What a packet says.  It may be cut: a field is known where its bytes
 * are there, and has a value where the packet has it (an option, data).
 */
struct field_values {
	struct packet_addr src, dst;
	uint32_t known;   /* a bit for each field */
	uint32_t present; /* likewise */
	uint64_t value[FIELDS];
	uint8_t flags;     /* enum packet_flag; 0: not known */
	uint16_t data_len; /* by the IP header's word */
	uint32_t data_sum; /* differs where the data does; 0: not known */
};

/*
 * Read the fields of len bytes that begin with an IP header.  0, or -1
 * where it is no TCP, or a later fragment, or the ports are not there.
 */
int field_read(struct field_values *v, const uint8_t *bytes, size_t len);

/* A first SYN; a SYN/ACK. */
bool field_is_syn(const struct field_values *v);
bool field_is_syn_ack(const struct field_values *v);

/*
 * How one field fared, from what was sent and what was seen of it.
 * FIELD_TTL is taken as same: it has to change.
 */
enum field_change {
	FIELD_SAME,
	FIELD_CHANGED,
	FIELD_REMOVED, /* the option or the data is gone */
	FIELD_HIDDEN,  /* can't be told: cut off */
};

enum field_change field_compare(enum field field,
				const struct field_values *sent,
				const struct field_values *seen);

#endif
