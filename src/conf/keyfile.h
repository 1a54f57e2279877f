/*
 * Keys as files have them: the words of a key line, and the key file of
 * the server (server.key; papers: 000, 7.1).
 */
#ifndef TAP_CONF_KEYFILE_H
#define TAP_CONF_KEYFILE_H

#include "protocol/acl.h"
#include "conf/words.h"

#define SERVER_CONF_KEYS "/etc/tap/server.key"

/* The words of a key, as they stand in a line.  Holds the secret. */
struct key_spec {
	unsigned long no;
	uint8_t secret[MAC_SECRET_MAX];
	size_t secret_len;
	int suite;          /* enum mac_suite */
	unsigned long auth; /* bits; 0: the suite's own */
	uint8_t realm[MAC_REALM_MAX];
	size_t realm_len;
	char name[ACL_NAME_MAX + 1];
	uint64_t not_before, not_after;
};

/* A key of the papers, with no words yet. */
void key_spec_init(struct key_spec *spec);
void key_spec_wipe(struct key_spec *spec);

/* The words of a key, for a table: IN has a struct key_spec spec. */
#define KEY_WORDS_COUNT 8
#define KEY_WORDS(in)                                                          \
	{ CONF_WORD("key_no", in, spec.no), CONF_NUMBER(0, 65535, 0),          \
	  .needed = true },                                                    \
		{ CONF_WORD("key", in, spec), CONF_OWN(key_set_secret),        \
		  .needed = true },                                            \
		{ CONF_WORD("alg", in, spec), CONF_OWN(key_set_alg) },         \
		{ CONF_WORD("auth", in, spec), CONF_OWN(key_set_auth) },       \
		{ CONF_WORD("realm", in, spec), CONF_OWN(key_set_realm) },     \
		{ CONF_WORD("name", in, spec), CONF_OWN(key_set_name) },       \
		{ CONF_WORD("not_before", in, spec.not_before), CONF_TIME },   \
	{                                                                      \
		CONF_WORD("not_after", in, spec.not_after), CONF_TIME          \
	}

/* Each takes a struct key_spec. */
int key_set_secret(void *spec, const char *value, char *why);
int key_set_alg(void *spec, const char *value, char *why);
int key_set_auth(void *spec, const char *value, char *why);
int key_set_realm(void *spec, const char *value, char *why);
int key_set_name(void *spec, const char *value, char *why);

/*
 * Make a key of its words, once all are read.  Returns 0, or -1 with
 * the reason in why (VALUE_WHY_MAX).
 */
int key_finish(const struct key_spec *spec, struct acl_key *key, char *why);

/*
 * The words of one line of a key file.  Returns 0, or as conf_open() below
 * 0 with the error in err (CONF_ERROR_MAX); the caller wipes spec either
 * way.
 */
int key_read(const struct conf_file *file, const struct conf_line *line,
	     struct key_spec *spec, char *err);

/* The same of a client's rule, whose other words are passed over. */
int key_read_rule(const struct conf_file *file, const struct conf_line *line,
		  struct key_spec *spec, char *err);

/* A key file, loaded: keys in the order of the file. */
struct key_file {
	struct acl_key *keys; /* owned */
	size_t count;
};

/* Load a key file.  Returns 0, or below 0 with the error in err. */
int key_load(const char *path, struct key_file *out, char *err);
/* The same from an open file, which stays the caller's. */
int key_load_conf(struct conf_file *file, struct key_file *out, char *err);
/*
 * The key of that number, or (below 0) the only one; NULL with the error
 * in err.
 */
const struct acl_key *key_choose(const struct key_file *keys, long no,
				 const char *path, char *err);
/* Wipe and free. */
void key_free(struct key_file *keys);

#endif
