/*
 * Making keys: both ends' lines, printed or put where they belong.
 */
#ifndef TAP_KEYGEN_KEYGEN_H
#define TAP_KEYGEN_KEYGEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/keyfile.h"
#include "conf/sealed_file.h"
#include "conf/value.h"

#define KEYGEN_TARGETS_MAX 64u /* servers that one user reaches */
#define KEYGEN_PORTS_MAX 128u  /* bytes of their list */
#define KEYGEN_PATH_MAX 4096u

/* A server as a client's rule names it. */
struct keygen_target {
	char host[VALUE_HOST_MAX], port[KEYGEN_PORTS_MAX];
	uint16_t service_port; /* or 0 */
};

struct keygen_options {
	struct key_spec spec; /* what is given, and defaults; no secret */
	bool has_no, has_name, has_alg, has_auth, has_realm, has_before,
		has_after;
	size_t bytes;   /* of secret; 0: as the suite or the old key has */
	uint64_t valid; /* a span; 0: none given */
	struct keygen_target targets[KEYGEN_TARGETS_MAX];
	size_t targets_count;
	const char *append; /* key file, or NULL */
	bool reload;        /* have the running server read it */
	const char *both;   /* directory, or NULL */
	long rotate;        /* number of the old key, or -1 */
	uint64_t overlap;   /* a span */
	unsigned long count;
	bool skip; /* numbers that are taken */
	bool json;
	bool seal; /* what the client gets, with this: */
	struct sealed_passphrase passphrase;
	bool invite;          /* it is a line, for tap client --accept */
	bool made_passphrase; /* which nobody knows yet */
};

/*
 * Take apart what value_endpoint() reads.  0, or -1 with the reason in why
 * (VALUE_WHY_MAX).
 */
int keygen_target(struct keygen_target *target, const char *text, char *why);

/*
 * Whether standard output may get what is going to be printed there:
 * warns where it is a terminal.  An exit status.
 */
int keygen_check_output(const struct keygen_options *o);

/* Make the keys.  An exit status: TAP_NO where a number is taken. */
int keygen_run(const struct keygen_options *o);

#endif
