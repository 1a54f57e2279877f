#include "daemon/tls.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Reads of a turn: who sends without end does not get all the time. */
#define READS_MAX 32u
#define DAY 86400u
#define DAYS_TO_1970 719528u /* from the year 0 on */

/*
 * What a certificate costs is for who sends it to say, before anybody is
 * trusted: no more of them than this, and no exponents as long as keys.
 */
#define CERTIFICATES_MAX 8u
#define EXPONENT_MAX 4u

static void
start_certificate(const br_x509_class **at, uint32_t len)
{
	br_x509_minimal_context *x509 = (br_x509_minimal_context *)(void *)at;

	if (x509->err == 0 && x509->num_certs == CERTIFICATES_MAX) {
		x509->err = BR_ERR_X509_LIMIT_EXCEEDED;
	}
	br_x509_minimal_vtable.start_cert(at, len);
}

static uint32_t
verify_rsa(const unsigned char *signature, size_t len, const unsigned char *oid,
	   size_t hash_len, const br_rsa_public_key *key, unsigned char *hash)
{
	return key->elen <= EXPONENT_MAX
		? br_rsa_pkcs1_vrfy_get_default()(signature, len, oid, hash_len,
						  key, hash)
		: 0;
}

static void
bound(br_x509_minimal_context *x509)
{
	static br_x509_class bounded;

	bounded = br_x509_minimal_vtable;
	bounded.start_cert = start_certificate;
	x509->vtable = &bounded;
	br_x509_minimal_set_rsa(x509, verify_rsa);
}

void
tls_begin(struct tls *t, const struct ca_file *ca, const char *host,
	  const uint8_t seed[TLS_SEED_BYTES], uint64_t seconds)
{
	br_ssl_engine_context *e = &t->client.eng;

	t->full = false;
	br_ssl_client_init_full(&t->client, &t->x509, ca->anchors, ca->count);
	bound(&t->x509);
	br_x509_minimal_set_time(&t->x509,
				 (uint32_t)(seconds / DAY) + DAYS_TO_1970,
				 (uint32_t)(seconds % DAY));
	br_ssl_engine_set_versions(e, BR_TLS12, BR_TLS12);
	br_ssl_engine_set_buffer(e, t->io, sizeof t->io, 1);
	/* Each one is work, and nobody needs another. */
	br_ssl_engine_add_flags(e, BR_OPT_NO_RENEGOTIATION);
	/* The seed is all there is: who can't open a file asks no system. */
	e->rng_os_rand_done = 1;
	br_ssl_engine_inject_entropy(e, seed, TLS_SEED_BYTES);
	br_ssl_client_reset(&t->client, host, 0);
}

/* Records, as far as they go.  0; or -1 with errno, 0: it was closed. */
static int
pump(struct tls *t, int fd)
{
	br_ssl_engine_context *e = &t->client.eng;
	unsigned char *buf;
	unsigned reads = 0;
	size_t len;
	ssize_t n;

	t->full = false;
	for (;;) {
		const unsigned state = br_ssl_engine_current_state(e);

		if (state & BR_SSL_CLOSED) {
			errno = br_ssl_engine_last_error(e) ? EPROTO : 0;
			return -1;
		}
		if (state & BR_SSL_SENDREC && !t->full) {
			buf = br_ssl_engine_sendrec_buf(e, &len);
			n = send(fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
			if (n > 0) {
				br_ssl_engine_sendrec_ack(e, (size_t)n);
				continue;
			}
			if (n < 0 && errno != EAGAIN && errno != EINTR) {
				return -1;
			}
			t->full = true;
		}
		if (!(state & BR_SSL_RECVREC) || reads++ == READS_MAX) {
			return 0;
		}
		buf = br_ssl_engine_recvrec_buf(e, &len);
		n = recv(fd, buf, len, MSG_DONTWAIT);
		if (n > 0) {
			br_ssl_engine_recvrec_ack(e, (size_t)n);
			continue;
		}
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			return 0;
		}
		errno = n == 0 ? 0 : errno;
		return -1;
	}
}

ssize_t
tls_recv(struct tls *t, int fd, void *bytes, size_t size)
{
	br_ssl_engine_context *e = &t->client.eng;
	unsigned char *buf;
	size_t len = 0;
	int rc = 0;

	if (!(br_ssl_engine_current_state(e) & BR_SSL_RECVAPP)) {
		rc = pump(t, fd);
	}
	if (br_ssl_engine_current_state(e) & BR_SSL_RECVAPP) {
		buf = br_ssl_engine_recvapp_buf(e, &len);
		len = len < size ? len : size;
		memcpy(bytes, buf, len);
		br_ssl_engine_recvapp_ack(e, len);
		return (ssize_t)len;
	}
	if (rc < 0) {
		return errno == 0 ? 0 : -1;
	}
	errno = EAGAIN;
	return -1;
}

ssize_t
tls_send(struct tls *t, int fd, const void *bytes, size_t len)
{
	br_ssl_engine_context *e = &t->client.eng;
	unsigned char *buf;
	size_t room = 0;
	int rc = pump(t, fd);

	if (rc == 0 && len > 0 &&
	    br_ssl_engine_current_state(e) & BR_SSL_SENDAPP) {
		buf = br_ssl_engine_sendapp_buf(e, &room);
		room = room < len ? room : len;
		memcpy(buf, bytes, room);
		br_ssl_engine_sendapp_ack(e, room);
		br_ssl_engine_flush(e, 0);
		rc = pump(t, fd);
	}
	if (rc < 0) {
		errno = errno == 0 ? ECONNRESET : errno;
		return -1;
	}
	if (room == 0) {
		errno = EAGAIN;
	}
	return room > 0 ? (ssize_t)room : -1;
}

bool
tls_wants_out(const struct tls *t)
{
	return t->full ||
		br_ssl_engine_current_state(&t->client.eng) & BR_SSL_SENDREC;
}

bool
tls_has_more(const struct tls *t)
{
	return br_ssl_engine_current_state(&t->client.eng) & BR_SSL_RECVAPP;
}

enum tls_trouble
tls_trouble(const struct tls *t)
{
	switch (br_ssl_engine_last_error(&t->client.eng)) {
	case BR_ERR_X509_NOT_TRUSTED:
	case BR_ERR_X509_LIMIT_EXCEEDED:
	case BR_ERR_X509_BAD_SIGNATURE:
		return TLS_FOREIGN;
	case BR_ERR_X509_EXPIRED:
		return TLS_EXPIRED;
	case BR_ERR_X509_BAD_SERVER_NAME:
		return TLS_OTHER_NAME;
	default:
		return TLS_NONE;
	}
}

const char *
tls_trouble_words(enum tls_trouble trouble)
{
	static const char *const words[] = {
#define X(trouble, words) [TLS_##trouble] = (words),
		TLS_TROUBLES(X)
#undef X
	};

	return words[trouble];
}
