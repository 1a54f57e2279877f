#include "conf/keyfile.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "protocol/numset.h"
#include "base/secret.h"
#include "base/text.h"

void
key_spec_init(struct key_spec *spec)
{
	*spec = (struct key_spec){
		.suite = MAC_HMAC_MD5,
		.not_after = UINT64_MAX,
	};
}

void
key_spec_wipe(struct key_spec *spec)
{
	bytes_wipe(spec, sizeof *spec);
}

/* Reasons never quote the value: it is the secret. */
int
key_set_secret(void *into, const char *value, char *why)
{
	struct key_spec *spec = into;
	size_t digits;
	ptrdiff_t len;

	if (value[0] != '0' || (value[1] != 'x' && value[1] != 'X')) {
		return value_fail(why, "must begin with 0x");
	}
	digits = strlen(value + 2);
	if (digits % 2 != 0) {
		return value_fail(why, "odd number of hexadecimal digits");
	}
	if (digits / 2 < MAC_SECRET_MIN || digits / 2 > MAC_SECRET_MAX) {
		return value_fail(why, "%zu bytes long; a key has %d to %d",
				  digits / 2, MAC_SECRET_MIN, MAC_SECRET_MAX);
	}
	len = hex_decode(spec->secret, sizeof spec->secret, value + 2, digits);
	if (len < 0) {
		return value_fail(why, "holds what is no hexadecimal digit");
	}
	spec->secret_len = (size_t)len;
	return 0;
}

int
key_set_alg(void *into, const char *value, char *why)
{
	struct key_spec *spec = into;
	char buffer[MAC_SUITES * 32];
	struct text names = text_over(buffer, sizeof buffer);
	unsigned long suite;
	int rc;

	for (size_t i = 0; i < MAC_SUITES; i++) {
		text_put(&names, i == 0 ? "%s" : " %s", suites[i].name);
	}
	rc = value_choice(value, buffer, &suite, why);
	if (rc == 0) {
		spec->suite = (int)suite;
	}
	return rc;
}

int
key_set_auth(void *into, const char *value, char *why)
{
	struct key_spec *spec = into;

	if (value_number(value, 0, 65535, &spec->auth, why) < 0) {
		return -1;
	}
	if (frame_extra_for((unsigned)spec->auth) < 0) {
		return value_fail(why, "%lu bits; possible are 30, 60, 89, 118",
				  spec->auth);
	}
	return 0;
}

int
key_set_realm(void *into, const char *value, char *why)
{
	struct key_spec *spec = into;
	size_t len = strlen(value);
	ptrdiff_t decoded;

	if (value[0] == '0' && value[1] == 'x') {
		decoded = hex_decode(spec->realm, sizeof spec->realm, value + 2,
				     len - 2);
		if (decoded < 0) {
			return value_fail(why, "not up to %d bytes as digits",
					  MAC_REALM_MAX);
		}
		spec->realm_len = (size_t)decoded;
		return 0;
	}
	if (len > sizeof spec->realm) {
		return value_fail(why, "longer than %d bytes", MAC_REALM_MAX);
	}
	memcpy(spec->realm, value, len);
	spec->realm_len = len;
	return 0;
}

/* Names are printed unchanged in logs and tables: no control characters. */
int
key_set_name(void *into, const char *value, char *why)
{
	struct key_spec *spec = into;
	size_t len = strlen(value);

	if (len > ACL_NAME_MAX) {
		return value_fail(why, "longer than %u bytes", ACL_NAME_MAX);
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];

		if (c < ' ' || c == 127 || c == '\\' || c == '"') {
			return value_fail(why,
					  "control characters, quotes "
					  "and backslashes can't be in it");
		}
	}
	memcpy(spec->name, value, len + 1);
	return 0;
}

int
key_finish(const struct key_spec *spec, struct acl_key *key, char *why)
{
	const struct suite *suite = &suites[spec->suite];
	unsigned bits = spec->auth ? (unsigned)spec->auth : suite->bits;
	unsigned extra = (unsigned)frame_extra_for(bits);

	if (extra > suite->extra_max) {
		return value_fail(why, "auth: %s has no %u bits", suite->name,
				  bits);
	}
	if (!suite->binds_service && spec->realm_len > 0) {
		return value_fail(why, "realm: %s has none", suite->name);
	}
	if (spec->not_before >= spec->not_after) {
		return value_fail(why, "not_after: not later than not_before");
	}
	memset(key, 0, sizeof *key);
	key->no = (uint16_t)spec->no;
	key->bits = (uint8_t)bits;
	key->not_before = spec->not_before;
	key->not_after = spec->not_after;
	memcpy(key->name, spec->name, sizeof key->name);
	mac_key_init(&key->mac, (enum mac_suite)spec->suite, extra,
		     spec->secret, spec->secret_len, spec->realm,
		     spec->realm_len);
	return 0;
}

struct key_line {
	struct key_spec spec;
};

static const struct conf_word_type key_words[] = {
	KEY_WORDS(struct key_line),
};

int
key_read(const struct conf_file *file, const struct conf_line *line,
	 struct key_spec *spec, char *err)
{
	static const struct conf_words words = CONF_WORDS(key_words);

	key_spec_init(spec);
	if (line->is_rule) {
		return conf_fail(err, file, line->line,
				 "a key file has no rules");
	}
	return conf_apply(file, line, &words, spec, NULL, err);
}

int
key_read_rule(const struct conf_file *file, const struct conf_line *line,
	      struct key_spec *spec, char *err)
{
	struct conf_line words = { .line = line->line };

	for (size_t i = 0; i < line->count; i++) {
		for (size_t j = 0; j < sizeof key_words / sizeof key_words[0];
		     j++) {
			if (strcmp(line->words[i].name, key_words[j].name) ==
			    0) {
				words.words[words.count++] = line->words[i];
			}
		}
	}
	return key_read(file, &words, spec, err);
}

static int
load_line(struct conf_file *file, const struct conf_line *line,
	  struct acl_key *key, char *err)
{
	struct key_spec spec;
	char why[VALUE_WHY_MAX];
	int rc = key_read(file, line, &spec, err);

	if (rc == 0) {
		rc = key_finish(&spec, key, why);
		if (rc < 0) {
			conf_fail(err, file, line->line, "%s", why);
		}
	}
	key->line = line->line;
	key->file = conf_included(file);
	key_spec_wipe(&spec);
	return rc;
}

static const struct acl_key *
key_of(const struct key_file *keys, uint16_t no)
{
	size_t i = 0;

	while (keys->keys[i].no != no) {
		i++;
	}
	return &keys->keys[i];
}

/* The key of one line, where its number is new. */
static int
add_key(struct conf_file *file, const struct conf_line *line,
	struct key_file *out, size_t *room, struct numset *seen, char *err)
{
	struct acl_range number;
	struct acl_key *key;
	int rc;

	if (secret_grow(&out->keys, out->count, room, sizeof *out->keys) < 0) {
		return conf_no_memory(err, file, 0);
	}
	key = &out->keys[out->count];
	rc = load_line(file, line, key, err);
	if (rc < 0) {
		return rc;
	}
	if (numset_has(seen, key->no)) {
		char place[CONF_PLACE_MAX];
		const struct acl_key *same = key_of(out, key->no);

		return conf_fail(
			err, file, line->line, "key_no %u stands in %s already",
			key->no,
			conf_place(place, file, same->file, same->line));
	}
	number = (struct acl_range){ key->no, key->no };
	numset_add(seen, &number, 1);
	out->count++;
	return 0;
}

int
key_load_conf(struct conf_file *file, struct key_file *out, char *err)
{
	struct numset seen = { 0 };
	struct conf_line line;
	size_t room = 0;
	int rc;

	*out = (struct key_file){ 0 };
	while ((rc = conf_next(file, &line, err)) > 0) {
		rc = add_key(file, &line, out, &room, &seen, err);
		if (rc < 0) {
			break;
		}
	}
	if (rc == 0 && out->count == 0) {
		rc = conf_fail(err, file, 0, "no key in it");
	}
	if (rc < 0) {
		key_free(out);
	}
	return rc;
}

int
key_load(const char *path, struct key_file *out, char *err)
{
	struct conf_file file;
	int rc = conf_open(&file, path, CONF_SECRET, err);

	*out = (struct key_file){ 0 };
	if (rc < 0) {
		return rc;
	}
	rc = key_load_conf(&file, out, err);
	conf_close(&file);
	return rc;
}

const struct acl_key *
key_choose(const struct key_file *keys, long no, const char *path, char *err)
{
	for (size_t i = 0; i < keys->count; i++) {
		if (keys->keys[i].no == no) {
			return &keys->keys[i];
		}
	}
	if (no >= 0) {
		why_set(err, -1, "%s: no key_no %ld in it", path, no);
	} else if (keys->count == 1) {
		return &keys->keys[0];
	} else {
		why_set(err, -1, "%s: %zu keys in it, --key-no chooses one",
			path, keys->count);
	}
	return NULL;
}

void
key_free(struct key_file *keys)
{
	secret_free(keys->keys);
	*keys = (struct key_file){ 0 };
}
