#include "daemon/connected.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/json.h"

/* Below 0, 0 or above it, as one comes before the other. */
static int
compare(const struct connected_row *a, const struct connected_row *b)
{
	if (a->key_no != b->key_no) {
		return a->key_no < b->key_no ? -1 : 1;
	}
	if (a->addr.family != b->addr.family) {
		return a->addr.family < b->addr.family ? -1 : 1;
	}
	if (a->port != b->port) {
		return a->port < b->port ? -1 : 1;
	}
	return memcmp(a->addr.bytes, b->addr.bytes, sizeof a->addr.bytes);
}

void
connected_add(struct connected *c, const struct connected_row *one)
{
	size_t low = 0, high = c->count;

	while (low < high) {
		const size_t middle = (low + high) / 2;
		const int order = compare(one, &c->rows[middle]);

		if (order == 0) {
			c->rows[middle].count += one->count;
			c->rows[middle].opening += one->opening;
			return;
		}
		if (order < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	if (c->count == CONNECTED_MAX) {
		c->others++;
		return;
	}
	memmove(&c->rows[low + 1], &c->rows[low],
		(c->count - low) * sizeof *one);
	c->rows[low] = *one;
	c->count++;
}

void
connected_address(char *out, const struct packet_addr *addr)
{
	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, out,
		  INET6_ADDRSTRLEN);
}

void
connected_write(struct text *t, const struct connected *c)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct connected_row *row = &c->rows[i];
		char addr[INET6_ADDRSTRLEN];

		connected_address(addr, &row->addr);
		text_add(t, "{");
		json_member(t, "row", "connected");
		if (row->key_no >= 0) {
			json_number(t, "key", (unsigned)row->key_no);
			json_member(t, "name", row->name);
		}
		json_member(t, "address", addr);
		json_number(t, "port", row->port);
		json_number(t, "count", row->count);
		json_number(t, "opening", row->opening);
		text_add(t, "}\n");
	}
	if (c->others > 0) {
		text_add(t, "{");
		json_member(t, "row", "others");
		json_number(t, "count", c->others);
		text_add(t, "}\n");
	}
}
