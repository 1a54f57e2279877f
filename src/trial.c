#include "trial.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"

/* The first answer may wait for a name of the link layer. */
#define ANSWER_MS 1000u
#define LOOK_MS 20u
/* What comes later than the answer to the one after it is late by this. */
#define GRACE_MS 30u

bool
trial_is_short(const struct trial *t)
{
	return t->key && t->key->mac.extra == 0;
}

static int
fill_random(void *out, size_t len)
{
	return getrandom(out, len, 0) == (ssize_t)len ? 0 : -EIO;
}

int
trial_sign(struct trial *t, uint16_t port, uint64_t instant,
	   struct sender_group *group)
{
	const struct frame_head head = {
		.flags = t->key->mac.extra,
		.key_no = t->key->no,
		.instant = instant,
	};
	int rc = ports_take(&t->salvo->ports, group->sport,
			    FRAME_BASE + t->key->mac.extra);

	if (rc == 0) {
		rc = fill_random(&group->mark, sizeof group->mark);
	}
	if (rc == 0) {
		rc = fill_random(&group->seq[FRAME_SYN0],
				 sizeof group->seq[FRAME_SYN0]);
	}
	if (rc == 0 && trial_is_short(t)) {
		group->seq[FRAME_SYN0] =
			frame_mark(FRAME_SYN4) |
			(group->seq[FRAME_SYN0] & frame_mask(FRAME_SYN4));
	}
	if (rc == 0) {
		sender_seal(group, &t->key->mac, &head, port);
	}
	return rc;
}

int
trial_scene(struct trial *t, struct attack_scene *scene)
{
	int rc = ports_take(&t->salvo->ports, scene->sports,
			    ATTACK_FRAMES_MAX);

	if (rc == 0) {
		rc = fill_random(&scene->mark, sizeof scene->mark);
	}
	if (rc == 0) {
		rc = fill_random(&scene->isn, sizeof scene->isn);
	}
	/* Another one than any that the group may have. */
	if (scene->group && scene->mark == scene->group->mark) {
		scene->mark ^= 1;
	}
	scene->second_mark = scene->mark ^ 2;
	scene->instant = clock_instant();
	scene->key = t->key;
	return rc;
}

void
trial_wait(struct trial *t, unsigned ms)
{
	uint64_t begin = clock_ms();
	uint64_t passed = 0;

	while (t->error == 0 && passed < ms) {
		uint64_t left = ms - passed;
		int rc = salvo_listen(t->salvo, left < LOOK_MS ?
							(unsigned)left :
							LOOK_MS);

		t->error = rc < 0 ? rc : 0;
		passed = clock_ms() - begin;
	}
}

bool
trial_gets_in(struct trial *t, const struct salvo_aim *aim,
	      const struct sender_group *group, unsigned ms)
{
	uint64_t begin = clock_ms();
	struct attack_shot shot;
	bool accepted = false;
	int rc;

	attack_send(group, &shot);
	rc = salvo_send(t->salvo, aim, &shot, TRIAL_SHOT);
	t->sent++;
	while (rc == 0 && !accepted && clock_ms() - begin < ms) {
		rc = salvo_listen(t->salvo, LOOK_MS);
		accepted = salvo_answers(t->salvo, TRIAL_SHOT, true) &
			   SALVO_SYN_ACK;
	}
	t->error = rc < 0 ? rc : t->error;
	if (accepted) {
		t->accepted++;
		t->rtt_ms = (uint32_t)(clock_ms() - begin);
		trial_wait(t, GRACE_MS);
	}
	return accepted;
}

enum trial_outcome
trial_run(struct trial *t, const struct salvo_aim *aim, unsigned patience,
	  struct sender_group *group)
{
	uint64_t begin = clock_ms();

	for (unsigned tries = 0; t->error == 0; tries++) {
		int rc = trial_sign(t, aim->port, clock_instant(), group);

		if (rc < 0) {
			t->error = rc;
			break;
		}
		if (trial_gets_in(t, aim, group, ANSWER_MS)) {
			return tries == 0 ? TRIAL_CLEAN : TRIAL_LATE;
		}
		if (clock_ms() - begin >= patience) {
			break;
		}
	}
	return TRIAL_FAILED;
}
