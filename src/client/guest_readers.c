#include "client/guest_readers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/monitor.h"
#include "os/clock.h"

/* ---- in the monitor */

static void
start(struct guest_readers *r, struct guest_of_reader *at)
{
	char why[WHY_MAX];

	if (guest_start(&at->conf, r->conf, &at->reader, why) == 0) {
		at->why[0] = '\0';
		at->pause_ms = GUEST_READERS_PAUSE_MS;
		return;
	}
	at->due_ms = clock_ms() + at->pause_ms;
	at->pause_ms = at->pause_ms * 2 > GUEST_READERS_PAUSE_MAX_MS
		? GUEST_READERS_PAUSE_MAX_MS
		: at->pause_ms * 2;
	/* Once, as long as it is the same. */
	if (strcmp(why, at->why) != 0) {
		memcpy(at->why, why, sizeof at->why);
		log_say(LOG_LEVEL_WARNING, "guest %s; nobody of it is known",
			why);
	}
}

static bool
is_wanted(const struct client_conf *conf, unsigned guest)
{
	for (size_t i = 0; i < conf->rules_count; i++) {
		if (conf->rules[i].guest == guest) {
			return true;
		}
	}
	return false;
}

/* Have the reader of before, if that guest is the same. */
static void
take_over(struct guest_of_reader *at, struct guest_readers *before)
{
	for (size_t i = 0; i < before->count; i++) {
		struct guest_of_reader *old = &before->at[i];

		old->conf.line = at->conf.line;
		if (old->reader.process != 0 &&
		    memcmp(&old->conf, &at->conf, sizeof old->conf) == 0) {
			at->reader = old->reader;
			old->reader = (struct guest_reader){ .fd = -1 };
			return;
		}
	}
}

int
guest_readers_follow(struct guest_readers *r, struct client_conf *conf)
{
	struct guest_readers next = {
		.conf = conf,
		.at = calloc(conf->guests.count + 1, sizeof *next.at),
		.count = conf->guests.count,
	};

	if (!next.at) {
		guest_readers_close(r);
		log_say(LOG_LEVEL_ERROR, "guests: out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < next.count; i++) {
		struct guest_of_reader *at = &next.at[i];

		at->conf = conf->guests.at[i];
		at->reader.fd = -1;
		at->pause_ms = GUEST_READERS_PAUSE_MS;
		at->is_wanted = is_wanted(conf, (unsigned)i + 1);
		if (at->is_wanted) {
			take_over(at, r);
		}
	}
	guest_readers_close(r);
	*r = next;
	for (size_t i = 0; i < r->count; i++) {
		/* QEMU may let its socket wait, and there is no worker now. */
		if (r->at[i].is_wanted && r->at[i].reader.process == 0 &&
		    !r->at[i].conf.qmp[0]) {
			start(r, &r->at[i]);
		}
	}
	return 0;
}

static void
give_up(struct guest_of_reader *at, const char *reason)
{
	guest_stop(&at->reader);
	at->due_ms = clock_ms() + at->pause_ms;
	snprintf(at->why, sizeof at->why, "%s: %s", at->conf.name, reason);
	log_say(LOG_LEVEL_WARNING, "guest %s", at->why);
}

static bool
has_link(const char *device, const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "/sys/class/net/%s/%s", device, name);
	return access(path, F_OK) == 0;
}

/*
 * Packets of a port come by the device that it is a port of, unless rules were
 * made that know those of bridges.
 */
static bool
is_passed_by(const char *device, const struct fw *fw,
	     const struct fw_plan *rules)
{
	if (fw->tool == FW_NONE || !has_link(device, "master")) {
		return false;
	}
	for (size_t i = 0; i < rules->count && fw->tool == FW_IPTABLES; i++) {
		if (rules->matches[i].bridge_port &&
		    has_link(device, "brport")) {
			return false;
		}
	}
	return true;
}

static void
look_at_device(struct guest_of_reader *at, const struct fw *fw,
	       const struct fw_plan *rules)
{
	const bool before = at->is_passed_by;

	at->is_passed_by = is_passed_by(at->conf.dev, fw, rules);
	if (at->is_passed_by && !before) {
		log_say(LOG_LEVEL_WARNING,
			"guest %s: its rules do not hold: %s is a port of "
			"another device, and its packets come by that",
			at->conf.name, at->conf.dev);
	}
}

void
guest_readers_tick(struct guest_readers *r, const struct fw *fw,
		   const struct fw_plan *rules)
{
	for (size_t i = 0; i < r->count; i++) {
		struct guest_of_reader *at = &r->at[i];

		if (!at->is_wanted) {
			continue;
		}
		look_at_device(at, fw, rules);
		if (at->reader.fd >= 0 && guest_has_ended(&at->reader)) {
			give_up(at, "its reader has ended");
		} else if (at->reader.fd >= 0 &&
			   guest_has_moved(&at->conf, &at->reader)) {
			give_up(at, "its RAM is not that file any more");
		}
		if (at->reader.fd < 0 && clock_ms() >= at->due_ms) {
			start(r, at);
		}
	}
}

void
guest_readers_close(struct guest_readers *r)
{
	for (size_t i = 0; i < r->count; i++) {
		guest_stop(&r->at[i].reader);
	}
	free(r->at);
	*r = (struct guest_readers){ .at = NULL };
}

static void
put_name(struct text *t, const struct guest_of_reader *at)
{
	text_put(t, "%s%s", t->len > 0 ? " " : "", at->conf.name);
}

void
guest_readers_missing(const struct guest_readers *r, struct text *t)
{
	for (size_t i = 0; i < r->count; i++) {
		if (r->at[i].is_wanted && r->at[i].reader.fd < 0) {
			put_name(t, &r->at[i]);
		}
	}
}

void
guest_readers_passed_by(const struct guest_readers *r, struct text *t)
{
	for (size_t i = 0; i < r->count; i++) {
		if (r->at[i].is_passed_by) {
			put_name(t, &r->at[i]);
		}
	}
}

/* ---- between both */

/* Told from other questions by its length. */
struct question {
	uint8_t what[5];
	uint8_t number[4];
};

static const uint8_t what[5] = "guest";

int
guest_readers_ask(void *to_monitor, unsigned guest)
{
	struct question question;
	uint8_t answer[MONITOR_QUESTION_MAX];
	int fds[MONITOR_FDS] = { -1, -1 };

	memcpy(question.what, what, sizeof what);
	memcpy(question.number, &guest, sizeof question.number);
	if (monitor_ask(*(int *)to_monitor, &question, sizeof question, answer,
			fds) < 0) {
		return -1;
	}
	return fds[0];
}

bool
guest_readers_answer(const struct guest_readers *r, const void *question,
		     size_t len, int *fd)
{
	struct question asked;
	uint32_t guest;

	if (len != sizeof asked) {
		return false;
	}
	memcpy(&asked, question, sizeof asked);
	memcpy(&guest, asked.number, sizeof guest);
	*fd = -1;
	if (guest > 0 && guest <= r->count && r->at[guest - 1].reader.fd >= 0) {
		*fd = fcntl(r->at[guest - 1].reader.fd, F_DUPFD_CLOEXEC, 3);
	}
	return true;
}
