#include "daemon/engine.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "os/clock.h"
#include "os/resolve.h"

#define ADDRESSES_MAX 8u
#define DB_DIGITS 12u
/* Of a command's parts: their headers. */
#define PART_SPARE 32u

/* ---- bytes */

/* Wait until it is ready.  0, or -errno. */
static int
await(struct engine *e, short events)
{
	struct pollfd fd = { .fd = e->fd, .events = events };
	const uint64_t now = clock_ms();
	int rc;

	if (now >= e->until) {
		return -ETIMEDOUT;
	}
	rc = poll(&fd, 1, (int)(e->until - now));
	return rc > 0 ? 0 : rc == 0 ? -ETIMEDOUT : errno == EINTR ? 0 : -errno;
}

/* What TLS waits for may be the other way. */
static short
wanted(const struct engine *e, short events)
{
	return !e->tls                  ? events
		: tls_wants_out(e->tls) ? POLLIN | POLLOUT
					: POLLIN;
}

static int
send_all(struct engine *e, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		const ssize_t put = e->tls
			? tls_send(e->tls, e->fd, bytes, len)
			: send(e->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int rc = 0;

		if (put > 0) {
			bytes += put;
			len -= (size_t)put;
		} else {
			rc = errno == EAGAIN || errno == EINTR
				? await(e, wanted(e, POLLOUT))
				: -errno;
		}
		if (rc < 0) {
			return rc;
		}
	}
	return 0;
}

/* Read more, behind what is there.  0, or -errno. */
static int
receive(struct engine *e)
{
	ssize_t got;
	int rc;

	memmove(e->in, e->in + e->at, e->len - e->at);
	e->len -= e->at;
	e->at = 0;
	if (e->len == sizeof e->in) {
		return -EPROTO;
	}
	for (;;) {
		got = e->tls ? tls_recv(e->tls, e->fd, e->in + e->len,
					sizeof e->in - e->len)
			     : recv(e->fd, e->in + e->len,
				    sizeof e->in - e->len, MSG_DONTWAIT);
		if (got > 0) {
			e->len += (size_t)got;
			return 0;
		}
		if (got == 0) {
			return -ECONNRESET;
		}
		rc = errno == EAGAIN || errno == EINTR
			? await(e, wanted(e, POLLIN))
			: -errno;
		if (rc < 0) {
			return rc;
		}
	}
}

/* ---- commands and replies */

static int
fail(char *err, int rc)
{
	return why_set(err, -1, "%s",
		       rc == -EPROTO ? "answers what is no reply of Redis"
				     : strerror(-rc));
}

static int
fail_io(const struct engine *e, char *err, int rc)
{
	return e->tls && rc == -EPROTO
		? why_set(err, -1, "%s", tls_trouble_words(tls_trouble(e->tls)))
		: fail(err, rc);
}

int
engine_send(struct engine *e, const char *const *parts, size_t count, char *err)
{
	size_t size = PART_SPARE, len;
	uint8_t *command;
	int rc;

	for (size_t i = 0; i < count; i++) {
		size += strlen(parts[i]) + PART_SPARE;
	}
	command = secret_new(size);
	if (!command) {
		return fail(err, -ENOMEM);
	}
	len = resp_write(command, size, parts, count);
	e->until = clock_ms() + ENGINE_WAIT_MS;
	rc = send_all(e, command, len);
	secret_free(command);
	return rc < 0 ? fail_io(e, err, rc) : 0;
}

int
engine_item(struct engine *e, struct resp_item *item, long *count, char *err)
{
	e->until = clock_ms() + ENGINE_WAIT_MS;
	for (;;) {
		const ptrdiff_t used =
			resp_item(item, e->in + e->at, e->len - e->at, count);
		int rc;

		if (used > 0) {
			e->at += (size_t)used;
			break;
		}
		if (used < 0) {
			return fail(err, -EPROTO);
		}
		rc = receive(e);
		if (rc < 0) {
			return fail_io(e, err, rc);
		}
	}
	if (item->type == RESP_ERROR) {
		/* Its words may quote the command, and that a password. */
		const size_t word = strcspn(item->bytes, " \r");

		return why_set(err, -1, "refuses: %.*s",
			       (int)(word < 32 ? word : 32), item->bytes);
	}
	return 0;
}

int
engine_word(struct engine *e, const char *word, char *err)
{
	struct resp_item item;
	long count;
	const int rc = engine_item(e, &item, &count, err);

	return rc == 0 && !resp_is(&item, word) ? fail(err, -EPROTO) : rc;
}

/* ---- connections */

static int
begin_to(const void *addr, socklen_t len, int family)
{
	const int fd =
		socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int one = 1;
	int error;

	if (fd < 0) {
		return -errno;
	}
	if (family != AF_UNIX) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	}
	if (connect(fd, addr, len) == 0 || errno == EINPROGRESS) {
		return fd;
	}
	error = errno;
	close(fd);
	return -error;
}

int
engine_begin(const struct share_conf *share, const struct host_addr *to)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(share->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(share->port) };

	if (share->path[0]) {
		memcpy(local.sun_path, share->path, strlen(share->path) + 1);
		return begin_to(&local, sizeof local, AF_UNIX);
	}
	if (!to) {
		return -EDESTADDRREQ;
	}
	if (to->addr.family == 4) {
		memcpy(&v4.sin_addr, to->addr.bytes, 4);
		return begin_to(&v4, sizeof v4, AF_INET);
	}
	v6.sin6_scope_id = to->device;
	memcpy(&v6.sin6_addr, to->addr.bytes, 16);
	return begin_to(&v6, sizeof v6, AF_INET6);
}

/* 0, or -errno with no connection. */
static int
connect_to(struct engine *e, const struct share_conf *share,
	   const struct host_addr *to)
{
	int error = 0;
	socklen_t size = sizeof error;
	int rc;

	e->until = clock_ms() + ENGINE_WAIT_MS;
	e->fd = engine_begin(share, to);
	if (e->fd < 0) {
		return e->fd;
	}
	rc = await(e, POLLOUT);
	if (rc == 0 &&
	    getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0) {
		rc = -error;
	}
	if (rc < 0) {
		close(e->fd);
		e->fd = -1;
	}
	return rc;
}

static int
connect_host(struct engine *e, const struct share_conf *share, char *err)
{
	struct host_addr to[ADDRESSES_MAX];
	size_t count = 0;
	int rc = resolve_host(share->host, to, ADDRESSES_MAX, &count);

	if (rc != 0) {
		return why_set(err, -1, "%s", gai_strerror(rc));
	}
	rc = -EHOSTUNREACH;
	for (size_t i = 0; i < count && rc < 0; i++) {
		rc = connect_to(e, share, &to[i]);
	}
	return rc < 0 ? fail(err, rc) : 0;
}

static int
begin_tls(struct engine *e, const struct share_conf *share, char *err)
{
	uint8_t seed[TLS_SEED_BYTES];

	e->tls = malloc(sizeof *e->tls);
	if (!e->tls || getrandom(seed, sizeof seed, 0) != sizeof seed) {
		return fail(err, -ENOMEM);
	}
	tls_begin(e->tls, e->ca, share->host, seed, clock_ns() / 1000000000);
	bytes_wipe(seed, sizeof seed);
	return 0;
}

static int
greet(struct engine *e, const struct share_conf *share, char *err)
{
	char db[DB_DIGITS];
	int rc = 0;

	if (share->password[0]) {
		rc = share->user[0]
			? ENGINE_SEND(e, err, "AUTH", share->user,
				      share->password)
			: ENGINE_SEND(e, err, "AUTH", share->password);
		rc = rc < 0 ? rc : engine_word(e, "OK", err);
	}
	if (rc == 0 && share->db > 0) {
		snprintf(db, sizeof db, "%u", share->db);
		rc = ENGINE_SEND(e, err, "SELECT", db);
		rc = rc < 0 ? rc : engine_word(e, "OK", err);
	}
	return rc;
}

int
engine_prepare(struct engine *e, const struct share_conf *share, char *err)
{
	int rc;

	memset(e, 0, sizeof *e);
	e->fd = -1;
	if (share->path[0]) {
		rc = connect_to(e, share, NULL);
		return rc < 0 ? fail(err, rc) : 0;
	}
	if (!share->tls) {
		return 0;
	}
	e->ca = malloc(sizeof *e->ca);
	return !e->ca                                     ? fail(err, -ENOMEM)
		: ca_file_load(e->ca, share->ca, err) < 0 ? -1
							  : 0;
}

int
engine_login(struct engine *e, const struct share_conf *share, char *err)
{
	int rc = share->path[0] ? 0 : connect_host(e, share, err);

	if (rc == 0 && share->tls) {
		rc = begin_tls(e, share, err);
	}
	return rc < 0 ? rc : greet(e, share, err);
}

int
engine_open(struct engine *e, const struct share_conf *share, char *err)
{
	const int rc = engine_prepare(e, share, err);

	return rc < 0 ? rc : engine_login(e, share, err);
}

void
engine_close(struct engine *e)
{
	if (e->fd >= 0) {
		close(e->fd);
	}
	e->fd = -1;
	free(e->tls);
	free(e->ca);
	e->tls = NULL;
	e->ca = NULL;
	bytes_wipe(e->in, sizeof e->in);
}
