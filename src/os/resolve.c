#include "os/resolve.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

/* Whether it is an address of IP. */
static bool
take(struct host_addr *out, const struct addrinfo *info)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	memset(out, 0, sizeof *out);
	if (info->ai_family == AF_INET) {
		memcpy(&v4, info->ai_addr, sizeof v4);
		out->addr.family = 4;
		memcpy(out->addr.bytes, &v4.sin_addr, 4);
		return true;
	}
	if (info->ai_family != AF_INET6) {
		return false;
	}
	memcpy(&v6, info->ai_addr, sizeof v6);
	if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
		/* Packets to it are of IPv4. */
		out->addr.family = 4;
		memcpy(out->addr.bytes, &v6.sin6_addr.s6_addr[12], 4);
		return true;
	}
	out->addr.family = 6;
	memcpy(out->addr.bytes, &v6.sin6_addr, 16);
	out->device = v6.sin6_scope_id;
	return true;
}

static bool
is_new(const struct host_addr *out, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (packet_addr_equal(&out[i].addr, &out[count].addr) &&
		    out[i].device == out[count].device) {
			return false;
		}
	}
	return true;
}

int
resolve_host(const char *host, struct host_addr *out, size_t max, size_t *count)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	int error = getaddrinfo(host, NULL, &hints, &list);

	*count = 0;
	if (error != 0) {
		return error;
	}
	for (const struct addrinfo *at = list; at && *count < max;
	     at = at->ai_next) {
		*count += take(&out[*count], at) && is_new(out, *count);
	}
	freeaddrinfo(list);
	return 0;
}
