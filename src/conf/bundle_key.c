#include "conf/bundle_key.h"

#include <string.h>

#include "base/bytes.h"
#include "conf/words.h"

/* Not quoted: it is a secret. */
static int
take_key(void *into, const char *value, char *why)
{
	struct bundle_key *key = into;

	if (strncmp(value, "0x", 2) != 0 ||
	    strlen(value) != 2 + 2 * (size_t)BUNDLE_KEY_BYTES ||
	    hex_decode(key->key, BUNDLE_KEY_BYTES, value + 2,
		       2 * (size_t)BUNDLE_KEY_BYTES) < 0) {
		return value_fail(why, "is not 0x and %u hexadecimal digits",
				  2 * BUNDLE_KEY_BYTES);
	}
	return 0;
}

static int
take_user(void *into, const char *value, char *why)
{
	return share_conf_text(((struct bundle_key *)into)->user, value, why);
}

static int
take_password(void *into, const char *value, char *why)
{
	return share_conf_text(((struct bundle_key *)into)->password, value,
			       why);
}

static const struct conf_word_type key_words[] = {
	{ .name = "key", CONF_OWN(take_key), .needed = true },
	{ CONF_WORD("ca", struct bundle_key, ca), CONF_OWN(share_conf_file) },
	{ .name = "user", CONF_OWN(take_user) },
	{ .name = "password", CONF_OWN(take_password) },
};

int
bundle_key_load(struct bundle_key *key, const char *path, char *err)
{
	const struct conf_words words = CONF_WORDS(key_words);

	memset(key, 0, sizeof *key);
	return share_conf_line(key, path, &words, err);
}

int
bundle_place(const char *text, const struct bundle_key *key,
	     struct share_conf *share, bool *engine, char *why)
{
	memset(share, 0, sizeof *share);
	*engine = text[0] != '/';
	if (!*engine) {
		return 0;
	}
	memcpy(share->user, key->user, sizeof share->user);
	memcpy(share->password, key->password, sizeof share->password);
	memcpy(share->ca, key->ca, sizeof share->ca);
	if (share_conf_engine(share, text, why) < 0) {
		return -1;
	}
	return share->tls && !share->ca[0]
		? value_fail(why, "rediss:// needs ca= in the key's file")
		: 0;
}
