/*
 * A bundle: the server's files, sealed with a key that all servers have, in a
 * form that goes anywhere as text.
 *
 *   TAP-BUNDLE-1 VERSION TIME SALT \n     20 digits, 20 digits, 32 of base 16
 *   BASE64URL \n                          of the box and its tag
 *
 * The box is, for each file in the order of enum bundle_file, a byte with its
 * number, four with its length, big-endian, and its bytes; encrypted with
 * ChaCha20-Poly1305 (RFC 8439), the first line being additional data.  Key:
 * HMAC-SHA-256 (RFC 2104) of the first line with the bundle's key, so that it
 * is another one for each bundle, and the nonce is zero.
 *
 * The tag is the signature: BearSSL has no Ed25519, and who can read a bundle
 * has its secrets anyway.  So whoever has the key can make bundles, too.
 *
 * Pure.
 */
#ifndef TAP_CONF_BUNDLE_H
#define TAP_CONF_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUNDLE_KEY_BYTES 32u
#define BUNDLE_SALT_BYTES 16u
#define BUNDLE_LINE 88u /* the first one, with its end */
#define BUNDLE_TAG 16u
#define BUNDLE_BOX_MAX (24u << 20) /* 65,536 keys with names have 20 MiB */
#define BUNDLE_MAX (33u << 20)     /* characters of all of it */

enum bundle_file {
	BUNDLE_CONF,
	BUNDLE_KEYS,
	BUNDLE_ACL,
	BUNDLE_LOGIN, /* what share_login names; may be missing */
	BUNDLE_FILES,
};

/* What the first line says. */
struct bundle_stamp {
	uint64_t version; /* only rises */
	uint64_t time;    /* when it was made, in seconds since 1970 */
	uint8_t salt[BUNDLE_SALT_BYTES];
};

enum bundle_result {
	BUNDLE_OK,
	BUNDLE_NONE,    /* the first line is another */
	BUNDLE_NEWER,   /* of another version of this format */
	BUNDLE_TORN,    /* its end is missing, or something follows */
	BUNDLE_LARGE,   /* longer than BUNDLE_MAX */
	BUNDLE_FOREIGN, /* of another key, or changed */
	BUNDLE_STRANGE, /* of this key, with something else in it */
};

/* What a result means, in words. */
const char *bundle_result_text(enum bundle_result result);

void bundle_line_write(char out[BUNDLE_LINE + 1],
		       const struct bundle_stamp *stamp);
/* Of text that may go on. */
enum bundle_result bundle_line_read(struct bundle_stamp *stamp,
				    const char *text, size_t len);

bool bundle_same(const struct bundle_stamp *a, const struct bundle_stamp *b);

/* How long a bundle with so large a box is. */
size_t bundle_size(size_t box_len);

/*
 * Seal `box_len` bytes, which have room for BUNDLE_TAG more and are
 * overwritten; out has bundle_size().
 */
void bundle_seal(char *out, uint8_t *box, size_t box_len,
		 const struct bundle_stamp *stamp,
		 const uint8_t key[BUNDLE_KEY_BYTES]);

/*
 * Open one: the box goes into `box`, which has room for as many bytes as the
 * text has.  What was not BUNDLE_OK leaves no byte of a box.
 */
enum bundle_result bundle_open(uint8_t *box, size_t *box_len, const char *text,
			       size_t len, const uint8_t key[BUNDLE_KEY_BYTES]);

struct bundle_text {
	const uint8_t *bytes; /* within the box; NULL: there is none */
	size_t len;
};

/* Take a box apart. */
enum bundle_result bundle_split(struct bundle_text texts[BUNDLE_FILES],
				const uint8_t *box, size_t len);

#endif
