#include "conf/key_line.h"

#include <string.h>

#include "base/bytes.h"
#include "base/json.h"

/* The name may hold what a line would take as its own. */
static void
put_name(struct text *t, const char *name)
{
	bool plain = name[strcspn(name, " ,#=")] == '\0';

	text_put(t, plain ? ", name=%s" : ", name=\"%s\"", name);
}

/* As it was written where that is plain, and as digits otherwise. */
static void
realm_text(char out[2 * MAC_REALM_MAX + 3], const struct key_spec *spec)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789.-_:/@+";
	const uint8_t *realm = spec->realm;
	size_t len = 0;

	while (len < spec->realm_len && realm[len] != '\0' &&
	       strchr(plain, realm[len])) {
		len++;
	}
	if (len == spec->realm_len &&
	    (len < 2 || realm[0] != '0' || realm[1] != 'x')) {
		memcpy(out, realm, len);
		out[len] = '\0';
		return;
	}
	memcpy(out, "0x", 2);
	hex_encode(out + 2, realm, spec->realm_len);
}

unsigned
key_line_bits(const struct key_spec *spec)
{
	return spec->auth ? (unsigned)spec->auth : suites[spec->suite].bits;
}

static void
put_words(struct text *t, const struct key_spec *spec)
{
	char digits[2 * MAC_SECRET_MAX + 1];
	char realm[2 * MAC_REALM_MAX + 3];
	char when[VALUE_TIME_MAX];

	hex_encode(digits, spec->secret, spec->secret_len);
	text_put(t, "key_no=%lu, key=0x%s", spec->no, digits);
	bytes_wipe(digits, sizeof digits);
	if (spec->suite != MAC_HMAC_MD5) {
		text_put(t, ", alg=%s, auth=%u", suites[spec->suite].name,
			 key_line_bits(spec));
	}
	if (spec->realm_len > 0) {
		realm_text(realm, spec);
		text_put(t, ", realm=%s", realm);
	}
	if (spec->name[0]) {
		put_name(t, spec->name);
	}
	if (spec->not_before > 0) {
		value_time_text(when, spec->not_before);
		text_put(t, ", not_before=%s", when);
	}
	if (spec->not_after != UINT64_MAX) {
		value_time_text(when, spec->not_after);
		text_put(t, ", not_after=%s", when);
	}
}

void
key_line_write(struct text *t, const struct key_spec *spec)
{
	put_words(t, spec);
}

void
key_line_rule(struct text *t, const struct key_spec *spec, const char *host,
	      const char *port, unsigned service_port)
{
	const char *quote = strchr(port, ',') ? "\"" : "";

	text_put(t, "RULE:dst_host=%s, dst_port=%s%s%s, ", host, quote, port,
		 quote);
	if (service_port != 0) {
		text_put(t, "service_port=%u, ", service_port);
	}
	put_words(t, spec);
	text_put(t, ", type=LOCAL");
}

void
key_line_json_time(struct text *t, const char *name, uint64_t instant,
		   uint64_t none)
{
	char when[VALUE_TIME_MAX];

	if (instant != none) {
		value_time_text(when, instant);
	}
	json_member(t, name, instant != none ? when : NULL);
}

void
key_line_json(struct text *t, const struct key_spec *spec)
{
	char realm[2 * MAC_REALM_MAX + 3];

	json_number(t, "key_no", spec->no);
	json_member(t, "name", spec->name);
	json_member(t, "alg", suites[spec->suite].name);
	json_number(t, "auth", key_line_bits(spec));
	json_number(t, "bytes", spec->secret_len);
	realm_text(realm, spec);
	json_member(t, "realm", realm);
	key_line_json_time(t, "not_before", spec->not_before, 0);
	key_line_json_time(t, "not_after", spec->not_after, UINT64_MAX);
}
