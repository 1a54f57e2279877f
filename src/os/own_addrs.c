#include "os/own_addrs.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static bool
take(const struct sockaddr *from, struct packet_addr *addr)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	memset(addr, 0, sizeof *addr);
	if (from && from->sa_family == AF_INET) {
		memcpy(&v4, from, sizeof v4);
		addr->family = 4;
		memcpy(addr->bytes, &v4.sin_addr, 4);
	} else if (from && from->sa_family == AF_INET6) {
		memcpy(&v6, from, sizeof v6);
		addr->family = 6;
		memcpy(addr->bytes, &v6.sin6_addr, 16);
	}
	return addr->family != 0;
}

static bool
is_loopback4(const struct packet_addr *addr)
{
	return addr->family == 4 && addr->bytes[0] == 127;
}

static bool
is_link_local(const struct packet_addr *addr)
{
	return addr->family == 6 && addr->bytes[0] == 0xfe &&
		(addr->bytes[1] & 0xc0) == 0x80;
}

int
addrs_own(const struct packet_addr *addr)
{
	struct ifaddrs *list;
	int found = is_loopback4(addr);

	if (found) {
		return 1;
	}
	if (getifaddrs(&list) < 0) {
		return -errno;
	}
	for (const struct ifaddrs *at = list; at && !found; at = at->ifa_next) {
		struct packet_addr own;

		found = take(at->ifa_addr, &own) &&
			packet_addr_equal(&own, addr);
	}
	freeifaddrs(list);
	return found;
}

int
addrs_other(const struct packet_addr *addr, uint32_t device,
	    struct packet_addr *other)
{
	struct ifaddrs *list;
	char name[IF_NAMESIZE] = "";
	int found = 0;

	if (is_loopback4(addr)) {
		*other = *addr;
		other->bytes[3] = addr->bytes[3] == 254
			? 1
			: (uint8_t)(addr->bytes[3] + 1);
		return 1;
	}
	if (!if_indextoname(device, name) || getifaddrs(&list) < 0) {
		return -errno;
	}
	for (const struct ifaddrs *at = list; at && !found; at = at->ifa_next) {
		bool fits = strcmp(at->ifa_name, name) == 0 ||
			strcmp(name, "lo") == 0;

		found = fits && at->ifa_flags & IFF_UP &&
			take(at->ifa_addr, other) &&
			other->family == addr->family &&
			!is_link_local(other) &&
			!packet_addr_equal(other, addr);
	}
	freeifaddrs(list);
	if (!found) {
		other->family = 0;
	}
	return found;
}
