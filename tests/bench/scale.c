/*
 * What the receiver does for one connection, in this process and without the
 * kernel, against how much it has to know:
 *
 *   scale [WORD=VALUE...]
 *
 *   keys=N        keys, each connection with another one; 10
 *   rules=N       rules, each for ports of its own; 1
 *   groups=N      groups in assembly that never become complete; 0
 *   replays=N     groups accepted before; 0
 *   connections=N of each round; 20000
 *   rounds=N      5
 *
 * Prints one line of JSON: nanoseconds of the processor a connection, in
 * the median round and in the best, and the bytes of the tables.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "conf/server_conf.h"
#include "protocol/receiver.h"

#define PORT 8080
#define FIRST_PORT 10000 /* of the rules that match nothing here */
#define ROUNDS_MAX 1000
#define CONNECTIONS_MAX 1000000
#define EXTRA 1 /* what new keys have */
#define FRAMES (FRAME_BASE + EXTRA)

struct scale {
	uint64_t keys, rules, groups, replays, connections, rounds;
	struct acl acl;
	struct receiver receiver;
	struct receiver_now now;
	uint64_t seed;
	size_t bytes;
	uint32_t (*seq)[FRAMES]; /* of a round's connections */
};

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "scale: %s: %s\n", what, why);
	exit(2);
}

static void *
memory(struct scale *s, size_t count, size_t size)
{
	void *bytes = calloc(count, size);

	if (!bytes) {
		fail("memory", "not enough");
	}
	s->bytes += count * size;
	return bytes;
}

/* splitmix64 (Steele, Lea and Flood, 2014) */
static uint64_t
random_next(struct scale *s)
{
	uint64_t z = s->seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void
word(struct scale *s, const char *text)
{
	static const struct {
		const char *name;
		size_t offset;
		unsigned long least, most;
	} words[] = {
		{ "keys=", offsetof(struct scale, keys), 1, ACL_KEYS_MAX },
		{ "rules=", offsetof(struct scale, rules), 1, ACL_RULES_MAX },
		{ "groups=", offsetof(struct scale, groups), 0, 1u << 22 },
		{ "replays=", offsetof(struct scale, replays), 0, 1u << 22 },
		{ "connections=", offsetof(struct scale, connections), 1,
		  CONNECTIONS_MAX },
		{ "rounds=", offsetof(struct scale, rounds), 1, ROUNDS_MAX },
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		size_t len = strlen(words[i].name);
		char *end;
		uint64_t value;

		if (strncmp(text, words[i].name, len) != 0) {
			continue;
		}
		value = strtoul(text + len, &end, 10);
		if (*end != '\0' || value < words[i].least ||
		    value > words[i].most) {
			fail(text, "out of range");
		}
		memcpy((char *)s + words[i].offset, &value, sizeof value);
		return;
	}
	fail(text, "no such word");
}

static void
make_acl(struct scale *s)
{
	static struct acl_range all = { 0, 65535 };
	static struct acl_entry entry = { .ports = { 0, 65535 },
					  .keys = &all,
					  .keys_count = 1 };
	struct acl *acl = &s->acl;

	acl->entries = &entry;
	acl->entries_count = 1;
	acl->rules = memory(s, s->rules, sizeof *acl->rules);
	acl->keys = memory(s, s->keys, sizeof *acl->keys);
	for (size_t i = 0; i < s->rules; i++) {
		bool last = i == s->rules - 1;
		struct acl_range *port = memory(s, 1, sizeof *port);

		port->low = port->high =
			last ? PORT : (uint16_t)(FIRST_PORT + i);
		acl->rules[i].ports = port;
		acl->rules[i].ports_count = 1;
		acl->rules[i].tolerance = 30;
	}
	for (size_t i = 0; i < s->keys; i++) {
		uint8_t secret[MAC_SECRET_MIN];

		be64_store(secret, random_next(s));
		be64_store(secret + 8, random_next(s));
		acl->keys[i].no = (uint16_t)i;
		acl->keys[i].not_after = UINT64_MAX;
		acl->keys[i].bits = (uint8_t)frame_auth_bits(EXTRA);
		mac_key_init(&acl->keys[i].mac, MAC_HMAC_SHA256, EXTRA, secret,
			     sizeof secret, NULL, 0);
	}
	acl->rules_count = s->rules;
	acl->keys_count = s->keys;
	acl_index(acl);
}

static void
make_gate(struct scale *s)
{
	static struct server_conf usual;
	struct receiver_limits limits;
	struct hash_key key;
	struct replay_store *store;

	server_conf_defaults(&usual);
	limits = usual.limits;
	key.k0 = random_next(s);
	key.k1 = random_next(s);
	if (s->groups + 64 > limits.reassembly.groups) {
		limits.reassembly.groups = (uint32_t)s->groups + 64;
	}
	if (4 * limits.reassembly.groups > limits.reassembly.frames) {
		limits.reassembly.frames = 4 * limits.reassembly.groups;
	}
	limits.replays =
		(uint32_t)(s->replays + s->rounds * s->connections + 64);
	store = memory(s, 1, replay_store_size(limits.replays));
	replay_format(store, limits.replays);
	receiver_init(&s->receiver, memory(s, 1, receiver_size(&limits)), store,
		      &limits, &s->acl, &key);
}

static struct packet
packet(uint32_t source, uint32_t seq, uint16_t mark)
{
	struct packet p = {
		.src.family = 4,
		.dst = { 4, { 192, 0, 2, 1 } },
		.sport = (uint16_t)seq,
		.dport = PORT,
		.seq = seq,
		.window = mark,
		.flags = PACKET_SYN,
	};

	be32_store(p.src.bytes, source);
	return p;
}

/* Groups of which SYN2 alone came, of this very moment. */
static void
fill_assembly(struct scale *s)
{
	const struct frame_head head = { EXTRA, 0, s->now.instant };

	for (uint64_t i = 0; i < s->groups; i++) {
		const struct packet p = packet((uint32_t)random_next(s),
					       frame_syn2(&head), (uint16_t)i);
		const struct receiver_packet in = { .packet = &p };
		struct receiver_result result;

		receiver_input(&s->receiver, &s->now, &in, &result);
	}
}

static void
sign_round(struct scale *s)
{
	for (uint64_t i = 0; i < s->connections; i++) {
		const struct acl_key *key =
			&s->acl.keys[random_next(s) % s->keys];
		const struct frame_head head = { EXTRA, key->no,
						 s->now.instant };
		uint32_t *seq = s->seq[i];

		seq[FRAME_SYN0] = (uint32_t)random_next(s);
		seq[FRAME_SYN1] = frame_syn1(&head);
		seq[FRAME_SYN2] = frame_syn2(&head);
		mac_sign(&key->mac, PORT, seq, NULL);
	}
}

/* Nanoseconds of a connection; fails where one is not let in. */
static double
run_round(struct scale *s)
{
	static const size_t order[FRAMES] = { FRAME_SYN2, FRAME_SYN1,
					      FRAME_SYN3, FRAME_SYN4,
					      FRAME_SYN0 };
	struct timespec from, to;

	sign_round(s);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (uint64_t i = 0; i < s->connections; i++) {
		struct receiver_result result = { 0 };

		for (size_t at = 0; at < FRAMES; at++) {
			const struct packet p =
				packet(0x0a000001u + (uint32_t)i,
				       s->seq[i][order[at]], (uint16_t)i);
			const struct receiver_packet in = { .packet = &p };

			receiver_input(&s->receiver, &s->now, &in, &result);
		}
		if (result.verdict != RECEIVER_ACCEPT) {
			fail("connection", "not accepted");
		}
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 +
		(double)(to.tv_nsec - from.tv_nsec)) /
		(double)s->connections;
}

static void
fill_replays(struct scale *s)
{
	for (uint64_t i = 0; i < s->replays; i++) {
		replay_remember(&s->receiver.replay, random_next(s),
				s->now.instant - 2);
	}
}

static int
compare(const void *a, const void *b)
{
	double x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	static struct scale s = {
		.keys = 10,
		.rules = 1,
		.connections = 20000,
		.rounds = 5,
		.seed = 1,
		.now = { UINT64_C(1795132800) << 8, 1000000 },
	};
	static double took[ROUNDS_MAX];

	for (int i = 1; i < argc; i++) {
		word(&s, argv[i]);
	}
	make_acl(&s);
	make_gate(&s);
	s.seq = calloc(s.connections, sizeof *s.seq);
	if (!s.seq) {
		fail("memory", "not enough");
	}
	fill_replays(&s);
	fill_assembly(&s);
	for (uint64_t i = 0; i < s.rounds; i++) {
		took[i] = run_round(&s);
	}
	qsort(took, s.rounds, sizeof took[0], compare);
	printf("{\"ns\":%.1f,\"least\":%.1f,\"bytes\":%zu}\n",
	       took[s.rounds / 2], took[0], s.bytes);
	return 0;
}
