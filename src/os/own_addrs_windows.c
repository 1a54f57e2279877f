#include "os/own_addrs.h"

#include <iphlpapi.h>

#include "os/clock.h"

/* A list is good for so long: whoever asks for each of a flood's packets. */
#define AGAIN_MS 1000u
#define TRIES 4 /* it grows between two calls */

static bool
is_address(const struct packet_addr *addr, const SOCKET_ADDRESS *own)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (own->lpSockaddr->sa_family == AF_INET && addr->family == 4) {
		memcpy(&v4, own->lpSockaddr, sizeof v4);
		return memcmp(&v4.sin_addr, addr->bytes, 4) == 0;
	}
	if (own->lpSockaddr->sa_family == AF_INET6 && addr->family == 6) {
		memcpy(&v6, own->lpSockaddr, sizeof v6);
		return memcmp(&v6.sin6_addr, addr->bytes, 16) == 0;
	}
	return false;
}

static bool
has_address(const IP_ADAPTER_ADDRESSES *adapter, const struct packet_addr *addr)
{
	const IP_ADAPTER_UNICAST_ADDRESS *at = adapter->FirstUnicastAddress;

	while (at && !is_address(addr, &at->Address)) {
		at = at->Next;
	}
	return at != NULL;
}

/* The caller's to free, or NULL. */
static IP_ADAPTER_ADDRESSES *
list(void)
{
	IP_ADAPTER_ADDRESSES *all = NULL;
	ULONG size = 16384;

	for (int i = 0; i < TRIES; i++) {
		ULONG rc;

		all = malloc(size);
		rc = all ? GetAdaptersAddresses(AF_UNSPEC, 0, NULL, all, &size)
			 : ERROR_SUCCESS;
		if (rc == NO_ERROR) {
			break;
		}
		free(all);
		all = NULL;
		if (rc != ERROR_BUFFER_OVERFLOW) {
			break;
		}
	}
	return all;
}

int
addrs_own(const struct packet_addr *addr)
{
	static IP_ADAPTER_ADDRESSES *all;
	static uint64_t since;
	const uint64_t now = clock_ms();

	for (;;) {
		const IP_ADAPTER_ADDRESSES *at = all;

		while (at && !has_address(at, addr)) {
			at = at->Next;
		}
		if (at) {
			return 1;
		}
		if (since && now - since < AGAIN_MS) {
			return addr->family == 4 && addr->bytes[0] == 127;
		}
		since = now;
		free(all);
		all = list();
	}
}
