#include "probe_path/session.h"

#include <string.h>

#include "base/why.h"
#include "base/bytes.h"
#include "measure/build.h"

#define SEEN_HEADER 9u
#define HEADER_MAX (PACKET_IP6_HEADER + PACKET_TCP_HEADER)

static void
put(struct path_session *s, enum path_talk_type type, const uint8_t *body,
    size_t len)
{
	uint8_t *at = s->out + s->out_len;

	if (len + PATH_TALK_HEADER > PATH_SESSION_OUT - s->out_len) {
		s->state = PATH_SESSION_BAD;
		return;
	}
	path_talk_header(at, type, len);
	if (len > 0) {
		memcpy(at + PATH_TALK_HEADER, body, len);
	}
	s->out_len += PATH_TALK_HEADER + len;
}

static void
refuse(struct path_session *s, enum path_talk_refusal why)
{
	uint8_t body = (uint8_t)why;

	put(s, PATH_TALK_REFUSED, &body, 1);
	s->state = PATH_SESSION_OVER;
}

static void
find_key(struct path_session *s, uint64_t instant)
{
	for (size_t i = 0; i < s->key_count && s->hello.has_key; i++) {
		if (s->keys[i].no == s->hello.key_no &&
		    acl_key_valid_at(&s->keys[i], instant)) {
			s->key = &s->keys[i];
		}
	}
}

static void
take_hello(struct path_session *s, const struct path_talk *m, uint64_t instant)
{
	struct path_talk_hello welcome = {
		.version = PATH_TALK_VERSION,
		.has_key = s->key_count > 0,
	};
	uint8_t body[PATH_TALK_SMALL_MAX];

	if (path_talk_get_hello(&s->hello, m) < 0) {
		s->state = PATH_SESSION_BAD;
		return;
	}
	if (s->hello.version != PATH_TALK_VERSION) {
		refuse(s, PATH_TALK_BAD_VERSION);
		return;
	}
	/*
	 * An unknown key number is refused only at the proof, so that nobody
	 * learns which numbers exist.
	 */
	find_key(s, instant);
	memcpy(welcome.nonce, s->nonce, sizeof welcome.nonce);
	put(s, PATH_TALK_WELCOME, body, path_talk_put_welcome(body, &welcome));
	s->state = s->key_count > 0 ? PATH_SESSION_PROOF : PATH_SESSION_PLAN;
}

static void
take_proof(struct path_session *s, const struct path_talk *m)
{
	uint8_t proof[MAC_PROOF_BYTES];
	bool right;

	if (m->type != PATH_TALK_PROOF) {
		s->state = PATH_SESSION_BAD;
		return;
	}
	if (!s->key) {
		refuse(s, PATH_TALK_BAD_KEY);
		return;
	}
	path_talk_prove(proof, PATH_TALK_NEAR, &s->key->mac, s->hello.nonce,
			s->nonce);
	right = ct_equal(proof, m->body, sizeof proof);
	path_talk_prove(proof, PATH_TALK_FAR, &s->key->mac, s->hello.nonce,
			s->nonce);
	if (right) {
		put(s, PATH_TALK_PROOF, proof, sizeof proof);
		s->proven = true;
		s->state = PATH_SESSION_PLAN;
	} else {
		refuse(s, PATH_TALK_BAD_KEY);
	}
	bytes_wipe(proof, sizeof proof);
}

static void
take_plan(struct path_session *s, const struct path_talk *m)
{
	char why[WHY_MAX];

	s->trial.probes = s->probes;
	if (path_plan_read(&s->trial, (const char *)m->body, m->len, why) !=
	    0) {
		trial_clear(&s->trial);
		refuse(s, PATH_TALK_BAD_PLAN);
		return;
	}
	put(s, PATH_TALK_READY, NULL, 0);
	s->state = PATH_SESSION_END;
}

static void
take_ask(struct path_session *s, const struct path_talk *m, uint64_t ns)
{
	uint8_t body[24];

	memcpy(body, m->body, 8);
	be64_store(body + 8, ns);
	be64_store(body + 16, ns);
	put(s, PATH_TALK_CLOCK, body, sizeof body);
}

static void
take(struct path_session *s, const struct path_talk *m,
     struct path_session_now now)
{
	switch (s->state) {
	case PATH_SESSION_HELLO:
		take_hello(s, m, now.instant);
		return;
	case PATH_SESSION_PROOF:
		take_proof(s, m);
		return;
	case PATH_SESSION_PLAN:
		if (m->type == PATH_TALK_ASK) {
			take_ask(s, m, now.ns);
			return;
		}
		if (m->type == PATH_TALK_PLAN) {
			take_plan(s, m);
			return;
		}
		break;
	case PATH_SESSION_END:
		if (m->type == PATH_TALK_END) {
			s->end_ns = now.ns;
			s->state = PATH_SESSION_DRAIN;
			return;
		}
		break;
	default:
		return;
	}
	s->state = PATH_SESSION_BAD;
}

void
path_session_begin(struct path_session *s)
{
	s->state = PATH_SESSION_HELLO;
}

void
path_session_read(struct path_session *s, struct path_session_now now)
{
	enum path_session_state before = s->state;
	size_t at = 0;
	ptrdiff_t used = 0;
	struct path_talk m;

	/* Stop at the plan: the caller has packets to tell first. */
	while (s->state < PATH_SESSION_DRAIN &&
	       (s->state < PATH_SESSION_END || s->state == before) &&
	       (used = path_talk_parse(&m, s->in + at, s->in_len - at)) > 0) {
		take(s, &m, now);
		at += (size_t)used;
	}
	if (used < 0) {
		s->state = PATH_SESSION_BAD;
	}
	s->in_len -= at;
	memmove(s->in, s->in + at, s->in_len);
}

void
path_session_caught_up(struct path_session *s, uint64_t ns, uint32_t lost)
{
	uint8_t body[4];

	if (s->state == PATH_SESSION_DRAIN && ns >= s->end_ns) {
		be32_store(body, lost);
		put(s, PATH_TALK_DONE, body, sizeof body);
		s->state = PATH_SESSION_OVER;
	}
}

static void
tell(struct path_session *s, uint64_t ns, bool control, const uint8_t *bytes,
     size_t len)
{
	uint8_t body[PATH_TALK_SMALL_MAX];

	len = len < TRIAL_PACKET_MAX ? len : TRIAL_PACKET_MAX;
	be64_store(body, ns);
	body[8] = control;
	memcpy(body + SEEN_HEADER, bytes, len);
	put(s, PATH_TALK_SEEN, body, SEEN_HEADER + len);
}

/*
 * Write a header with the ports of a SYN that fits no probe, but none of its
 * numbers: it may belong to another host behind the near side's address.
 * Returns its length.
 */
static size_t
make_header(uint8_t out[HEADER_MAX], const struct field_values *v)
{
	const struct build_ip ip = {
		.src = v->src,
		.dst = v->dst,
		.protocol = PACKET_TCP,
		.ttl = (uint8_t)v->value[FIELD_TTL],
	};
	const struct build_tcp tcp = {
		.sport = (uint16_t)v->value[FIELD_SPORT],
		.dport = (uint16_t)v->value[FIELD_DPORT],
		.flags = v->flags,
	};

	return build_tcp(out, &ip, &tcp);
}

void
path_session_packet(struct path_session *s, uint64_t ns, bool control,
		    const uint8_t *bytes, size_t len)
{
	struct field_values v;
	uint8_t header[HEADER_MAX];

	if ((s->state != PATH_SESSION_END && s->state != PATH_SESSION_DRAIN) ||
	    field_read(&v, bytes, len) < 0) {
		return;
	}
	if (control) {
		tell(s, ns, true, bytes, len);
		return;
	}
	/* Its own connection is no probe. */
	if (v.value[FIELD_SPORT] == s->peer_port &&
	    packet_addr_equal(&v.src, &s->peer)) {
		return;
	}
	switch (path_filter_wants(&s->filter, &s->trial, &s->peer, &v)) {
	case PATH_FILTER_NOTHING:
		break;
	case PATH_FILTER_HEADER:
		tell(s, ns, false, header, make_header(header, &v));
		break;
	case PATH_FILTER_WHOLE:
		tell(s, ns, false, bytes, len);
		break;
	}
}
