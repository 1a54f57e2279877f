#include "os/own_syn.h"

#include <iphlpapi.h>

#include "base/bytes.h"
#include "os/clock.h"

#define TABLE_MAX (64u << 20) /* bytes: a million connections */
#define AGAIN_MS 1000u

/* A system's table grows between two calls. */
static void *
table_of(ULONG family)
{
	static void *table;
	static DWORD room;

	for (int i = 0; i < 4; i++) {
		DWORD size = room;
		DWORD rc = GetExtendedTcpTable(table, &size, FALSE, family,
					       TCP_TABLE_OWNER_PID_ALL, 0);

		if (rc == NO_ERROR && table) {
			return table;
		}
		if (rc != ERROR_INSUFFICIENT_BUFFER || size > TABLE_MAX / 2) {
			return NULL;
		}
		free(table);
		room = size * 2;
		table = malloc(room);
		if (!table) {
			room = 0;
			return NULL;
		}
	}
	return NULL;
}

/* The table has ports in network byte order, in the lower half. */
static bool
is_port(DWORD stored, uint16_t port)
{
	return ntohs((uint16_t)stored) == port;
}

static bool
begun4(const struct packet *syn)
{
	const MIB_TCPTABLE_OWNER_PID *all = table_of(AF_INET);

	for (DWORD i = 0; all && i < all->dwNumEntries; i++) {
		const MIB_TCPROW_OWNER_PID *row = &all->table[i];

		if (row->dwState == MIB_TCP_STATE_SYN_SENT &&
		    is_port(row->dwLocalPort, syn->sport) &&
		    is_port(row->dwRemotePort, syn->dport) &&
		    memcmp(&row->dwLocalAddr, syn->src.bytes, 4) == 0 &&
		    memcmp(&row->dwRemoteAddr, syn->dst.bytes, 4) == 0) {
			return true;
		}
	}
	return false;
}

static bool
begun6(const struct packet *syn)
{
	const MIB_TCP6TABLE_OWNER_PID *all = table_of(AF_INET6);

	for (DWORD i = 0; all && i < all->dwNumEntries; i++) {
		const MIB_TCP6ROW_OWNER_PID *row = &all->table[i];

		if (row->dwState == MIB_TCP_STATE_SYN_SENT &&
		    is_port(row->dwLocalPort, syn->sport) &&
		    is_port(row->dwRemotePort, syn->dport) &&
		    memcmp(row->ucLocalAddr, syn->src.bytes, 16) == 0 &&
		    memcmp(row->ucRemoteAddr, syn->dst.bytes, 16) == 0) {
			return true;
		}
	}
	return false;
}

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

/* By the list as it was a second ago, or is now. */
static bool
is_own_address(const struct packet_addr *addr)
{
	static IP_ADAPTER_ADDRESSES *all;
	static uint64_t since;
	const uint64_t now = clock_ms();

	for (;;) {
		const IP_ADAPTER_ADDRESSES *at = all;
		ULONG size = 0;

		for (; at; at = at->Next) {
			const IP_ADAPTER_UNICAST_ADDRESS *one =
				at->FirstUnicastAddress;

			for (; one; one = one->Next) {
				if (is_address(addr, &one->Address)) {
					return true;
				}
			}
		}
		if (since && now - since < AGAIN_MS) {
			return false;
		}
		since = now;
		free(all);
		all = NULL;
		if (GetAdaptersAddresses(AF_UNSPEC, 0, NULL, NULL, &size) !=
			    ERROR_BUFFER_OVERFLOW ||
		    !(all = malloc(size)) ||
		    GetAdaptersAddresses(AF_UNSPEC, 0, NULL, all, &size) !=
			    NO_ERROR) {
			free(all);
			all = NULL;
			return false;
		}
	}
}

bool
own_syn(const struct packet *syn)
{
	/* A flood of others' SYNs costs a list a second, and no table. */
	if (!is_own_address(&syn->src)) {
		return false;
	}
	return syn->src.family == 4 ? begun4(syn) : begun6(syn);
}
