/*
 * A memory of replays that several servers share: the conversation with its
 * engine, which is Redis or Valkey.  What comes from there goes in, what is to
 * be sent comes out; asking never waits.
 *
 *   tap:TAG    the number of the connection by which the group was set; TAG is
 *              half of a SHA-256 of the number by which receivers remember
 *              groups (mac.h).  Set if it is not there, and then read: whose
 *              number stands there has it.  It expires.
 *   tap:check  written now and then, to see whether it can be.
 *   tap:begin  RUN-ID MICROSECONDS: since when this run of the engine knows
 *              everything, by the engine's clock.  Read with every question.
 *
 * An engine that was started anew, or emptied, may have forgotten anything,
 * whatever it has of before: then its memory begins now, as a receiver's does
 * that lost its own (PROTOCOL: "Replay"), and who is connected tells it what
 * he remembers before anybody asks.
 *
 * Pure.
 */
#ifndef TAP_SERVER_SHARE_H
#define TAP_SERVER_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/resp.h"
#include "server/share_engine.h"

/* Groups that wait for an answer: as many as SYNs that are held. */
#define SHARE_ASKS_MAX 4096u
/* Replies that are outstanding: two for each, and those to what is told. */
#define SHARE_REPLIES_MAX 16384u
#define SHARE_OUT_MAX (256u << 10)
/* Two replies of the longest kind. */
#define SHARE_IN_MAX (72u << 10)
#define SHARE_BEGIN_MAX (SHARE_RUN_MAX + 22u) /* and a number */
#define SHARE_WHY_MAX 128u
#define SHARE_ID_BYTES 16u
#define SHARE_ID_MAX (2 * SHARE_ID_BYTES + 1) /* in hexadecimal */

/* Without a question, whether it is there and remembers is asked this often. */
#define SHARE_CHECK_MS 1000u
/* An engine that owes a reply for so long is gone. */
#define SHARE_SILENT_MS 1000u
/* The longest pause before it is tried again; and its share of SETTLE. */
#define SHARE_PAUSE_MAX_MS 1000u
/*
 * A memory that begins is not asked for so long: all servers have then come
 * back and told what they accepted before.
 */
#define SHARE_SETTLE_MS 2500u

enum share_state {
	SHARE_GONE,     /* no connection, or none that is of use */
	SHARE_GREETING, /* logging in; finding out what engine it is */
	SHARE_TELLING,  /* it takes what is told, and is not asked yet */
	SHARE_READY,
	SHARE_STATES,
};

/* Why there is none; with the words of the status. */
#define SHARE_TROUBLES(X)                                                      \
	X(NONE, "")                                                            \
	X(NEW, "not connected yet")                                            \
	X(UNREACHABLE, "can't be reached")                                     \
	X(CLOSED, "closed the connection")                                     \
	X(REFUSES, "refuses")                                                  \
	X(NO_TLS, "does not speak TLS 1.2 as it is understood")                \
	X(FOREIGN, "has a certificate that the CA did not sign")               \
	X(EXPIRED, "has a certificate that is not valid now")                  \
	X(OTHER_NAME, "has a certificate of another name")                     \
	X(NO_RESP, "answers what is no reply of Redis")                        \
	X(SILENT, "does not answer")                                           \
	X(ANEW, "its memory began anew")                                       \
	X(FORGETS, "may forget early: set maxmemory-policy noeviction")        \
	X(REPLICA, "is a replica")

enum share_trouble {
#define X(trouble, words) SHARE_IS_##trouble,
	SHARE_TROUBLES(X)
#undef X
		SHARE_TROUBLES_MAX,
};

enum share_answer {
	SHARE_OURS,      /* nobody else has it: let it in */
	SHARE_TAKEN,     /* another server has */
	SHARE_NO_ANSWER, /* in time, or ever */
};

/* What it tells its owner of. */
struct share_owner {
	void *context;
	/* A question is answered: in the order of the questions, each once. */
	void (*answer)(void *context, uint64_t number, enum share_answer is);
	/*
	 * Its memory knows all since that long; what is remembered here is to
	 * be told, by share_tell(), and then share_told(), if it is another one
	 * than before, or has not confirmed all that it was told.
	 */
	void (*begun)(void *context, uint64_t age_ms, bool another);
};

/* Texts stay the caller's; NULL or empty where there is none. */
struct share_setup {
	const char *user, *password;
	unsigned db;
	uint64_t lifetime_ms; /* of what is remembered */
};

struct share {
	struct share_setup setup;
	struct share_owner owner;
	enum share_state state;
	enum share_trouble trouble;
	char why[SHARE_WHY_MAX]; /* printable: the trouble, with its words */
	struct share_engine engine;
	char begin[SHARE_BEGIN_MAX]; /* of the memory that is known, or empty */
	char id[SHARE_ID_MAX];
	unsigned claims;
	bool told;
	uint64_t told_to;    /* the reply that confirms what was told last */
	uint64_t settled_ms; /* from then on it may be asked */
	uint64_t heard_ms;   /* the last reply, or when one began to be owed */
	uint64_t wait_ms;    /* for an answer, at the most */
	/* Questions, by their numbers: [answered, asked) wait. */
	uint64_t asked, answered;
	uint64_t asked_ms[SHARE_ASKS_MAX];
	/* Replies to come: [replied, expected). */
	uint64_t expected, replied;
	struct share_expected {
		uint64_t number, ms;
		uint8_t kind;
	} expects[SHARE_REPLIES_MAX];
	size_t in_len, out_len;
	uint8_t in[SHARE_IN_MAX], out[SHARE_OUT_MAX];
};

const char *share_trouble_words(enum share_trouble trouble);

void share_init(struct share *s, const struct share_setup *setup,
		const struct share_owner *owner);

/*
 * There is a connection: the greeting is to be sent.  id is random, and for
 * this connection alone: a machine that is copied while it runs gets others.
 */
void share_connect(struct share *s, const uint8_t id[SHARE_ID_BYTES],
		   uint64_t ms);
/*
 * There is none, or none any more: what was asked gets no answer.  Detail, of
 * an error, may be NULL.
 */
void share_lose(struct share *s, enum share_trouble trouble,
		const char *detail);

/* Where what comes is to be put, and how much: never 0. */
uint8_t *share_room(struct share *s, size_t *size);
/* So much has come.  It may be SHARE_GONE afterwards. */
void share_take(struct share *s, size_t len, uint64_t ms);
/* So much of out has been sent. */
void share_sent(struct share *s, size_t len);

/* Ask about a group, *number names the question; false: not now. */
bool share_ask(struct share *s, uint64_t tag, uint64_t ms, uint64_t *number);
/* Tell of a group that was accepted; false: not now. */
bool share_tell(struct share *s, uint64_t tag, uint64_t ms);
/* Whether there is room to tell of many, and of who gets in meanwhile. */
bool share_listens(const struct share *s);
/* All is told that there was to tell. */
void share_told(struct share *s, uint64_t ms);

/* Whatever is due. */
void share_tick(struct share *s, uint64_t ms);
/* Milliseconds until something is, or -1. */
int64_t share_due(const struct share *s, uint64_t ms);

#endif
