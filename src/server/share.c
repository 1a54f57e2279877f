#include "server/share.h"

#include <bearssl.h>
#include <string.h>

#include "base/bytes.h"

#define KEY_BEGIN "tap:begin"
#define KEY_CHECK "tap:check"
#define KEY_PREFIX "tap:"
#define KEY_MAX 40u
#define NUMBER_MAX 21u
#define CLAIMS_MAX 3u
/* What has to stay free in out for the next question: far more than it has. */
#define COMMAND_MAX 512u
/* Of a password, that many bytes are not quoted, even if no more are there. */
#define QUOTED_MIN 8u

/* What a reply that is outstanding belongs to. */
enum kind {
	OF_LOGIN,
	OF_SELECT,
	OF_INFO,
	OF_TIME,
	OF_BEGIN,
	OF_CLAIM,
	OF_SET,
	OF_QUESTION,
	OF_CHECK,
};

const char *
share_trouble_words(enum share_trouble trouble)
{
	static const char *const words[SHARE_TROUBLES_MAX] = {
#define X(trouble, words) [SHARE_IS_##trouble] = (words),
		SHARE_TROUBLES(X)
#undef X
	};

	return (unsigned)trouble < SHARE_TROUBLES_MAX ? words[trouble] : "";
}

void
share_init(struct share *s, const struct share_setup *setup,
	   const struct share_owner *owner)
{
	memset(s, 0, sizeof *s);
	s->setup = *setup;
	s->owner = *owner;
	s->trouble = SHARE_IS_NEW;
}

/* Engines quote a command that they don't know. */
static bool
has_password(const struct share *s, const char *text, size_t len)
{
	const char *password = s->setup.password;
	const size_t all = password ? strlen(password) : 0;
	const size_t part = all < QUOTED_MIN ? all : QUOTED_MIN;

	for (size_t i = 0; part > 0 && i + part <= len; i++) {
		if (memcmp(text + i, password, part) == 0) {
			return true;
		}
	}
	return false;
}

/* The engine's words, as far as they go, and only what can be printed. */
static void
say_why(struct share *s, const char *detail, size_t len)
{
	const char *words = share_trouble_words(s->trouble);
	size_t at = strlen(words);

	if (detail && has_password(s, detail, len)) {
		detail = NULL;
	}
	memcpy(s->why, words, at);
	if (detail && len > 0) {
		s->why[at++] = ':';
		s->why[at++] = ' ';
	}
	for (size_t i = 0; detail && i < len && at < SHARE_WHY_MAX - 1; i++) {
		s->why[at++] =
			detail[i] >= ' ' && detail[i] <= '~' ? detail[i] : '?';
	}
	s->why[at] = '\0';
}

static void
answer_next(struct share *s, enum share_answer is)
{
	s->owner.answer(s->owner.context, s->answered++, is);
}

static void
lose(struct share *s, enum share_trouble trouble, const char *detail,
     size_t len)
{
	/* It may not have heard all that it was told. */
	if (s->state >= SHARE_TELLING &&
	    (!s->told || s->replied < s->told_to)) {
		s->begin[0] = '\0';
	}
	s->state = SHARE_GONE;
	s->trouble = trouble;
	say_why(s, detail, len);
	s->replied = s->expected;
	s->in_len = s->out_len = 0;
	while (s->answered < s->asked) {
		answer_next(s, SHARE_NO_ANSWER);
	}
}

void
share_lose(struct share *s, enum share_trouble trouble, const char *detail)
{
	lose(s, trouble, detail, detail ? strlen(detail) : 0);
}

/* ---- out */

static void
number_text(char out[NUMBER_MAX], uint64_t number)
{
	char reversed[NUMBER_MAX];
	size_t len = 0;

	do {
		reversed[len++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	for (size_t i = 0; i < len; i++) {
		out[i] = reversed[len - 1 - i];
	}
	out[len] = '\0';
}

/* Whether `commands` more fit. */
static bool
has_room(const struct share *s, unsigned commands)
{
	return s->expected - s->replied + commands <= SHARE_REPLIES_MAX &&
		SHARE_OUT_MAX - s->out_len >= (size_t)commands * COMMAND_MAX;
}

static void
command(struct share *s, enum kind kind, uint64_t number, uint64_t ms,
	const char *const *parts, size_t count)
{
	const size_t len = resp_write(s->out + s->out_len,
				      SHARE_OUT_MAX - s->out_len, parts, count);
	struct share_expected *e = &s->expects[s->expected % SHARE_REPLIES_MAX];

	if (len == 0 || s->expected - s->replied == SHARE_REPLIES_MAX) {
		lose(s, SHARE_IS_SILENT, NULL, 0);
		return;
	}
	if (s->expected == s->replied) {
		s->heard_ms = ms;
	}
	e->kind = (uint8_t)kind;
	e->number = number;
	e->ms = ms;
	s->expected++;
	s->out_len += len;
}

#define COMMAND(s, kind, number, ms, ...)                                      \
	command(s, kind, number, ms, (const char *const[]){ __VA_ARGS__ },     \
		sizeof((const char *const[]){ __VA_ARGS__ }) /                 \
			sizeof(const char *))

static void
set(struct share *s, const char *key, uint64_t ms)
{
	char lifetime[NUMBER_MAX];

	number_text(lifetime, s->setup.lifetime_ms);
	COMMAND(s, OF_SET, 0, ms, "SET", key, s->id, "PX", lifetime, "NX");
}

void
share_connect(struct share *s, const uint8_t id[SHARE_ID_BYTES], uint64_t ms)
{
	const char *password = s->setup.password;
	const bool named = s->setup.user && s->setup.user[0];
	char db[NUMBER_MAX];

	hex_encode(s->id, id, SHARE_ID_BYTES);
	s->state = SHARE_GREETING;
	s->in_len = s->out_len = 0;
	s->claims = 0;
	memset(&s->engine, 0, sizeof s->engine);
	s->replied = s->expected;
	if (password && password[0] && named) {
		COMMAND(s, OF_LOGIN, 0, ms, "AUTH", s->setup.user, password);
	} else if (password && password[0]) {
		COMMAND(s, OF_LOGIN, 0, ms, "AUTH", password);
	}
	if (s->setup.db > 0) {
		number_text(db, s->setup.db);
		COMMAND(s, OF_SELECT, 0, ms, "SELECT", db);
	}
	/* A section at a time: older ones take no more. */
	COMMAND(s, OF_INFO, 0, ms, "INFO", "server");
	COMMAND(s, OF_INFO, 0, ms, "INFO", "memory");
	COMMAND(s, OF_INFO, 0, ms, "INFO", "replication");
	/* One that takes nothing new is of no use. */
	set(s, KEY_CHECK, ms);
	COMMAND(s, OF_TIME, 0, ms, "TIME");
	COMMAND(s, OF_BEGIN, 0, ms, "GET", KEY_BEGIN);
}

/* Nobody learns from it what a receiver compares. */
static void
key_of(char out[KEY_MAX], uint64_t tag)
{
	static const char domain[] = "tap replay share";
	uint8_t bytes[8], hash[br_sha256_SIZE];
	br_sha256_context sha;

	be64_store(bytes, tag);
	br_sha256_init(&sha);
	br_sha256_update(&sha, domain, sizeof domain);
	br_sha256_update(&sha, bytes, sizeof bytes);
	br_sha256_out(&sha, hash);
	memcpy(out, KEY_PREFIX, sizeof KEY_PREFIX - 1);
	hex_encode(out + sizeof KEY_PREFIX - 1, hash, sizeof hash / 2);
}

bool
share_listens(const struct share *s)
{
	return s->state >= SHARE_TELLING &&
		s->expected - s->replied < SHARE_REPLIES_MAX / 2 &&
		s->out_len < SHARE_OUT_MAX / 2;
}

bool
share_tell(struct share *s, uint64_t tag, uint64_t ms)
{
	char key[KEY_MAX];

	if (s->state < SHARE_TELLING || !has_room(s, 2)) {
		return false;
	}
	key_of(key, tag);
	set(s, key, ms);
	s->told_to = s->expected;
	return s->state != SHARE_GONE;
}

bool
share_ask(struct share *s, uint64_t tag, uint64_t ms, uint64_t *number)
{
	char key[KEY_MAX];

	if (s->state != SHARE_READY || !has_room(s, 3) ||
	    s->asked - s->answered == SHARE_ASKS_MAX) {
		return false;
	}
	key_of(key, tag);
	set(s, key, ms);
	*number = s->asked++;
	s->asked_ms[*number % SHARE_ASKS_MAX] = ms;
	COMMAND(s, OF_QUESTION, *number, ms, "MGET", key, KEY_BEGIN);
	return true;
}

void
share_sent(struct share *s, size_t len)
{
	s->out_len -= len;
	memmove(s->out, s->out + len, s->out_len);
}

/* ---- in: the greeting */

/* What an engine has to be, to be asked. */
static void
take_info(struct share *s, const struct resp_item *info)
{
	share_engine_info(&s->engine, info);
	if (s->engine.replica) {
		lose(s, SHARE_IS_REPLICA, NULL, 0);
	} else if (s->engine.forgets) {
		lose(s, SHARE_IS_FORGETS, NULL, 0);
	}
}

/* It has forgotten, or never known: from now on it knows. */
static void
claim(struct share *s, uint64_t ms)
{
	char number[NUMBER_MAX], begin[SHARE_BEGIN_MAX];
	const size_t len = strlen(s->engine.run);

	number_text(number, s->engine.time_us);
	memcpy(begin, s->engine.run, len);
	begin[len] = ' ';
	memcpy(begin + len + 1, number, strlen(number) + 1);
	s->claims++;
	COMMAND(s, OF_CLAIM, 0, ms, "SET", KEY_BEGIN, begin);
	COMMAND(s, OF_BEGIN, 0, ms, "GET", KEY_BEGIN);
}

static void
take_begin(struct share *s, const struct resp_item *item, uint64_t ms)
{
	uint64_t us, age_ms;
	bool another;

	if (!s->engine.run[0] || s->engine.time_us == 0) {
		lose(s, SHARE_IS_NO_RESP, NULL, 0);
		return;
	}
	if (!share_engine_knows(&s->engine, item, &us)) {
		if (s->claims == CLAIMS_MAX) {
			lose(s, SHARE_IS_ANEW, NULL, 0);
			return;
		}
		claim(s, ms);
		return;
	}
	another = !resp_is(item, s->begin);
	memcpy(s->begin, item->bytes, item->len);
	s->begin[item->len] = '\0';
	age_ms = s->engine.time_us > us ? (s->engine.time_us - us) / 1000 : 0;
	s->settled_ms =
		ms + (age_ms < SHARE_SETTLE_MS ? SHARE_SETTLE_MS - age_ms : 0);
	s->state = SHARE_TELLING;
	s->told = false;
	s->owner.begun(s->owner.context, age_ms, another);
}

/* ---- in: answers */

static void
become_ready(struct share *s, uint64_t ms)
{
	if (s->state == SHARE_TELLING && s->told && ms >= s->settled_ms) {
		s->state = SHARE_READY;
		s->trouble = SHARE_IS_NONE;
	}
}

void
share_told(struct share *s, uint64_t ms)
{
	s->told = true;
	become_ready(s, ms);
}

/* What was asked before a memory began anew may have been forgotten. */
static bool
remembers(struct share *s, const struct resp_item *begin)
{
	if (begin->type == RESP_BULK && resp_is(begin, s->begin)) {
		return true;
	}
	lose(s, SHARE_IS_ANEW, NULL, 0);
	return false;
}

static void
take_answer(struct share *s, const struct resp_reply *r,
	    const struct share_expected *e, uint64_t ms)
{
	const struct resp_item *whose = &r->items[0];

	if (r->count != 2) {
		lose(s, SHARE_IS_NO_RESP, NULL, 0);
		return;
	}
	if (!remembers(s, &r->items[1])) {
		return;
	}
	if (e->number < s->answered) {
		/* Given up; and so would be what is asked behind it. */
		if (ms - e->ms >= SHARE_SILENT_MS) {
			lose(s, SHARE_IS_SILENT, NULL, 0);
		}
		return;
	}
	answer_next(s,
		    whose->type != RESP_BULK        ? SHARE_NO_ANSWER
			    : resp_is(whose, s->id) ? SHARE_OURS
						    : SHARE_TAKEN);
}

static bool
is_ok(const struct resp_reply *r)
{
	return r->whole.type == RESP_SIMPLE && resp_is(&r->whole, "OK");
}

/* Of the greeting; false: it is no such reply. */
static bool
take_greeting(struct share *s, const struct resp_reply *r, enum kind kind,
	      uint64_t ms)
{
	const enum resp_type type = r->whole.type;

	switch (kind) {
	case OF_LOGIN:
	case OF_SELECT:
	case OF_CLAIM:
		return is_ok(r);
	case OF_INFO:
		if (type == RESP_BULK) {
			take_info(s, &r->whole);
		}
		return type == RESP_BULK;
	case OF_TIME:
		return share_engine_time(&s->engine, r);
	default:
		if (type == RESP_BULK || type == RESP_NIL) {
			take_begin(s, &r->whole, ms);
		}
		return type == RESP_BULK || type == RESP_NIL;
	}
}

static void
take_reply(struct share *s, const struct resp_reply *r, uint64_t ms)
{
	const struct share_expected e =
		s->expects[s->replied % SHARE_REPLIES_MAX];
	bool makes_sense = true;

	if (s->replied == s->expected) {
		lose(s, SHARE_IS_NO_RESP, NULL, 0);
		return;
	}
	s->replied++;
	s->heard_ms = ms;
	if (r->whole.type == RESP_ERROR) {
		lose(s, SHARE_IS_REFUSES, r->whole.bytes, r->whole.len);
		return;
	}
	switch ((enum kind)e.kind) {
	case OF_SET:
		makes_sense = is_ok(r) || r->whole.type == RESP_NIL;
		break;
	case OF_QUESTION:
		take_answer(s, r, &e, ms);
		break;
	case OF_CHECK:
		(void)remembers(s, &r->whole);
		break;
	default:
		makes_sense = take_greeting(s, r, (enum kind)e.kind, ms);
		break;
	}
	if (!makes_sense) {
		lose(s, SHARE_IS_NO_RESP, NULL, 0);
	}
}

uint8_t *
share_room(struct share *s, size_t *size)
{
	*size = SHARE_IN_MAX - s->in_len;
	return s->in + s->in_len;
}

void
share_take(struct share *s, size_t len, uint64_t ms)
{
	size_t at = 0;

	s->in_len += len;
	while (s->state != SHARE_GONE) {
		struct resp_reply r;
		const ptrdiff_t used =
			resp_read(&r, s->in + at, s->in_len - at);

		if (used < 0) {
			lose(s, SHARE_IS_NO_RESP, NULL, 0);
		}
		if (used <= 0) {
			break;
		}
		at += (size_t)used;
		take_reply(s, &r, ms);
	}
	if (s->state == SHARE_GONE) {
		return;
	}
	s->in_len -= at;
	memmove(s->in, s->in + at, s->in_len);
	/* The longest reply is shorter. */
	if (s->in_len == SHARE_IN_MAX) {
		lose(s, SHARE_IS_NO_RESP, NULL, 0);
	}
}

/* ---- time */

void
share_tick(struct share *s, uint64_t ms)
{
	while (s->answered < s->asked &&
	       ms - s->asked_ms[s->answered % SHARE_ASKS_MAX] >= s->wait_ms) {
		answer_next(s, SHARE_NO_ANSWER);
	}
	if (s->state == SHARE_GONE) {
		return;
	}
	if (s->replied < s->expected) {
		if (ms - s->heard_ms >= SHARE_SILENT_MS) {
			lose(s, SHARE_IS_SILENT, NULL, 0);
		}
	} else if (s->state >= SHARE_TELLING &&
		   ms - s->heard_ms >= SHARE_CHECK_MS) {
		/* It has to remember, still, and to take what is new. */
		set(s, KEY_CHECK, ms);
		COMMAND(s, OF_CHECK, 0, ms, "GET", KEY_BEGIN);
	}
	become_ready(s, ms);
}

static int64_t
until(uint64_t due, uint64_t ms)
{
	return due > ms ? (int64_t)(due - ms) : 0;
}

int64_t
share_due(const struct share *s, uint64_t ms)
{
	int64_t least = -1, other;

	if (s->state != SHARE_GONE) {
		least = until(s->heard_ms + SHARE_SILENT_MS, ms);
	}
	if (s->answered < s->asked) {
		other = until(s->asked_ms[s->answered % SHARE_ASKS_MAX] +
				      s->wait_ms,
			      ms);
		least = least < 0 || other < least ? other : least;
	}
	if (s->state == SHARE_TELLING && s->told) {
		other = until(s->settled_ms, ms);
		least = other < least ? other : least;
	}
	return least;
}
