#include "server/connections.h"

#include <string.h>

#include "base/bytes.h"
#include "base/siphash.h"

/* By its source: where it goes may be translated on the way. */
static struct connection *
bucket_of(struct connections *t, const struct packet *p)
{
	/* No secret: whoever fills a bucket fills it with his own. */
	static const struct hash_key key;
	uint8_t bytes[1 + sizeof p->src.bytes + 2];

	bytes[0] = p->src.family;
	memcpy(bytes + 1, p->src.bytes, sizeof p->src.bytes);
	be16_store(bytes + 1 + sizeof p->src.bytes, p->sport);
	return t->places[hash_bytes(&key, bytes, sizeof bytes) %
			 CONNECTIONS_BUCKETS];
}

static bool
is_free(const struct connection *c)
{
	return c->family != 4 && c->family != 6;
}

struct packet
connections_packet(const struct connection *c)
{
	struct packet p = {
		.src.family = c->family,
		.dst.family = c->family,
		.sport = c->sport,
		.dport = c->dport,
	};

	memcpy(p.src.bytes, c->src, sizeof c->src);
	memcpy(p.dst.bytes, c->dst, sizeof c->dst);
	return p;
}

struct connection *
connections_find(struct connections *t, const struct packet *p, bool translated)
{
	struct connection *bucket = bucket_of(t, p);

	for (size_t i = 0; i < CONNECTIONS_WAYS; i++) {
		struct connection *c = &bucket[i];

		if (!is_free(c) && c->family == p->src.family &&
		    c->sport == p->sport &&
		    memcmp(c->src, p->src.bytes, sizeof c->src) == 0 &&
		    (translated ||
		     (c->dport == p->dport &&
		      memcmp(c->dst, p->dst.bytes, sizeof c->dst) == 0))) {
			return c;
		}
	}
	return NULL;
}

static size_t
places_of(const struct connection *bucket, int32_t key_no)
{
	size_t count = 0;

	for (size_t i = 0; i < CONNECTIONS_WAYS; i++) {
		count += bucket[i].key_no == key_no;
	}
	return count;
}

/* Of a full bucket: the oldest of whoever has most there. */
static struct connection *
next_to_go(struct connection *bucket)
{
	struct connection *next = bucket;
	size_t most = places_of(bucket, next->key_no);

	for (size_t i = 1; i < CONNECTIONS_WAYS; i++) {
		size_t count = places_of(bucket, bucket[i].key_no);

		if (count > most ||
		    (count == most && bucket[i].used < next->used)) {
			next = &bucket[i];
			most = count;
		}
	}
	return next;
}

static struct connection *
make_room(struct connection *bucket, uint32_t second, connections_alive *alive,
	  void *context)
{
	struct connection *c = NULL;

	for (size_t i = 0; i < CONNECTIONS_WAYS; i++) {
		if (is_free(&bucket[i])) {
			return &bucket[i];
		}
	}
	for (size_t i = 0; i < CONNECTIONS_WAYS; i++) {
		struct packet p;

		c = next_to_go(bucket);
		p = connections_packet(c);
		if (!alive || !alive(context, &p)) {
			break;
		}
		c->used = second;
	}
	return c;
}

void
connections_note(struct connections *t, const struct packet *p, int32_t key_no,
		 uint32_t second, connections_alive *alive, void *context)
{
	struct connection *c = connections_find(t, p, false);

	if (!c) {
		c = make_room(bucket_of(t, p), second, alive, context);
		memset(c, 0, sizeof *c);
		c->key_no = CONNECTION_TRACKED;
		memcpy(c->src, p->src.bytes, sizeof c->src);
		memcpy(c->dst, p->dst.bytes, sizeof c->dst);
		c->sport = p->sport;
		c->dport = p->dport;
		c->family = p->src.family;
	}
	/* That it is tracked says less than by which key it came. */
	if (key_no >= 0 || c->key_no < 0) {
		c->key_no = key_no;
	}
	c->used = second;
	c->known = 0; /* it may be another one by now */
}
