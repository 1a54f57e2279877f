#include "measure/sntp.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/bytes.h"
#include "base/why.h"
#include "measure/target.h"
#include "os/clock.h"

#define PORT 123
#define WAIT_MS 1000
#define TRIES 2
#define ADDRESSES_MAX 4u      /* of a name; each takes WAIT_MS * TRIES */
#define CLIENT (4u << 3 | 3u) /* version 4, mode 3 */
#define UNSET (3u << 6)       /* leap indicator: its clock is not set */
#define MODE 7u
#define SERVER 4u
#define STRATUM_MAX 15u
#define UNIX_SECONDS 2208988800u /* of 1970, since 1900 */
#define SECOND_NS 1000000000u

void
sntp_question(uint8_t out[SNTP_BYTES], uint64_t number)
{
	memset(out, 0, SNTP_BYTES);
	out[0] = CLIENT;
	be64_store(out + 40, number);
}

/* As SNTP has it: seconds since 1900, modulo 2^32, and 32 bits of one. */
static uint64_t
stamp_of(uint64_t ns)
{
	return (ns / SECOND_NS + UNIX_SECONDS) << 32 |
		((ns % SECOND_NS) << 32) / SECOND_NS;
}

/* a - b, which are nearer to each other than 68 years. */
static int64_t
ms_between(uint64_t a, uint64_t b)
{
	const uint64_t ahead = a - b;
	const bool below = ahead >> 63;
	const uint64_t size = below ? b - a : ahead;
	const int64_t ms = (int64_t)(size >> 32) * 1000 +
		(int64_t)((size & UINT32_MAX) * 1000 >> 32);

	return below ? -ms : ms;
}

int
sntp_answer(const uint8_t *bytes, size_t len, uint64_t number, uint64_t sent_ns,
	    uint64_t received_ns, int64_t *behind_ms)
{
	uint64_t there_in, there_out;

	if (len < SNTP_BYTES || (bytes[0] & MODE) != SERVER ||
	    (bytes[0] & UNSET) == UNSET || bytes[1] == 0 ||
	    bytes[1] > STRATUM_MAX || be64_load(bytes + 24) != number) {
		return -1;
	}
	there_in = be64_load(bytes + 32);
	there_out = be64_load(bytes + 40);
	if (there_out == 0) {
		return -1;
	}
	*behind_ms = (ms_between(there_in, stamp_of(sent_ns)) +
		      ms_between(there_out, stamp_of(received_ns))) /
		2;
	return 0;
}

static int
open_socket(const struct target_addr *to)
{
	const bool v4 = to->addr.family == 4;
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(PORT),
				   .sin6_scope_id = to->device };
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons(PORT) };
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int saved;

	memcpy(&addr.sin_addr, to->addr.bytes, 4);
	memcpy(&v6.sin6_addr, to->addr.bytes, 16);
	if (fd < 0) {
		return -errno;
	}
	if (connect(fd, v4 ? (const void *)&addr : (const void *)&v6,
		    v4 ? sizeof addr : sizeof v6) < 0) {
		saved = errno;
		close(fd);
		return -saved;
	}
	return fd;
}

/* Another answer than this one's may be an earlier one's, or a stranger's. */
static int
await(int fd, uint64_t number, uint64_t sent_ns, int64_t *behind_ms)
{
	const uint64_t until = clock_ms() + WAIT_MS;
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	uint8_t bytes[SNTP_BYTES];
	int rc = -ETIMEDOUT;
	uint64_t now;

	while (rc != 0 && (now = clock_ms()) < until) {
		ssize_t got;

		if (poll(&wait, 1, (int)(until - now)) < 1) {
			continue;
		}
		got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
		if (got < 0 && errno != EAGAIN && errno != EINTR) {
			return -errno;
		}
		if (got >= 0) {
			rc = sntp_answer(bytes, (size_t)got, number, sent_ns,
					 clock_ns(), behind_ms) < 0
				? -EPROTO
				: 0;
		}
	}
	return rc;
}

/* Ask once.  0 or -errno. */
static int
ask(int fd, int64_t *behind_ms)
{
	uint8_t bytes[SNTP_BYTES];
	uint64_t number, sent;

	if (getentropy(&number, sizeof number) < 0) {
		return -errno;
	}
	sntp_question(bytes, number);
	sent = clock_ns();
	if (send(fd, bytes, sizeof bytes, 0) < 0) {
		return -errno;
	}
	return await(fd, number, sent, behind_ms);
}

static int
ask_address(const struct target_addr *to, int64_t *behind_ms)
{
	const int fd = open_socket(to);
	int rc = fd < 0 ? fd : -ETIMEDOUT;

	for (int i = 0; fd >= 0 && rc < 0 && i < TRIES; i++) {
		rc = ask(fd, behind_ms);
	}
	if (fd >= 0) {
		close(fd);
	}
	return rc;
}

int
sntp_ask(const char *host, int64_t *behind_ms, char *why)
{
	struct target_addr *to;
	size_t count;
	int rc = -EHOSTUNREACH;

	if (target_find(host, &to, &count, why) < 0) {
		return rc;
	}
	for (size_t i = 0; rc < 0 && i < count && i < ADDRESSES_MAX; i++) {
		rc = ask_address(&to[i], behind_ms);
	}
	free(to);
	return rc == -EPROTO
		? why_set(why, rc, "%s: it does not know the time", host)
		: rc < 0 ? why_errno(why, rc, host)
			 : 0;
}
