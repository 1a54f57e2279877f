#include "probe_path/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/why.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "probe_path/plan.h"

#define CONNECT_MS 10000u
/* Retransmissions of a message may take this long. */
#define WORD_MS 10000u
#define EXCHANGES 5u
#define SEEN_HEADER 9u

static int
fail(struct path_link *l, char *why, int rc, const char *reason)
{
	why_set(why, -1, "%s", reason);
	l->state = PATH_LINK_LOST;
	return rc;
}

/* ---- words of the far side */

static void
take_seen(struct path_link *l, const struct path_talk *m)
{
	trial_note(&l->trial->seen, be64_load(m->body), m->body[8] != 0,
		   m->body + SEEN_HEADER, m->len - SEEN_HEADER);
	/* More packets than any plan can cause. */
	if (l->trial->seen.left_out > 0) {
		l->state = PATH_LINK_LOST;
	}
}

static void
take_clock(struct path_link *l, const struct path_talk *m)
{
	uint64_t delay;

	l->times.t2 = be64_load(m->body + 8);
	l->times.t3 = be64_load(m->body + 16);
	l->times.t4 = clock_ns();
	if (be64_load(m->body) != l->times.t1) {
		l->state = PATH_LINK_LOST;
		return;
	}
	delay = path_talk_delay(&l->times);
	/* The exchange with the shortest delay is the most precise. */
	if (l->exchanges++ == 0 || delay < l->delay) {
		l->delay = delay;
		l->trial->has_skew = true;
		l->trial->skew_ns = path_talk_skew(&l->times);
	}
}

/* Messages that come unasked: packets seen, the end, or a refusal. */
static void
take(struct path_link *l, const struct path_talk *m)
{
	switch (m->type) {
	case PATH_TALK_SEEN:
		take_seen(l, m);
		break;
	case PATH_TALK_DONE:
		l->trial->far_lost = be32_load(m->body);
		l->state = PATH_LINK_DONE;
		break;
	default:
		l->state = PATH_LINK_LOST;
		break;
	}
}

/* One receipt; false where there was nothing. */
static bool
receive(struct path_link *l)
{
	ssize_t got = recv(l->dial.fd, l->in + l->in_len,
			   sizeof l->in - l->in_len, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		return false;
	}
	if (got <= 0) {
		l->state = PATH_LINK_LOST;
		return false;
	}
	l->in_len += (size_t)got;
	return true;
}

/* The first message, which stays until drop(): 1, 0: none, -1: bad. */
static int
first(struct path_link *l, struct path_talk *m, size_t *len)
{
	ptrdiff_t used = path_talk_parse(m, l->in, l->in_len);

	if (used < 0 || (used == 0 && l->in_len == sizeof l->in)) {
		l->state = PATH_LINK_LOST;
		return -1;
	}
	*len = (size_t)used;
	return used > 0;
}

static void
drop(struct path_link *l, size_t len)
{
	l->in_len -= len;
	memmove(l->in, l->in + len, l->in_len);
}

void
path_link_read(struct path_link *l)
{
	struct path_talk m;

	while (l->state == PATH_LINK_OPEN) {
		size_t at = 0;
		ptrdiff_t used = 0;
		bool more = receive(l);

		/* Still deliver what came before the connection ended. */
		while (l->state != PATH_LINK_DONE &&
		       l->trial->seen.left_out == 0 &&
		       (used = path_talk_parse(&m, l->in + at,
					       l->in_len - at)) > 0) {
			take(l, &m);
			at += (size_t)used;
		}
		drop(l, at);
		if (used < 0) {
			l->state = PATH_LINK_LOST;
		}
		if (!more) {
			break;
		}
	}
}

/* ---- our own */

static int
send_all(struct path_link *l, const struct path_link_caller *caller,
	 const uint8_t *bytes, size_t len)
{
	uint64_t until = clock_ms() + WORD_MS;

	while (len > 0) {
		ssize_t sent = send(l->dial.fd, bytes, len,
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			return -errno;
		}
		if (sent > 0) {
			bytes += sent;
			len -= (size_t)sent;
			continue;
		}
		if (clock_ms() > until) {
			return -ETIMEDOUT;
		}
		caller->wait(caller->context, l->dial.fd, POLLOUT, 100);
	}
	return 0;
}

static int
say(struct path_link *l, const struct path_link_caller *caller,
    enum path_talk_type type, const uint8_t *body, size_t len)
{
	uint8_t out[PATH_TALK_HEADER + PATH_TALK_SMALL_MAX];

	path_talk_header(out, type, len);
	if (len > 0) {
		memcpy(out + PATH_TALK_HEADER, body, len);
	}
	return send_all(l, caller, out, PATH_TALK_HEADER + len);
}

/* Wait for one message of a type, before the plan: 0, or -errno. */
static int
await(struct path_link *l, const struct path_link_caller *caller,
      enum path_talk_type type, struct path_talk *m, size_t *len, char *why)
{
	uint64_t until = clock_ms() + WORD_MS;
	int found;

	while ((found = first(l, m, len)) == 0) {
		uint64_t now = clock_ms();
		int rc;

		if (l->state != PATH_LINK_OPEN) {
			return fail(l, why, -EPROTO,
				    "the connection was closed");
		}
		if (now > until) {
			return fail(l, why, -ETIMEDOUT,
				    "what listens there does not answer");
		}
		rc = caller->wait(caller->context, l->dial.fd, POLLIN,
				  (int)(until - now) + 1);
		if (rc < 0) {
			return fail(l, why, rc, strerror(-rc));
		}
		receive(l);
	}
	if (found < 0) {
		return fail(l, why, -EPROTO,
			    "what listens there is not tap probe-path");
	}
	if (m->type == PATH_TALK_REFUSED) {
		l->refused_key = m->body[0] == PATH_TALK_BAD_KEY;
		return fail(l, why, -EACCES,
			    l->refused_key ? "the far side refuses the key"
				    : m->body[0] == PATH_TALK_BAD_VERSION
				    ? "the far side speaks another version"
				    : "the far side refuses the plan");
	}
	if (m->type != type) {
		return fail(l, why, -EPROTO,
			    "what listens there is not tap probe-path");
	}
	return 0;
}

static int
connect_far(struct path_link *l, uint32_t device,
	    const struct path_link_caller *caller, char *why)
{
	uint64_t until = clock_ms() + CONNECT_MS;
	int rc = dial_begin(&l->dial, &l->trial->far, device, l->trial->port);

	if (rc < 0) {
		return fail(l, why, rc, strerror(-rc));
	}
	l->state = PATH_LINK_OPEN;
	for (dial_look(&l->dial); l->dial.error == DIAL_WAITING;
	     dial_look(&l->dial)) {
		uint64_t now = clock_ms();

		if (now > until) {
			return fail(l, why, -ETIMEDOUT, strerror(ETIMEDOUT));
		}
		rc = caller->wait(caller->context, l->dial.fd, POLLOUT,
				  (int)(until - now) + 1);
		if (rc < 0) {
			return fail(l, why, rc, strerror(-rc));
		}
	}
	return l->dial.error == 0
		? 0
		: fail(l, why, -l->dial.error, strerror(l->dial.error));
}

static int
prove(struct path_link *l, const struct path_link_caller *caller,
      const struct acl_key *key, const struct path_talk_hello *own,
      const struct path_talk_hello *theirs, char *why)
{
	uint8_t proof[MAC_PROOF_BYTES];
	struct path_talk m;
	size_t len;
	bool right;
	int rc;

	path_talk_prove(proof, PATH_TALK_NEAR, &key->mac, own->nonce,
			theirs->nonce);
	rc = say(l, caller, PATH_TALK_PROOF, proof, sizeof proof);
	if (rc < 0) {
		return fail(l, why, rc, strerror(-rc));
	}
	rc = await(l, caller, PATH_TALK_PROOF, &m, &len, why);
	if (rc < 0) {
		return rc;
	}
	path_talk_prove(proof, PATH_TALK_FAR, &key->mac, own->nonce,
			theirs->nonce);
	right = ct_equal(proof, m.body, sizeof proof);
	drop(l, len);
	bytes_wipe(proof, sizeof proof);
	if (!right) {
		l->refused_key = true;
		return fail(l, why, -EACCES, "the far side has another key");
	}
	return 0;
}

static int
greet(struct path_link *l, const struct path_link_caller *caller,
      const struct acl_key *key, char *why)
{
	struct path_talk_hello own = { .version = PATH_TALK_VERSION,
				       .has_key = key != NULL,
				       .key_no = key ? key->no : 0 };
	uint8_t body[PATH_TALK_SMALL_MAX];
	struct path_talk_hello theirs;
	struct path_talk m;
	size_t len;
	int rc;

	if (getrandom(own.nonce, sizeof own.nonce, 0) !=
	    (ssize_t)sizeof own.nonce) {
		return fail(l, why, -EIO, "no random numbers");
	}
	rc = say(l, caller, PATH_TALK_HELLO, body,
		 path_talk_put_hello(body, &own));
	if (rc < 0) {
		return fail(l, why, rc, strerror(-rc));
	}
	rc = await(l, caller, PATH_TALK_WELCOME, &m, &len, why);
	if (rc < 0) {
		return rc;
	}
	rc = path_talk_get_welcome(&theirs, &m);
	drop(l, len);
	if (rc < 0 || theirs.version != PATH_TALK_VERSION) {
		return fail(l, why, -EPROTO,
			    "the far side speaks another version");
	}
	if (!theirs.has_key) {
		l->no_key_wanted = key != NULL;
		return 0;
	}
	if (!key) {
		l->refused_key = true;
		return fail(l, why, -EACCES, "the far side wants a key: -k");
	}
	return prove(l, caller, key, &own, &theirs, why);
}

static int
compare_clocks(struct path_link *l, const struct path_link_caller *caller,
	       char *why)
{
	struct path_talk m;
	uint8_t body[8];
	size_t len;
	int rc;

	for (unsigned i = 0; i < EXCHANGES; i++) {
		l->times.t1 = clock_ns();
		be64_store(body, l->times.t1);
		rc = say(l, caller, PATH_TALK_ASK, body, sizeof body);
		if (rc < 0) {
			return fail(l, why, rc, strerror(-rc));
		}
		rc = await(l, caller, PATH_TALK_CLOCK, &m, &len, why);
		if (rc < 0) {
			return rc;
		}
		take_clock(l, &m);
		drop(l, len);
		if (l->state != PATH_LINK_OPEN) {
			return fail(l, why, -EPROTO,
				    "the far side sent an unexpected message");
		}
	}
	return 0;
}

int
path_link_open(struct path_link *l, struct trial *t, uint32_t device,
	       const struct acl_key *key, const struct path_link_caller *caller,
	       char *why)
{
	int rc;

	l->trial = t;
	rc = connect_far(l, device, caller, why);
	rc = rc < 0 ? rc : greet(l, caller, key, why);
	return rc < 0 ? rc : compare_clocks(l, caller, why);
}

int
path_link_plan(struct path_link *l, const struct path_link_caller *caller,
	       char *why)
{
	size_t size = PATH_TALK_HEADER + PATH_TALK_PLAN_MAX + 1;
	char *out = malloc(size);
	struct path_talk m;
	struct text t;
	size_t len;
	int rc;

	if (!out) {
		return fail(l, why, -ENOMEM, strerror(ENOMEM));
	}
	t = text_over(out + PATH_TALK_HEADER, size - PATH_TALK_HEADER);
	path_plan_write(&t, l->trial, false);
	path_talk_header((uint8_t *)out, PATH_TALK_PLAN, t.len);
	rc = send_all(l, caller, (uint8_t *)out, PATH_TALK_HEADER + t.len);
	free(out);
	if (rc < 0) {
		return fail(l, why, rc, strerror(-rc));
	}
	rc = await(l, caller, PATH_TALK_READY, &m, &len, why);
	if (rc < 0) {
		return rc;
	}
	drop(l, len);
	l->ready = true;
	return 0;
}

void
path_link_finish(struct path_link *l, const struct path_link_caller *caller)
{
	const uint64_t until = clock_ms() + WORD_MS;
	const bool told = l->state == PATH_LINK_OPEN &&
		say(l, caller, PATH_TALK_END, NULL, 0) == 0;

	/* Still read what came before the connection ended. */
	path_link_read(l);
	if (!told && l->state == PATH_LINK_OPEN) {
		l->state = PATH_LINK_LOST;
	}
	while (l->state == PATH_LINK_OPEN) {
		uint64_t now = clock_ms();

		if (now > until ||
		    caller->wait(caller->context, l->dial.fd, POLLIN,
				 (int)(until - now) + 1) < 0) {
			l->state = PATH_LINK_LOST;
			break;
		}
		path_link_read(l);
	}
}

void
path_link_close(struct path_link *l)
{
	dial_end(&l->dial);
}
