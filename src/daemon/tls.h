/*
 * TLS 1.2 (RFC 5246) to a server whose certificate is of a file that is
 * trusted, over a socket that does not wait.  No system call but send(2) and
 * recv(2).
 */
#ifndef TAP_DAEMON_TLS_H
#define TAP_DAEMON_TLS_H

#include <stdbool.h>
#include <sys/types.h>

#include "conf/ca_file.h"

#define TLS_SEED_BYTES 32u

#define TLS_TROUBLES(X)                                                        \
	X(NONE, "does not speak TLS 1.2 as it is understood")                  \
	X(FOREIGN, "has a certificate that the CA did not sign")               \
	X(EXPIRED, "has a certificate that is not valid now")                  \
	X(OTHER_NAME, "has a certificate of another name")

enum tls_trouble {
#define X(trouble, words) TLS_##trouble,
	TLS_TROUBLES(X)
#undef X
};

struct tls {
	br_ssl_client_context client;
	br_x509_minimal_context x509;
	bool full; /* the socket takes no more */
	uint8_t io[BR_SSL_BUFSIZE_BIDI];
};

/*
 * A connection is to begin to the server of that name, or with that address as
 * its name.  seed is random and for it alone; seconds are since 1970.  ca has
 * to live as long.
 */
void tls_begin(struct tls *t, const struct ca_file *ca, const char *host,
	       const uint8_t seed[TLS_SEED_BYTES], uint64_t seconds);

/*
 * As recv(2) and send(2) with MSG_DONTWAIT; EPROTO: tls_trouble() has why.  Of
 * what was taken to be sent, some may stay: see tls_wants_out().  A send of
 * nothing sends that, as far as it goes, and then is EAGAIN.
 */
ssize_t tls_recv(struct tls *t, int fd, void *bytes, size_t size);
ssize_t tls_send(struct tls *t, int fd, const void *bytes, size_t len);
/* Whether it can go on when the socket takes more. */
bool tls_wants_out(const struct tls *t);

/* Whether something was read that tls_recv() has not returned. */
bool tls_has_more(const struct tls *t);

/* Why it came to an end; with words. */
enum tls_trouble tls_trouble(const struct tls *t);
const char *tls_trouble_words(enum tls_trouble trouble);

#endif
