/*
 * A file sealed with a passphrase: what `tap keygen --passphrase` writes
 * for carrying (papers: 000, 7.3) and `tap client` reads.
 *
 *    0  magic        8  "TAPSEAL1"
 *    8  iterations   4  of PBKDF2
 *   12  box length   4
 *   16  salt        16
 *   32  nonce       12
 *   44  box          n  the text, encrypted
 *  44+n tag         16
 *
 * The key is PBKDF2 with HMAC-SHA-256 (RFC 8018, 5.2) of the passphrase;
 * box and tag are ChaCha20-Poly1305 (RFC 8439, 2.8) with the 44 bytes
 * before them as additional data, so that no bit of the file is free.
 *
 *
 * Pure.
 */
#ifndef TAP_CONF_SEAL_H
#define TAP_CONF_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEAL_HEADER 44u
#define SEAL_TAG 16u
#define SEAL_MAGIC_BYTES 8u
#define SEAL_SALT 16u
#define SEAL_NONCE 12u
#define SEAL_BOX_MAX (1u << 20) /* 4096 rules of 250 bytes */
#define SEAL_PASSPHRASE_MAX 1024u

/*
 * A tenth of what a common machine does in half a second; and a bound on
 * how long whoever made the file can keep a client busy: about ten
 * seconds, where half a second is a million.  No machine known would
 * choose more than the upper one for its half second.
 */
#define SEAL_ITERATIONS_MIN 100000u
#define SEAL_ITERATIONS_MAX (1u << 24)

/* The parts of a sealed file; pointers are into the caller's bytes. */
struct seal {
	const uint8_t *header; /* SEAL_HEADER bytes */
	uint32_t iterations;
	const uint8_t *salt, *nonce;
	const uint8_t *box;
	size_t box_len;
	const uint8_t *tag;
};

enum seal_result {
	SEAL_OK,
	SEAL_NONE,       /* no sealed file: the magic is not there */
	SEAL_SHORT,      /* ends too early */
	SEAL_LONG,       /* goes on after its end */
	SEAL_TOO_LARGE,  /* box longer than SEAL_BOX_MAX */
	SEAL_ITERATIONS, /* out of the bounds above */
	SEAL_WRONG,      /* wrong passphrase, or a changed file */
};

/* What a result means, in words. */
const char *seal_result_text(enum seal_result result);

/*
 * Take a file apart, without looking at what a passphrase protects.
 * With SEAL_ITERATIONS, too, all of *seal is filled in.
 */
enum seal_result seal_parse(struct seal *seal, const uint8_t *bytes,
			    size_t len);

/*
 * Decrypt into out, box_len bytes.  SEAL_OK or SEAL_WRONG; then out is
 * wiped.
 */
enum seal_result seal_open(const struct seal *seal, const char *passphrase,
			   size_t passphrase_len, uint8_t *out);

/*
 * Seal a text: writes SEAL_HEADER + len + SEAL_TAG bytes to out.  salt
 * and nonce are fresh and random; len is at most SEAL_BOX_MAX.
 */
void seal_make(uint8_t *out, const uint8_t *text, size_t len,
	       const char *passphrase, size_t passphrase_len,
	       uint32_t iterations, const uint8_t *salt, const uint8_t *nonce);

/* PBKDF2 with HMAC-SHA-256. */
void seal_pbkdf2(uint8_t *out, size_t out_len, const void *passphrase,
		 size_t passphrase_len, const void *salt, size_t salt_len,
		 uint32_t iterations);

#endif
