/* SPDX-License-Identifier: ISC */
/*
 * Both ends of a trial's connection, and what the other one says there:
 * the listener with any words and packets, in any pieces; and the near
 * side, with any words at any time.
 */
#include "base/why.h"
#include "fuzz.h"

#include <string.h>
#include <sys/types.h>

#include "base/bytes.h"

/* The near side's connection is the input. */
static struct cursor far_words;
static uint64_t now_ms;

static ssize_t
receive_faked(int fd, void *buffer, size_t size, int flags)
{
	size_t len = cursor_left(&far_words);

	(void)fd;
	(void)flags;
	len = len < size ? len : size;
	len = len > 7 ? len / 2 : len;
	if (len > 0) {
		memcpy(buffer, cursor_bytes(&far_words, len), len);
	}
	return (ssize_t)len;
}

static ssize_t
send_faked(int fd, const void *bytes, size_t size, int flags)
{
	(void)fd;
	(void)bytes;
	(void)flags;
	return (ssize_t)size;
}

static uint64_t
clock_faked(void)
{
	return now_ms++;
}

/* So that an input can answer the question of the time. */
static uint64_t
time_faked(void)
{
	return 0;
}

#define recv receive_faked
#define send send_faked
#define clock_ms clock_faked
#define clock_ns time_faked
#include "probe_path/connection.c"
#undef recv
#undef send
#undef clock_ms
#undef clock_ns

#include "probe_path/session.h"

static struct trial_probe probes[TRIAL_PROBES_MAX];
static struct trial_packet seen[64];
static uint8_t in[PATH_SESSION_IN], out[PATH_SESSION_OUT];

/* What is told are whole messages of a few types. */
static void
check_out(const struct path_session *s)
{
	size_t at = 0;

	while (at < s->out_len) {
		struct path_talk m;
		ptrdiff_t len = path_talk_parse(&m, out + at, s->out_len - at);

		CHECK(len > 0);
		CHECK(m.type == PATH_TALK_WELCOME ||
		      m.type == PATH_TALK_PROOF || m.type == PATH_TALK_CLOCK ||
		      m.type == PATH_TALK_READY || m.type == PATH_TALK_SEEN ||
		      m.type == PATH_TALK_DONE || m.type == PATH_TALK_REFUSED);
		CHECK(m.type != PATH_TALK_PROOF || s->key_count > 0);
		CHECK(m.type != PATH_TALK_READY || s->key_count == 0);
		at += (size_t)len;
	}
}

static void
listen_to(struct cursor c, bool with_key)
{
	static struct acl_key key = { .no = 1, .not_after = UINT64_MAX };
	static struct path_session s;
	const struct path_session_now now = { 1, 1 };

	mac_key_init(&key.mac, MAC_HMAC_SHA256, 0,
		     (const uint8_t *)"sixteen bytes...", 16, NULL, 0);
	memset(&s, 0, sizeof s);
	s.in = in;
	s.out = out;
	s.probes = probes;
	s.keys = with_key ? &key : NULL;
	s.key_count = with_key;
	s.peer = (struct packet_addr){ 4, { 192, 0, 2, 2 } };
	path_session_begin(&s);
	while (cursor_left(&c) > 0 && s.state < PATH_SESSION_OVER) {
		size_t len = cursor_u8(&c) * 16u + 1;
		const uint8_t *bytes;

		len = len < cursor_left(&c) ? len : cursor_left(&c);
		bytes = cursor_bytes(&c, len);
		if (!bytes) {
			break;
		}
		CHECK(s.in_len + len <= sizeof in);
		memcpy(in + s.in_len, bytes, len);
		s.in_len += len;
		path_session_read(&s, now);
		path_session_caught_up(&s, UINT64_MAX, 0);
		/* The same as a packet on the wire. */
		path_session_packet(&s, 1, false, bytes, len);
	}
	if (s.state != PATH_SESSION_BAD) {
		check_out(&s);
	}
}

static int
wait_faked(void *context, int fd, short events, int ms)
{
	(void)context;
	(void)fd;
	(void)events;
	now_ms += (uint64_t)ms;
	return 0;
}

static void
speak_to(struct cursor c, const struct acl_key *key)
{
	static struct path_link link;
	const struct path_link_caller caller = { wait_faked, NULL };
	struct trial trial = {
		.probes = probes,
		.seen = { .at = seen, .room = sizeof seen / sizeof seen[0] }
	};
	char why[WHY_MAX] = "";

	memset(&link, 0, sizeof link);
	far_words = c;
	link.trial = &trial;
	link.state = PATH_LINK_OPEN;
	if (greet(&link, &caller, key, why) < 0 ||
	    compare_clocks(&link, &caller, why) < 0 ||
	    path_link_plan(&link, &caller, why) < 0) {
		CHECK(why[0] != '\0');
		CHECK(link.state == PATH_LINK_LOST);
	}
	/* However it began. */
	link.state = PATH_LINK_OPEN;
	path_link_read(&link);
	path_link_finish(&link, &caller);
	CHECK(link.state == PATH_LINK_DONE || link.state == PATH_LINK_LOST);
	CHECK(trial.seen.count <= trial.seen.room);
	CHECK(trial.seen.left_out <= 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	uint8_t kind = cursor_u8(&c);

	now_ms = 0;
	switch (kind % 3) {
	case 0:
		listen_to(c, false);
		break;
	case 1:
		listen_to(c, true);
		break;
	default:
		speak_to(c, NULL);
		break;
	}
	return 0;
}
