#include "conf/bundle.h"

#include <bearssl.h>
#include <string.h>

#include "base/base64.h"
#include "base/bytes.h"

#define NUMBER 20u /* digits */
#define SALT_DIGITS (2 * BUNDLE_SALT_BYTES)

static const char magic[] = "TAP-BUNDLE-";
static const char one[] = "1 ";

#define AT_VERSION (sizeof magic - 1 + sizeof one - 1)
#define AT_TIME (AT_VERSION + NUMBER + 1)
#define AT_SALT (AT_TIME + NUMBER + 1)

_Static_assert(AT_SALT + SALT_DIGITS + 1 == BUNDLE_LINE, "as it is drawn");
_Static_assert(BUNDLE_LINE + BASE64_DIGITS(BUNDLE_BOX_MAX + BUNDLE_TAG) + 1 <=
		       BUNDLE_MAX,
	       "what can be sealed can be opened");

const char *
bundle_result_text(enum bundle_result result)
{
	static const char *const texts[] = {
		[BUNDLE_OK] = "a bundle",
		[BUNDLE_NONE] = "is no bundle",
		[BUNDLE_NEWER] = "a bundle of another tap: update this one",
		[BUNDLE_TORN] = "a bundle, but torn: its end is missing",
		[BUNDLE_LARGE] = "is larger than any bundle",
		[BUNDLE_FOREIGN] =
			"a bundle that this key has not signed, or damaged",
		[BUNDLE_STRANGE] =
			"a bundle with something in it that is not known",
	};

	return (unsigned)result < sizeof texts / sizeof texts[0] ? texts[result]
								 : "damaged";
}

/* ---- the first line */

static void
put_number(char *out, uint64_t number)
{
	for (size_t i = NUMBER; i > 0; i--) {
		out[i - 1] = (char)('0' + number % 10);
		number /= 10;
	}
	out[NUMBER] = ' ';
}

static bool
take_number(uint64_t *out, const char *at)
{
	*out = 0;
	/* One less than fits: nothing is to be added to the largest. */
	if (at[0] != '0' || at[NUMBER] != ' ') {
		return false;
	}
	for (size_t i = 0; i < NUMBER; i++) {
		if (at[i] < '0' || at[i] > '9') {
			return false;
		}
		*out = *out * 10 + (uint64_t)(at[i] - '0');
	}
	return true;
}

void
bundle_line_write(char out[BUNDLE_LINE + 1], const struct bundle_stamp *stamp)
{
	memcpy(out, magic, sizeof magic - 1);
	memcpy(out + sizeof magic - 1, one, sizeof one - 1);
	put_number(out + AT_VERSION, stamp->version);
	put_number(out + AT_TIME, stamp->time);
	hex_encode(out + AT_SALT, stamp->salt, BUNDLE_SALT_BYTES);
	out[BUNDLE_LINE - 1] = '\n';
	out[BUNDLE_LINE] = '\0';
}

enum bundle_result
bundle_line_read(struct bundle_stamp *stamp, const char *text, size_t len)
{
	char again[BUNDLE_LINE + 1];

	if (len < sizeof magic - 1 ||
	    memcmp(text, magic, sizeof magic - 1) != 0) {
		return BUNDLE_NONE;
	}
	if (len < BUNDLE_LINE) {
		return BUNDLE_TORN;
	}
	if (memcmp(text + sizeof magic - 1, one, sizeof one - 1) != 0) {
		return BUNDLE_NEWER;
	}
	if (!take_number(&stamp->version, text + AT_VERSION) ||
	    !take_number(&stamp->time, text + AT_TIME) ||
	    hex_decode(stamp->salt, BUNDLE_SALT_BYTES, text + AT_SALT,
		       SALT_DIGITS) != BUNDLE_SALT_BYTES) {
		return BUNDLE_NONE;
	}
	bundle_line_write(again, stamp);
	return memcmp(again, text, BUNDLE_LINE) == 0 ? BUNDLE_OK : BUNDLE_NONE;
}

bool
bundle_same(const struct bundle_stamp *a, const struct bundle_stamp *b)
{
	return a->version == b->version && a->time == b->time &&
		memcmp(a->salt, b->salt, BUNDLE_SALT_BYTES) == 0;
}

/* ---- the box */

size_t
bundle_size(size_t box_len)
{
	return BUNDLE_LINE + BASE64_DIGITS(box_len + BUNDLE_TAG) + 1;
}

static void
crypt_box(uint8_t *box, size_t len, uint8_t tag[BUNDLE_TAG], const char *line,
	  const uint8_t key[BUNDLE_KEY_BYTES], int encrypt)
{
	static const uint8_t nonce[12];
	uint8_t own[br_sha256_SIZE];
	br_hmac_key_context keyed;
	br_hmac_context hmac;

	br_hmac_key_init(&keyed, &br_sha256_vtable, key, BUNDLE_KEY_BYTES);
	br_hmac_init(&hmac, &keyed, 0);
	br_hmac_update(&hmac, line, BUNDLE_LINE);
	br_hmac_out(&hmac, own);
	br_poly1305_ctmul_run(own, nonce, box, len, line, BUNDLE_LINE, tag,
			      br_chacha20_ct_run, encrypt);
	bytes_wipe(own, sizeof own);
	bytes_wipe(&keyed, sizeof keyed);
	bytes_wipe(&hmac, sizeof hmac);
}

void
bundle_seal(char *out, uint8_t *box, size_t box_len,
	    const struct bundle_stamp *stamp,
	    const uint8_t key[BUNDLE_KEY_BYTES])
{
	char line[BUNDLE_LINE + 1];
	size_t digits;

	bundle_line_write(line, stamp);
	memcpy(out, line, BUNDLE_LINE);
	crypt_box(box, box_len, box + box_len, line, key, 1);
	digits = base64_write(out + BUNDLE_LINE, box, box_len + BUNDLE_TAG);
	out[BUNDLE_LINE + digits] = '\n';
}

enum bundle_result
bundle_open(uint8_t *box, size_t *box_len, const char *text, size_t len,
	    const uint8_t key[BUNDLE_KEY_BYTES])
{
	uint8_t tag[BUNDLE_TAG];
	struct bundle_stamp stamp;
	size_t got;
	enum bundle_result result;

	if (len > BUNDLE_MAX) {
		return BUNDLE_LARGE;
	}
	result = bundle_line_read(&stamp, text, len);
	if (result != BUNDLE_OK) {
		return result;
	}
	if (text[len - 1] != '\n' || len < bundle_size(0)) {
		return BUNDLE_TORN;
	}
	if (base64_read(box, &got, text + BUNDLE_LINE, len - BUNDLE_LINE - 1) !=
		    BASE64_OK ||
	    got < BUNDLE_TAG) {
		bytes_wipe(box, got);
		return BUNDLE_FOREIGN;
	}
	*box_len = got - BUNDLE_TAG;
	crypt_box(box, *box_len, tag, text, key, 0);
	if (!ct_equal(tag, box + *box_len, BUNDLE_TAG)) {
		bytes_wipe(box, got);
		return BUNDLE_FOREIGN;
	}
	return BUNDLE_OK;
}

enum bundle_result
bundle_split(struct bundle_text texts[BUNDLE_FILES], const uint8_t *box,
	     size_t len)
{
	struct cursor c = cursor_over(box, len);
	unsigned next = 0;

	memset(texts, 0, BUNDLE_FILES * sizeof texts[0]);
	while (cursor_left(&c) > 0) {
		const uint8_t file = cursor_u8(&c);
		const uint32_t size = cursor_u32(&c);

		if (c.bad || file < next || file >= BUNDLE_FILES) {
			return BUNDLE_STRANGE;
		}
		next = file + 1u;
		texts[file].len = size;
		texts[file].bytes = cursor_bytes(&c, size);
		if (c.bad) {
			return BUNDLE_STRANGE;
		}
	}
	return texts[BUNDLE_CONF].bytes && texts[BUNDLE_KEYS].bytes &&
			texts[BUNDLE_ACL].bytes
		? BUNDLE_OK
		: BUNDLE_STRANGE;
}
