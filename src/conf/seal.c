#include "conf/seal.h"

#include <bearssl.h>
#include <string.h>

#include "base/bytes.h"

#define KEY_BYTES 32u

static const uint8_t magic[SEAL_MAGIC_BYTES] = {
	'T', 'A', 'P', 'S', 'E', 'A', 'L', '1',
};

const char *
seal_result_text(enum seal_result result)
{
	switch (result) {
	case SEAL_OK:
		return "sealed";
	case SEAL_NONE:
		return "is not sealed with a passphrase";
	case SEAL_SHORT:
		return "sealed, but cut short";
	case SEAL_LONG:
		return "sealed, but something follows its end";
	case SEAL_TOO_LARGE:
		return "sealed, but claims to be larger than any";
	case SEAL_ITERATIONS:
		return "sealed, but with an iteration count that tap never "
		       "writes";
	case SEAL_WRONG:
		return "wrong passphrase, or the file is damaged";
	}
	return "damaged";
}

enum seal_result
seal_parse(struct seal *seal, const uint8_t *bytes, size_t len)
{
	struct cursor c = cursor_over(bytes, len);
	const uint8_t *start = cursor_bytes(&c, SEAL_MAGIC_BYTES);
	uint32_t box_len;

	if (!start || memcmp(start, magic, SEAL_MAGIC_BYTES) != 0) {
		return SEAL_NONE;
	}
	seal->header = start;
	seal->iterations = cursor_u32(&c);
	box_len = cursor_u32(&c);
	seal->salt = cursor_bytes(&c, SEAL_SALT);
	seal->nonce = cursor_bytes(&c, SEAL_NONCE);
	if (c.bad) {
		return SEAL_SHORT;
	}
	if (box_len > SEAL_BOX_MAX) {
		return SEAL_TOO_LARGE;
	}
	seal->box_len = box_len;
	seal->box = cursor_bytes(&c, box_len);
	seal->tag = cursor_bytes(&c, SEAL_TAG);
	if (c.bad) {
		return SEAL_SHORT;
	}
	if (cursor_left(&c) > 0) {
		return SEAL_LONG;
	}
	if (seal->iterations < SEAL_ITERATIONS_MIN ||
	    seal->iterations > SEAL_ITERATIONS_MAX) {
		return SEAL_ITERATIONS;
	}
	return SEAL_OK;
}

/* T_i = U_1 ^ ... ^ U_c of RFC 8018, for block i, counted from 1. */
static void
pbkdf2_block(uint8_t *t, const br_hmac_key_context *key, const void *salt,
	     size_t salt_len, uint32_t block, uint32_t iterations)
{
	uint8_t u[br_sha256_SIZE];
	br_hmac_context hmac;

	be32_store(u, block);
	br_hmac_init(&hmac, key, 0);
	br_hmac_update(&hmac, salt, salt_len);
	br_hmac_update(&hmac, u, 4);
	br_hmac_out(&hmac, u);
	memcpy(t, u, sizeof u);
	for (uint32_t i = 1; i < iterations; i++) {
		br_hmac_init(&hmac, key, 0);
		br_hmac_update(&hmac, u, sizeof u);
		br_hmac_out(&hmac, u);
		for (size_t j = 0; j < sizeof u; j++) {
			t[j] ^= u[j];
		}
	}
	bytes_wipe(&hmac, sizeof hmac);
	bytes_wipe(u, sizeof u);
}

void
seal_pbkdf2(uint8_t *out, size_t out_len, const void *passphrase,
	    size_t passphrase_len, const void *salt, size_t salt_len,
	    uint32_t iterations)
{
	uint8_t t[br_sha256_SIZE];
	br_hmac_key_context key;

	br_hmac_key_init(&key, &br_sha256_vtable, passphrase, passphrase_len);
	for (uint32_t block = 1; out_len > 0; block++) {
		size_t n = out_len < sizeof t ? out_len : sizeof t;

		pbkdf2_block(t, &key, salt, salt_len, block, iterations);
		memcpy(out, t, n);
		out += n;
		out_len -= n;
	}
	bytes_wipe(&key, sizeof key);
	bytes_wipe(t, sizeof t);
}

/* Encrypt or decrypt in place, and compute the tag. */
static void
crypt_box(const struct seal *seal, const char *passphrase,
	  size_t passphrase_len, uint8_t *data, uint8_t *tag, int encrypt)
{
	uint8_t key[KEY_BYTES];

	seal_pbkdf2(key, sizeof key, passphrase, passphrase_len, seal->salt,
		    SEAL_SALT, seal->iterations);
	br_poly1305_ctmul_run(key, seal->nonce, data, seal->box_len,
			      seal->header, SEAL_HEADER, tag,
			      br_chacha20_ct_run, encrypt);
	bytes_wipe(key, sizeof key);
}

enum seal_result
seal_open(const struct seal *seal, const char *passphrase,
	  size_t passphrase_len, uint8_t *out)
{
	uint8_t tag[SEAL_TAG];

	memcpy(out, seal->box, seal->box_len);
	crypt_box(seal, passphrase, passphrase_len, out, tag, 0);
	if (!ct_equal(tag, seal->tag, SEAL_TAG)) {
		bytes_wipe(out, seal->box_len);
		return SEAL_WRONG;
	}
	return SEAL_OK;
}

void
seal_make(uint8_t *out, const uint8_t *text, size_t len, const char *passphrase,
	  size_t passphrase_len, uint32_t iterations, const uint8_t *salt,
	  const uint8_t *nonce)
{
	const struct seal seal = {
		.header = out,
		.iterations = iterations,
		.salt = salt,
		.nonce = nonce,
		.box_len = len,
	};

	memcpy(out, magic, SEAL_MAGIC_BYTES);
	be32_store(out + 8, iterations);
	be32_store(out + 12, (uint32_t)len);
	memcpy(out + 16, salt, SEAL_SALT);
	memcpy(out + 32, nonce, SEAL_NONCE);
	memcpy(out + SEAL_HEADER, text, len);
	crypt_box(&seal, passphrase, passphrase_len, out + SEAL_HEADER,
		  out + SEAL_HEADER + len, 1);
}
