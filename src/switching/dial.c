#include "switching/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

socklen_t
dial_address(struct sockaddr_storage *out, const struct packet_addr *addr,
	     uint16_t port, uint32_t scope)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port),
				   .sin6_scope_id = scope };

	memset(out, 0, sizeof *out);
	if (addr->family == 4) {
		memcpy(&v4.sin_addr, addr->bytes, 4);
		memcpy(out, &v4, sizeof v4);
		return sizeof v4;
	}
	memcpy(&v6.sin6_addr, addr->bytes, 16);
	memcpy(out, &v6, sizeof v6);
	return sizeof v6;
}

bool
dial_packet_addr(struct packet_addr *out, uint16_t *port,
		 const struct sockaddr_storage *addr)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	*out = (struct packet_addr){ 0 };
	if (addr->ss_family == AF_INET) {
		memcpy(&v4, addr, sizeof v4);
		out->family = 4;
		memcpy(out->bytes, &v4.sin_addr, 4);
		*port = ntohs(v4.sin_port);
		return true;
	}
	if (addr->ss_family == AF_INET6) {
		memcpy(&v6, addr, sizeof v6);
		out->family = 6;
		memcpy(out->bytes, &v6.sin6_addr, 16);
		*port = ntohs(v6.sin6_port);
		return true;
	}
	return false;
}

bool
dial_is_loopback(const struct packet_addr *addr)
{
	static const uint8_t one[16] = { [15] = 1 };

	return addr->family == 4 ? addr->bytes[0] == 127
				 : memcmp(addr->bytes, one, sizeof one) == 0;
}

void
dial_prepare(int fd)
{
	const int one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	(void)setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &one, sizeof one);
}

int
dial(int fd, const struct sockaddr_storage *from,
     const struct sockaddr_storage *to)
{
	const socklen_t len = to->ss_family == AF_INET
		? sizeof(struct sockaddr_in)
		: sizeof(struct sockaddr_in6);

	const int one = 1;

	if (from && bind(fd, (const struct sockaddr *)from, len) < 0) {
		return -errno;
	}
	/*
	 * Only now: one port twice would be an error of connect(2).  Without
	 * it, no service could listen on that port of any address.
	 */
	if (from &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0) {
		return -errno;
	}
	if (connect(fd, (const struct sockaddr *)to, len) < 0 &&
	    errno != EINPROGRESS) {
		return -errno;
	}
	return 0;
}

int
dial_error(int fd)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0) {
		return -errno;
	}
	return -error;
}

void
dial_reset(int fd)
{
	const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
}
