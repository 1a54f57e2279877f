/* SPDX-License-Identifier: ISC */
/*
 * Holes made on purpose, one at a time, for the tests of tap replay-test: a
 * server that lets in what it should refuse.  They stand in the place of some
 * functions of tap (the linker's --wrap), in a binary for tests alone: tap
 * itself has none of this.
 *
 * TAP_FAULT in the environment names one:
 *
 *   no-memory         accepted groups are not remembered
 *   memory-of-ten     the eleventh displaces the first
 *   memory-lost       a restart forgets, and does not say so
 *   future-accepted   times are checked for being old alone
 *   flags-ignored     unknown bits of them are passed over
 *   port-unchecked    any port counts as the first one hidden
 *   source-unchecked  frames are grouped wherever they are from
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/reassembly.h"
#include "protocol/receiver.h"
#include "protocol/replay_cache.h"
#include "protocol/verify.h"
#include "tap.h"

#define MEMORY 10u /* groups that memory-of-ten remembers */

enum replay_answer __wrap_replay_remember(struct replay *r, uint64_t tag,
					  uint64_t instant);
enum replay_answer __real_replay_remember(struct replay *r, uint64_t tag,
					  uint64_t instant);
uint32_t __wrap_replay_init(struct replay *r, struct replay_store *store,
			    void *index, uint32_t capacity,
			    const struct hash_key *key);
uint32_t __real_replay_init(struct replay *r, struct replay_store *store,
			    void *index, uint32_t capacity,
			    const struct hash_key *key);
void __wrap_receiver_begin_unknown(struct receiver *g,
				   const struct receiver_now *now);
void __real_receiver_begin_unknown(struct receiver *g,
				   const struct receiver_now *now);
void __wrap_verify_find(const struct verify_scene *scene,
			const struct verify_frame *frames, size_t count,
			struct verify *found);
void __real_verify_find(const struct verify_scene *scene,
			const struct verify_frame *frames, size_t count,
			struct verify *found);
void __wrap_mac_sign(const struct mac_key *key, uint16_t port, uint32_t *seq,
		     uint64_t *tag);
void __real_mac_sign(const struct mac_key *key, uint16_t port, uint32_t *seq,
		     uint64_t *tag);
struct reassembly_group *
__wrap_reassembly_find(struct reassembly *q, const struct reassembly_key *key);
struct reassembly_group *
__real_reassembly_find(struct reassembly *q, const struct reassembly_key *key);
struct reassembly_group *
__wrap_reassembly_add(struct reassembly *q, const struct reassembly_key *key);
struct reassembly_group *
__real_reassembly_add(struct reassembly *q, const struct reassembly_key *key);

static const char *chosen = "";

/* Of the group that is looked at. */
static uint16_t first_port;
static struct verify_frame shown[REASSEMBLY_FRAMES_MAX];
static const struct verify_frame *came;
static size_t came_count;

static bool
fault(const char *name)
{
	return strcmp(chosen, name) == 0;
}

__attribute__((constructor)) static void
choose(void)
{
	static const char *const names[] = {
		"",
		"no-memory",
		"memory-of-ten",
		"memory-lost",
		"future-accepted",
		"flags-ignored",
		"port-unchecked",
		"source-unchecked",
	};
	const char *name = getenv("TAP_FAULT");
	size_t i = 0;

	while (name && i < sizeof names / sizeof names[0] &&
	       strcmp(names[i], name) != 0) {
		i++;
	}
	if (i == sizeof names / sizeof names[0]) {
		fprintf(stderr, "tap: TAP_FAULT: no fault '%s'\n", name);
		_exit(TAP_USAGE);
	}
	chosen = names[i];
	fprintf(stderr, "tap: built with faults, for tests alone\n");
}

/* ---- the memory of replays */

static enum replay_answer
remember_ten(uint64_t tag)
{
	static uint64_t tags[MEMORY];
	static size_t next;

	for (size_t i = 0; i < MEMORY; i++) {
		if (tags[i] == tag) {
			return REPLAY_SEEN;
		}
	}
	tags[next++ % MEMORY] = tag;
	return REPLAY_NEW;
}

enum replay_answer
__wrap_replay_remember(struct replay *r, uint64_t tag, uint64_t instant)
{
	if (fault("no-memory")) {
		return REPLAY_NEW;
	}
	return fault("memory-of-ten") ? remember_ten(tag)
				      : __real_replay_remember(r, tag, instant);
}

uint32_t
__wrap_replay_init(struct replay *r, struct replay_store *store, void *index,
		   uint32_t capacity, const struct hash_key *key)
{
	if (fault("memory-lost")) {
		replay_format(store, capacity);
	}
	return __real_replay_init(r, store, index, capacity, key);
}

void
__wrap_receiver_begin_unknown(struct receiver *g,
			      const struct receiver_now *now)
{
	if (!fault("memory-lost")) {
		__real_receiver_begin_unknown(g, now);
	}
}

/* ---- the checks of a group */

/* As if no SYN1 had unknown flags; but mac_sign() is given what came. */
static void
find_without_flags(const struct verify_scene *scene,
		   const struct verify_frame *frames, size_t count,
		   struct verify *found)
{
	const uint32_t unknown = (uint32_t)(31 & ~FRAME_EXTRA_MAX) << 24;

	memcpy(shown, frames, count * sizeof *shown);
	for (size_t i = 0; i < count; i++) {
		if (frame_role_of(shown[i].seq) == FRAME_SYN1) {
			shown[i].seq &= ~unknown;
		}
	}
	came = frames;
	came_count = count;
	__real_verify_find(scene, shown, count, found);
	came_count = 0;
}

/* The newest first, as verify_find() tries them. */
static uint32_t
as_it_came(uint32_t seq)
{
	for (size_t i = came_count; i-- > 0;) {
		if (shown[i].seq == seq) {
			return came[i].seq;
		}
	}
	return seq;
}

void
__wrap_verify_find(const struct verify_scene *scene,
		   const struct verify_frame *frames, size_t count,
		   struct verify *found)
{
	struct verify_scene then = *scene;

	first_port = scene->acl->rules[0].ports[0].low;
	if (fault("flags-ignored")) {
		find_without_flags(scene, frames, count, found);
		return;
	}
	__real_verify_find(scene, frames, count, found);
	if (fault("future-accepted") && found->reason == VERIFY_TIME &&
	    found->instant > scene->instant) {
		then.instant = found->instant;
		__real_verify_find(&then, frames, count, found);
	}
}

void
__wrap_mac_sign(const struct mac_key *key, uint16_t port, uint32_t *seq,
		uint64_t *tag)
{
	seq[FRAME_SYN0] = as_it_came(seq[FRAME_SYN0]);
	seq[FRAME_SYN1] = as_it_came(seq[FRAME_SYN1]);
	__real_mac_sign(key, fault("port-unchecked") ? first_port : port, seq,
			tag);
}

/* ---- the assembly */

static struct reassembly_key
key_of(const struct reassembly_key *key)
{
	struct reassembly_key from_anywhere = *key;

	if (fault("source-unchecked")) {
		from_anywhere.src = (struct packet_addr){ 0 };
	}
	return from_anywhere;
}

struct reassembly_group *
__wrap_reassembly_find(struct reassembly *q, const struct reassembly_key *key)
{
	const struct reassembly_key one = key_of(key);

	return __real_reassembly_find(q, &one);
}

struct reassembly_group *
__wrap_reassembly_add(struct reassembly *q, const struct reassembly_key *key)
{
	const struct reassembly_key one = key_of(key);

	return __real_reassembly_add(q, &one);
}
