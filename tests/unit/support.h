/*
 * What the unit tests share: a seeded generator, orders of arrival, the
 * vectors, and a bench that drives a receiver and holds it to its contract at
 * every call.  Tests run at the top of the tree.
 */
#ifndef TAP_TESTS_SUPPORT_H
#define TAP_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/receiver.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* splitmix64; the state is the seed. */
uint64_t random_u64(uint64_t *state);
uint32_t random_u32(uint64_t *state);
/* Less than n, which is at least 1. */
uint32_t random_below(uint64_t *state, uint32_t n);

/*
 * How many steps a test at random takes: PROPERTY_STEPS of the environment,
 * or `usual`, a quarter of it with the sanitizers; but PROPERTY_STEPS_MAX at
 * the most.
 */
unsigned long property_steps(unsigned long usual);
/* The seed: PROPERTY_SEED, or 1.  It is printed. */
uint64_t property_seed(void);

/* Orders: permutations of 0 .. n - 1. */
void order_init(size_t *order, size_t n);
/* The next one in lexical order, or false after the last. */
bool order_next(size_t *order, size_t n);
void order_shuffle(size_t *order, size_t n, uint64_t *seed);

/* One group of tests/vectors/frames.json. */
struct vector {
	char name[32];
	enum mac_suite suite;
	uint8_t secret[MAC_SECRET_MAX];
	size_t secret_len;
	uint16_t key_no;
	uint64_t instant;
	uint32_t isn;
	uint16_t port;
	uint8_t realm[MAC_REALM_MAX];
	size_t realm_len;
	unsigned extra;
	uint32_t seq[FRAME_MAX];
	size_t seq_count;
};

/* Every vector of the file; fails the test where one is malformed. */
size_t vectors_load(struct vector *vectors, size_t max);

/* What the bench knows of a packet it gave to the receiver; its id is its
 * place. */
struct bench_sent {
	uint32_t seq;
	uint16_t sport;
	enum { BENCH_DECIDED, BENCH_HELD, BENCH_RELEASED } state;
	enum receiver_verdict verdict; /* the last word */
};

#define BENCH_MAX 16 /* rules, keys and entries, each */

struct bench {
	struct receiver receiver;
	struct receiver_limits limits;
	struct receiver_now now;
	struct acl acl;
	struct acl_rule rules[BENCH_MAX];
	struct acl_range rule_ports[BENCH_MAX];
	struct acl_key keys[BENCH_MAX];
	struct acl_entry entries[BENCH_MAX];
	struct acl_range entry_keys[BENCH_MAX];
	void *memory;
	struct replay_store *store;
	struct replay empty; /* the replay memory as it began */
	void *empty_store, *empty_index;

	struct bench_sent *sent;
	size_t sent_count, sent_size;
	size_t held;
	size_t accepted;
	uint64_t accepted_id;          /* the last */
	struct receiver_event event;   /* the last */
	struct receiver_result result; /* of the last call */
	uint64_t by_reason[VERIFY_REASONS];
};

/*
 * A bench with small tables, at a time in 2026, without rules or keys.
 * Change b->limits before bench_start().
 */
struct bench *bench_new(void);
void bench_free(struct bench *b);
/* tolerance 30 s */
struct acl_rule *bench_rule(struct bench *b, uint16_t port, bool loose);
struct acl_key *bench_key(struct bench *b, uint16_t no, enum mac_suite suite,
			  unsigned extra);
/* These keys may use this port. */
void bench_allow(struct bench *b, uint16_t port, uint16_t low, uint16_t high);
void bench_start(struct bench *b);
/* The process ends, with nothing held, and another takes up its store. */
void bench_restart(struct bench *b);
/* Forget what was accepted, so that it may be accepted again. */
void bench_forget(struct bench *b);

/*
 * Give one packet to the receiver and check all that holds for every call:
 * each held packet is released once, no bound is exceeded, each accepted
 * packet has its event, counters agree.  Returns the verdict.
 */
enum receiver_verdict bench_packet(struct bench *b, const struct packet *p,
				   const uint8_t *options, const char *indev);
/* A frame that was taken off the wire before the receiver, with these, too. */
void bench_witness(struct bench *b, const struct packet *p);
/* A group that was accepted before the receiver. */
void bench_learn(struct bench *b, const struct receiver_accepted *a);
/* One receiver_expire(), with the same checks. */
bool bench_expire(struct bench *b);
/* Let all time for assembly pass; nothing may be left. */
void bench_drain(struct bench *b);
void bench_wait(struct bench *b, uint64_t ms);
/* The lists of the reassembly, from every side. */
void bench_check_reassembly(struct reassembly *q);

/* A sender's group. */
struct group {
	struct packet_addr src, dst;
	uint32_t seq[FRAME_MAX];
	uint16_t sport[FRAME_MAX];
	uint16_t window[FRAME_MAX]; /* the same, unless a path changed them */
	uint16_t dport;
	size_t frames;
	uint8_t options[12]; /* of the SYN it is made from */
};

struct packet_addr addr4(uint32_t number);
/* Of a host beyond: what goes to it goes through the bench's. */
struct packet_addr addr_beyond(void);
/* Addresses in 2001:db8::/32: the /64, and the interface. */
struct packet_addr addr6(uint32_t prefix, uint64_t host);

/* Signed at an instant; mark, source and ports from the seed. */
void group_make(struct group *g, const struct acl_key *key, uint16_t port,
		uint64_t instant, uint32_t isn, uint64_t *seed);
/* The same with flags other than the key's. */
void group_make_flags(struct group *g, const struct acl_key *key, uint16_t port,
		      uint64_t instant, uint32_t isn, uint8_t flags,
		      uint64_t *seed);
struct packet group_packet(const struct group *g, size_t role);
/* What somebody who knows the key's number and the time can add to it. */
struct packet group_forge(const struct group *g, unsigned role, uint64_t *seed);
/* PROTOCOL's order of sending: SYN2, SYN1, SYN3, ..., SYN0. */
void group_order(const struct group *g, size_t *order);
enum receiver_verdict group_send_one(struct bench *b, const struct group *g,
				     size_t role);
/* By an order of roles, or NULL for the order of sending. */
void group_send(struct bench *b, const struct group *g, const size_t *order);
/* Whether the last accepted packet is this group's SYN0. */
bool group_is_accepted(const struct bench *b, const struct group *g);

#endif
