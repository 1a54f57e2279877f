#include "replay_test/control_group.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "os/clock.h"

/* The first answer may wait for neighbour discovery. */
#define ANSWER_MS 1000u
#define LOOK_MS 20u
/* How much longer to wait when a later group was answered first. */
#define GRACE_MS 30u

bool
attack_fresh_is_short(const struct attack_fresh *t)
{
	return t->key && t->key->mac.extra == 0;
}

static int
fill_random(void *out, size_t len)
{
	return getrandom(out, len, 0) == (ssize_t)len ? 0 : -EIO;
}

/*
 * Some attacks send all of a good group but for one frame, and another group
 * may have that frame: with a mark in common, the two are one good group to
 * the server.  So no mark comes again until all have been used.
 */
static int
take_mark(struct attack_fresh *t, uint16_t *mark)
{
	if (t->marks == 0) {
		int rc = fill_random(&t->first_mark, sizeof t->first_mark);

		if (rc < 0) {
			return rc;
		}
	}
	*mark = (uint16_t)(t->first_mark + t->marks);
	t->marks++;
	return 0;
}

int
attack_fresh_sign(struct attack_fresh *t, uint16_t port, uint64_t instant,
		  struct sender_group *group)
{
	const struct frame_head head = {
		.flags = t->key->mac.extra,
		.key_no = t->key->no,
		.instant = instant,
	};
	int rc = ports_take(&t->wire->ports, group->sport,
			    FRAME_BASE + t->key->mac.extra);

	if (rc == 0) {
		rc = take_mark(t, &group->mark);
	}
	if (rc == 0) {
		rc = fill_random(&group->seq[FRAME_SYN0],
				 sizeof group->seq[FRAME_SYN0]);
	}
	if (rc == 0 && attack_fresh_is_short(t)) {
		group->seq[FRAME_SYN0] = frame_prefix(FRAME_SYN4) |
			(group->seq[FRAME_SYN0] & frame_mask(FRAME_SYN4));
	}
	if (rc == 0) {
		sender_seal(group, &t->key->mac, &head, port);
	}
	return rc;
}

/* Choose a mark that the recorded group does not have. */
static int
take_other_mark(struct attack_fresh *t, const struct sender_group *group,
		uint16_t *mark)
{
	int rc = take_mark(t, mark);

	return rc == 0 && group && *mark == group->mark ? take_mark(t, mark)
							: rc;
}

int
attack_fresh_scene(struct attack_fresh *t, struct attack_scene *scene)
{
	int rc = ports_take(&t->wire->ports, scene->sports, ATTACK_FRAMES_MAX);

	if (rc == 0) {
		rc = take_other_mark(t, scene->group, &scene->mark);
	}
	if (rc == 0) {
		rc = take_other_mark(t, scene->group, &scene->second_mark);
	}
	if (rc == 0) {
		rc = fill_random(&scene->isn, sizeof scene->isn);
	}
	scene->instant = clock_instant();
	scene->key = t->key;
	return rc;
}

void
attack_fresh_wait(struct attack_fresh *t, unsigned ms)
{
	uint64_t begin = clock_ms();
	uint64_t passed = 0;

	while (t->error == 0 && passed < ms) {
		uint64_t left = ms - passed;
		int rc = attack_wire_listen(
			t->wire, left < LOOK_MS ? (unsigned)left : LOOK_MS);

		t->error = rc < 0 ? rc : 0;
		passed = clock_ms() - begin;
	}
}

bool
attack_fresh_gets_in(struct attack_fresh *t, const struct attack_wire_aim *aim,
		     const struct sender_group *group, unsigned ms)
{
	uint64_t begin = clock_ms();
	struct attack_shot shot;
	bool accepted = false;
	int rc;

	attack_send(group, &shot);
	rc = attack_wire_send(t->wire, aim, &shot, ATTACK_FRESH_SHOT);
	t->sent++;
	while (rc == 0 && !accepted && clock_ms() - begin < ms) {
		rc = attack_wire_listen(t->wire, LOOK_MS);
		accepted =
			attack_wire_answers(t->wire, ATTACK_FRESH_SHOT, true) &
			ATTACK_WIRE_SYN_ACK;
	}
	t->error = rc < 0 ? rc : t->error;
	if (accepted) {
		t->accepted++;
		t->rtt_ms = (uint32_t)(clock_ms() - begin);
		attack_fresh_wait(t, GRACE_MS);
	}
	return accepted;
}

enum attack_fresh_outcome
attack_fresh_run(struct attack_fresh *t, const struct attack_wire_aim *aim,
		 unsigned patience, struct sender_group *group)
{
	uint64_t begin = clock_ms();

	for (unsigned tries = 0; t->error == 0; tries++) {
		int rc =
			attack_fresh_sign(t, aim->port, clock_instant(), group);

		if (rc < 0) {
			t->error = rc;
			break;
		}
		if (attack_fresh_gets_in(t, aim, group, ANSWER_MS)) {
			return tries == 0 ? ATTACK_FRESH_CLEAN
					  : ATTACK_FRESH_LATE;
		}
		if (clock_ms() - begin >= patience) {
			break;
		}
	}
	return ATTACK_FRESH_FAILED;
}
