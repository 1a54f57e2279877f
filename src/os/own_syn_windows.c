#include "os/own_syn.h"

#include <iphlpapi.h>

#include "os/own_addrs.h"

#define TABLE_MAX (64u << 20) /* bytes: a million connections */

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

bool
own_syn(const struct packet *syn)
{
	/* A flood of others' SYNs costs a list a second, and no table. */
	if (addrs_own(&syn->src) != 1) {
		return false;
	}
	return syn->src.family == 4 ? begun4(syn) : begun6(syn);
}
