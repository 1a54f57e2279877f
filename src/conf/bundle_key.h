/*
 * The key of bundles, which those who push and all servers have, and what
 * else it takes to get one: user and password of the engine that has it.
 */
#ifndef TAP_CONF_BUNDLE_KEY_H
#define TAP_CONF_BUNDLE_KEY_H

#include "conf/bundle.h"
#include "conf/share_conf.h"

/* Holds secrets: to be wiped by its owner. */
struct bundle_key {
	uint8_t key[BUNDLE_KEY_BYTES];
	char ca[SHARE_CONF_FILE_MAX]; /* of rediss://, or empty */
	char user[SHARE_CONF_TEXT_MAX], password[SHARE_CONF_TEXT_MAX];
};

/* Read the file.  0, or what conf_open() returns, with the error in err. */
int bundle_key_load(struct bundle_key *key, const char *path, char *err);

/*
 * Where a bundle is: an engine, as replay_share= has it, or a file.  0, with
 * *engine true or false; or -1 with the reason in why (VALUE_WHY_MAX).
 */
int bundle_place(const char *text, const struct bundle_key *key,
		 struct share_conf *share, bool *engine, char *why);

#endif
