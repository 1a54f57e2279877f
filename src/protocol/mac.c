#include "protocol/mac.h"

#include <string.h>

#include "base/bytes.h"

const struct suite suites[MAC_SUITES] = {
	[MAC_HMAC_MD5] = {
		.name = "hmac-md5",
		.bits = 30,
		.extra_max = 0,
		.keygen_bytes = 16,
		.binds_service = false,
		.kernel = SUITE_KERNEL_MD5,
		.hash = &br_md5_vtable,
	},
	[MAC_HMAC_SHA256] = {
		.name = "hmac-sha256",
		.bits = 60,
		.extra_max = FRAME_EXTRA_MAX,
		.keygen_bytes = 32,
		.binds_service = true,
		.kernel = SUITE_KERNEL_SHA256,
		.hash = &br_sha256_vtable,
	},
};

void
suite_names(const char *names[MAC_SUITES + 1])
{
	for (size_t i = 0; i < MAC_SUITES; i++) {
		names[i] = suites[i].name;
	}
	names[MAC_SUITES] = NULL;
}

void
mac_key_init(struct mac_key *key, enum mac_suite suite, unsigned extra,
	     const uint8_t *secret, size_t secret_len, const uint8_t *realm,
	     size_t realm_len)
{
	memset(key, 0, sizeof *key);
	br_hmac_key_init(&key->hmac, suites[suite].hash, secret, secret_len);
	key->suite = (uint8_t)suite;
	key->extra = (uint8_t)extra;
	key->realm_len = (uint8_t)realm_len;
	if (realm_len > 0) {
		memcpy(key->realm, realm, realm_len);
	}
}

static uint32_t
state_word(const struct mac_key *key, const unsigned char *at)
{
	/* As bytes, MD5 has its numbers in little-endian. */
	return suites[key->suite].kernel == SUITE_KERNEL_MD5
		? __builtin_bswap32(be32_load(at))
		: be32_load(at);
}

void
mac_key_states(const struct mac_key *key, uint32_t inner[8], uint32_t outer[8])
{
	const size_t words =
		suites[key->suite].kernel == SUITE_KERNEL_MD5 ? 4 : 8;

	for (size_t i = 0; i < 8; i++) {
		inner[i] = outer[i] = 0;
		if (i < words) {
			inner[i] = state_word(key, key->hmac.ksi + 4 * i);
			outer[i] = state_word(key, key->hmac.kso + 4 * i);
		}
	}
}

size_t
mac_input(const struct mac_key *key, uint8_t *input)
{
	if (!suites[key->suite].binds_service) {
		return 0;
	}
	memcpy(input, "TAP2", 4);
	input[4] = key->realm_len;
	memcpy(input + 5, key->realm, key->realm_len);
	return 5u + key->realm_len;
}

/*
 *   hmac-md5      S0:32 | S1:32 | S2:32
 *   hmac-sha256   "TAP2" | len(realm):8 | realm | port:16 | S0 | S1 | S2
 *
 * S1 and S2 have the bits of their marks set to zero.
 */
void
mac_sign(const struct mac_key *key, uint16_t port, uint32_t *seq, uint64_t *tag)
{
	uint8_t input[MAC_INPUT_MAX];
	uint8_t output[br_sha256_SIZE] = { 0 };
	br_hmac_context hmac;
	size_t len = mac_input(key, input);

	if (suites[key->suite].binds_service) {
		be16_store(input + len, port);
		len += 2;
	}
	for (unsigned role = FRAME_SYN0; role <= FRAME_SYN2; role++) {
		be32_store(input + len, seq[role] & frame_mask(role));
		len += 4;
	}
	br_hmac_init(&hmac, &key->hmac, 0);
	br_hmac_update(&hmac, input, len);
	br_hmac_out(&hmac, output);
	for (unsigned i = 0; i <= key->extra; i++) {
		seq[FRAME_SYN3 + i] =
			frame_auth(FRAME_SYN3 + i, be64_load(output),
				   be64_load(output + 8));
	}
	if (tag) {
		*tag = be64_load(output);
	}
	bytes_wipe(&hmac, sizeof hmac);
	bytes_wipe(output, sizeof output);
}

void
mac_prove(const struct mac_key *key, const uint8_t *text, size_t len,
	  uint8_t out[MAC_PROOF_BYTES])
{
	br_hmac_context hmac;

	memset(out, 0, MAC_PROOF_BYTES);
	br_hmac_init(&hmac, &key->hmac, 0);
	br_hmac_update(&hmac, text, len);
	br_hmac_out(&hmac, out);
	bytes_wipe(&hmac, sizeof hmac);
}
