#include "measure/target.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/why.h"
#include "os/resolve.h"
#include "os/route.h"
#include "conf/value.h"

#define NAME_MAX_LEN 254u /* RFC 1035, with NUL */
/* More do not fit into an answer of DNS, of 64 KiB. */
#define NAME_ADDRESSES_MAX 4096u

static int
compare(const void *a, const void *b)
{
	const struct target_addr *x = a;
	const struct target_addr *y = b;

	return memcmp(&x->addr, &y->addr, sizeof x->addr);
}

static void
name_target(struct target_addr *t)
{
	char device[IF_NAMESIZE];

	inet_ntop(t->addr.family == 4 ? AF_INET : AF_INET6, t->addr.bytes,
		  t->text, sizeof t->text);
	if (t->device && if_indextoname(t->device, device)) {
		size_t len = strlen(t->text);

		snprintf(t->text + len, sizeof t->text - len, "%%%s", device);
	}
}

/* Sorted, each once; returns how many are left. */
static size_t
tidy(struct target_addr *targets, size_t count)
{
	size_t kept = 0;

	qsort(targets, count, sizeof *targets, compare);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 ||
		    compare(&targets[kept - 1], &targets[i]) != 0) {
			targets[kept++] = targets[i];
		}
	}
	for (size_t i = 0; i < kept; i++) {
		name_target(&targets[i]);
	}
	return kept;
}

/* The last bytes of an address, counted up. */
static void
count_up(struct packet_addr *addr)
{
	for (int i = addr->family == 4 ? 3 : 15; i >= 0; i--) {
		if (++addr->bytes[i] != 0) {
			break;
		}
	}
}

static int
find_net(const char *text, struct target_addr **out, size_t *count, char *why)
{
	struct acl_net net;
	unsigned host_bits = 0;
	size_t bytes;

	if (value_net(text, &net, why) < 0) {
		return TARGET_WRONG;
	}
	bytes = net.addr.family == 4 ? 4 : 16;
	for (size_t i = 0; i < bytes; i++) {
		for (int bit = 0; bit < 8; bit++) {
			host_bits += !(net.mask[i] >> bit & 1);
		}
	}
	if (host_bits > 16) {
		return why_set(why, TARGET_WRONG,
			       "'%.64s' has more than %u "
			       "addresses",
			       text, TARGET_MAX);
	}
	*count = (size_t)1 << host_bits;
	*out = calloc(*count, sizeof **out);
	if (!*out) {
		return why_set(why, TARGET_UNREACHED, "out of memory");
	}
	for (size_t i = 0; i < *count; i++) {
		(*out)[i].addr = net.addr;
		count_up(&net.addr);
	}
	return 0;
}

static int
find_name(const char *text, struct target_addr **out, size_t *count, char *why)
{
	static struct host_addr found[NAME_ADDRESSES_MAX];
	int rc = resolve_host(text, found, NAME_ADDRESSES_MAX, count);

	if (rc == 0) {
		*out = calloc(*count + 1, sizeof **out);
	}
	if (rc == EAI_MEMORY || (rc == 0 && !*out)) {
		return why_set(why, TARGET_UNREACHED, "out of memory");
	}
	if (rc != 0) {
		return why_set(
			why, rc == EAI_NONAME ? TARGET_WRONG : TARGET_UNREACHED,
			"'%.64s' can't be resolved: %s", text,
			gai_strerror(rc));
	}
	for (size_t i = 0; i < *count; i++) {
		(*out)[i].addr = found[i].addr;
		(*out)[i].device = found[i].device;
	}
	if (*count == 0) {
		free(*out);
		*out = NULL;
		return why_set(why, TARGET_WRONG, "'%.64s' has no address",
			       text);
	}
	return 0;
}

int
target_find(const char *text, struct target_addr **out, size_t *count,
	    char *why)
{
	char name[NAME_MAX_LEN];
	size_t len = strlen(text);
	int rc;

	*out = NULL;
	*count = 0;
	if (len == 0 || len >= sizeof name) {
		return why_set(why, TARGET_WRONG, "'%.64s' is not a host",
			       text);
	}
	if (strchr(text, '/')) {
		rc = find_net(text, out, count, why);
	} else {
		bool bracket = text[0] == '[' && text[len - 1] == ']';

		snprintf(name, sizeof name, "%.*s",
			 (int)(bracket ? len - 2 : len), text + bracket);
		rc = find_name(name, out, count, why);
	}
	if (rc == 0 && *out) {
		*count = tidy(*out, *count);
	}
	return rc;
}

int
target_leave_out(struct target_addr *targets, size_t *count,
		 struct target_addr *first, int *error)
{
	struct netlink nl;
	size_t kept = 0;
	int rc = route_open(&nl);

	*error = 0;
	if (rc < 0) {
		return rc;
	}
	for (size_t i = 0; i < *count; i++) {
		struct route route;

		rc = route_find(&nl, &targets[i].addr, targets[i].device,
				&route);
		if (rc == 0) {
			targets[kept++] = targets[i];
		} else if (*error == 0) {
			*first = targets[i];
			*error = -rc;
		}
	}
	netlink_close(&nl);
	*count = kept;
	return 0;
}
