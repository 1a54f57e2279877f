/*
 * What a scan finds: a state for each address, port and way to scan, in
 * a table, and what it is compared with.
 *
 * Pure.
 */
#ifndef TAP_SCAN_CHECK_RESULTS_H
#define TAP_SCAN_CHECK_RESULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/target_addr.h"
#include "protocol/packet.h"
#include "measure/probe.h"

/* How a state was found. */
enum finding_reason {
	FINDING_SILENCE,
	FINDING_TCP, /* detail: the flags */
	FINDING_UDP,
	FINDING_ICMP,   /* detail: type << 8 | code */
	FINDING_ERRNO,  /* detail: of connect(2); 0: connected */
	FINDING_UNSENT, /* detail: errno; the kernel refused to send */
};

/* What somebody says a port is to be. */
enum finding_expected {
	FINDING_ANYTHING,
	FINDING_FILTERED,
	FINDING_CLOSED,
	FINDING_OPEN,
};

struct finding {
	uint8_t state;  /* enum probe_state; unknown: not found yet */
	uint8_t reason; /* enum finding_reason */
	uint16_t detail;
	uint16_t tries;
	bool unsure; /* found by what can't be told by numbers */
	/* The first such answer; it decides when nothing better comes. */
	uint8_t unsure_state, unsure_reason;
	uint16_t unsure_detail;
	uint8_t nmap;    /* the state that nmap saw, or unknown */
	bool nmap_down;  /* nmap took the host for down */
	uint8_t before;  /* the state that an earlier run saw, or unknown */
	uint32_t rtt_us; /* 0: not known */
};

struct findings {
	const struct target_addr *targets;
	size_t target_count;
	const uint16_t *ports; /* ascending */
	size_t port_count;
	enum probe_scan scans[PROBE_SCANS];
	size_t scan_count;
	const uint8_t *expected; /* enum finding_expected for each port */
	struct finding *at;      /* by target, port, scan */
	size_t count;
};

/* Places in the table, and the table in order of them. */
struct finding_place {
	size_t target, port, scan;
};

struct finding_place finding_place(const struct findings *f, size_t at);
size_t finding_at(const struct findings *f, const struct finding_place *place);
/* By their values; one behind the last where the table has none. */
size_t finding_target(const struct findings *f, const struct packet_addr *addr);
size_t finding_port(const struct findings *f, uint16_t port);
/* A target by its address and its text, likewise. */
size_t finding_named(const struct findings *f, const struct packet_addr *addr,
		     const char *text);
/* Of a target, and by the target's text; NULL where the table has none. */
struct finding *finding_of(const struct findings *f, size_t target,
			   uint16_t port, enum probe_scan scan);
struct finding *finding_find(const struct findings *f, const char *address,
			     uint16_t port, enum probe_scan scan);

/*
 * What is found at a place: the first that says something counts.
 * Return whether this did.
 */
bool finding_answer(struct findings *f, size_t at, const struct answer *a);
/* One that can't be told by numbers: see finding_settle(). */
void finding_hint(struct findings *f, size_t at, const struct answer *a);
bool finding_connected(struct findings *f, size_t at, int error);
/*
 * Where nothing was found after so many tries, that says something, too;
 * unless there was a hint.
 */
void finding_settle(struct findings *f, size_t at, unsigned tries);

/* Whether nmap, where it said something, said the same. */
bool finding_agrees(const struct finding *finding);

/*
 * Whether a state is one that a port shows in this scan which is as
 * expected.  A filtered one: filtered or open|filtered.  A closed one:
 * what a reset means, in each.  An open one: open, where the scan begins
 * as a connection does; the others can't tell, as hosts and firewalls
 * differ.  UDP is never judged: what is expected is said of TCP.
 */
bool finding_as_expected(enum finding_expected expected, enum probe_scan scan,
			 enum probe_state state);

#endif
