#include "client/guest_holds.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/siphash.h"
#include "guests/guests.h"
#include "os/clock.h"

static struct guest_connection
connection_of(const struct packet *syn)
{
	struct guest_connection c;

	/* Hashed and compared as bytes. */
	memset(&c, 0, sizeof c);
	c.src = syn->src;
	c.dst = syn->dst;
	c.sport = syn->sport;
	c.dport = syn->dport;
	c.opening = true;
	return c;
}

static size_t
place_of(unsigned guest, const struct packet *syn)
{
	static const struct hash_key key = { 0 };
	const struct guest_connection c = connection_of(syn);

	return (hash_bytes(&key, &c, sizeof c) + guest) % GUEST_HOLDS_KNOWN;
}

static bool
same(const struct guest_connection *c, const struct packet *syn)
{
	return packet_addr_equal(&c->src, &syn->src) &&
		packet_addr_equal(&c->dst, &syn->dst) &&
		c->sport == syn->sport && c->dport == syn->dport;
}

const struct guest_owner *
guest_holds_find(const struct guest_holds *h, unsigned guest,
		 const struct packet *syn, uint64_t ms)
{
	const struct guest_known *at = &h->known[place_of(guest, syn)];

	return at->guest == guest && at->seq == syn->seq &&
			same(&at->connection, syn) && ms < at->until_ms
		? &at->owner
		: NULL;
}

/* ---- readers */

/* Have its reader, if there is one. */
static bool
has_reader(struct guest_holds *h, unsigned guest, uint64_t ms)
{
	if (!h->guests[guest].is_open && ms >= h->guests[guest].due_ms) {
		h->guests[guest].fd = h->reader(h->context, guest);
		h->guests[guest].is_open = h->guests[guest].fd >= 0;
		h->guests[guest].due_ms = ms + GUEST_HOLDS_PAUSE_MS;
	}
	return h->guests[guest].is_open;
}

static void
lose_reader(struct guest_holds *h, unsigned guest)
{
	close(h->guests[guest].fd);
	h->guests[guest].is_open = false;
	for (size_t i = 0; i < GUEST_HOLDS_MAX; i++) {
		if (h->held[i].guest == guest) {
			h->held[i].due_ms = 0;
		}
	}
}

void
guest_holds_open(struct guest_holds *h, size_t count)
{
	/*
	 * No number of the worker before, whose answers may still come: the
	 * reader is the same.
	 */
	h->serial = clock_us();
	for (unsigned guest = 1; guest <= count && guest <= GUEST_CONF_MAX;
	     guest++) {
		(void)has_reader(h, guest, 0);
		h->guests[guest].due_ms = 0;
	}
}

/* ---- SYNs */

static struct guest_hold *
free_place(struct guest_holds *h)
{
	for (size_t i = 0; i < GUEST_HOLDS_MAX; i++) {
		if (h->held[i].guest == 0) {
			return &h->held[i];
		}
	}
	return NULL;
}

enum guest_unknown
guest_holds_take(struct guest_holds *h, unsigned guest,
		 const struct nfq_packet *packet, const struct packet *syn,
		 uint64_t ms)
{
	struct guest_hold *hold = free_place(h);
	int rc;

	if (!hold || h->guests[guest].holds >= GUEST_HOLDS_EACH ||
	    h->guests[guest].holds >= GUEST_HOLDS_MAX - h->holds ||
	    packet->len > sizeof hold->bytes) {
		return GUEST_TOO_MANY;
	}
	if (!has_reader(h, guest, ms)) {
		return GUEST_GONE;
	}
	hold->serial = ++h->serial;
	hold->connection = connection_of(syn);
	rc = guest_ask(h->guests[guest].fd, hold->serial, &hold->connection);
	if (rc < 0) {
		if (rc != -EAGAIN) {
			lose_reader(h, guest);
		}
		return rc == -EAGAIN ? GUEST_TOO_MANY : GUEST_GONE;
	}
	hold->guest = guest;
	hold->due_ms = ms + GUEST_HOLDS_MS;
	hold->seq = syn->seq;
	memcpy(hold->bytes, packet->bytes, packet->len);
	hold->packet = *packet;
	hold->packet.bytes = hold->bytes;
	h->guests[guest].holds++;
	h->holds++;
	return GUEST_KNOWN;
}

static void
remember(struct guest_holds *h, const struct guest_hold *hold,
	 const struct guest_owner *owner, uint64_t ms)
{
	const struct packet syn = {
		.src = hold->connection.src,
		.dst = hold->connection.dst,
		.sport = hold->connection.sport,
		.dport = hold->connection.dport,
	};

	h->known[place_of(hold->guest, &syn)] = (struct guest_known){
		.guest = hold->guest,
		.connection = hold->connection,
		.seq = hold->seq,
		.until_ms = ms + GUEST_HOLDS_KNOWN_MS,
		.owner = *owner,
	};
}

static void
let_go(struct guest_holds *h, struct guest_hold *hold,
       const struct guest_owner *owner, struct guest_judged *judged)
{
	judged->guest = hold->guest;
	judged->packet = hold->packet;
	judged->owner = *owner;
	h->guests[hold->guest].holds--;
	h->holds--;
	hold->guest = 0;
}

/* The SYN that an answer is about; NULL where its time was over before. */
static struct guest_hold *
held_by(struct guest_holds *h, unsigned guest, uint64_t serial)
{
	for (size_t i = 0; i < GUEST_HOLDS_MAX; i++) {
		if (h->held[i].guest == guest && h->held[i].serial == serial) {
			return &h->held[i];
		}
	}
	return NULL;
}

/* The next answer of a guest's reader about a SYN that still waits. */
static bool
next_answer(struct guest_holds *h, unsigned guest, uint64_t ms,
	    struct guest_judged *judged)
{
	struct guest_owner owner;
	uint64_t serial;
	int rc = 0;

	/* A reader that never ends to answer must not keep others waiting. */
	for (unsigned i = 0; rc == 0 && i < GUEST_HOLDS_MAX; i++) {
		struct guest_hold *hold;

		rc = guest_answer(h->guests[guest].fd, &serial, &owner);
		hold = rc == 0 ? held_by(h, guest, serial) : NULL;

		if (hold) {
			if (owner.unknown == GUEST_KNOWN) {
				remember(h, hold, &owner, ms);
			}
			let_go(h, hold, &owner, judged);
			return true;
		}
	}
	if (rc < 0 && rc != -EAGAIN) {
		lose_reader(h, guest);
	}
	return false;
}

/* The first that waits, of those whose time was over by then. */
static bool
next_late(struct guest_holds *h, uint64_t ms, struct guest_judged *judged)
{
	static const struct guest_owner late = { .unknown = GUEST_LATE },
					gone = { .unknown = GUEST_GONE };

	for (size_t i = 0; h->holds > 0 && i < GUEST_HOLDS_MAX; i++) {
		struct guest_hold *hold = &h->held[i];

		if (hold->guest != 0 && hold->due_ms <= ms) {
			let_go(h, hold,
			       h->guests[hold->guest].is_open ? &late : &gone,
			       judged);
			return true;
		}
	}
	return false;
}

bool
guest_holds_end(struct guest_holds *h, struct guest_judged *judged)
{
	return next_late(h, UINT64_MAX, judged);
}

bool
guest_holds_next(struct guest_holds *h, uint64_t ms,
		 struct guest_judged *judged)
{
	for (unsigned i = 1; h->holds > 0 && i <= GUEST_CONF_MAX; i++) {
		if (h->guests[i].is_open && h->guests[i].holds > 0 &&
		    next_answer(h, i, ms, judged)) {
			return true;
		}
	}
	return next_late(h, ms, judged);
}

/* Until the first of them has waited for long enough, or so long. */
static int
wait_ms(const struct guest_holds *h, int most)
{
	const uint64_t now = h->holds > 0 ? clock_ms() : 0;

	for (size_t i = 0; h->holds > 0 && i < GUEST_HOLDS_MAX; i++) {
		const struct guest_hold *hold = &h->held[i];

		if (hold->guest != 0 && hold->due_ms < now + (unsigned)most) {
			most = hold->due_ms > now ? (int)(hold->due_ms - now)
						  : 0;
		}
	}
	return most;
}

int
guest_holds_poll(const struct guest_holds *h, struct pollfd *fds, size_t count,
		 int most_ms)
{
	for (size_t i = 1; h->holds > 0 && i <= GUEST_CONF_MAX; i++) {
		if (h->guests[i].is_open && h->guests[i].holds > 0) {
			fds[count++] =
				(struct pollfd){ h->guests[i].fd, POLLIN, 0 };
		}
	}
	return poll(fds, (nfds_t)count, wait_ms(h, most_ms));
}
