/*
 * Certificates that are trusted, out of a file (PEM, RFC 7468): of authorities,
 * or of a server itself.
 */
#ifndef TAP_CONF_CA_FILE_H
#define TAP_CONF_CA_FILE_H

#include <bearssl.h>
#include <stddef.h>

#define CA_FILE_CERTIFICATES_MAX 8u
#define CA_FILE_NAME_MAX 1024u /* of one, in DER */
#define CA_FILE_KEY_MAX 1024u  /* RSA of 8192 bits */
#define CA_FILE_EXPONENT_MAX 16u

/* It points into itself: not to be copied. */
struct ca_file {
	size_t count;
	br_x509_trust_anchor anchors[CA_FILE_CERTIFICATES_MAX];
	struct ca_file_bytes {
		uint8_t name[CA_FILE_NAME_MAX];
		uint8_t key[CA_FILE_KEY_MAX];
		uint8_t exponent[CA_FILE_EXPONENT_MAX];
	} bytes[CA_FILE_CERTIFICATES_MAX];
};

/* Read one.  0, or below 0 with the error in err (CONF_ERROR_MAX). */
int ca_file_load(struct ca_file *ca, const char *path, char *err);

#endif
