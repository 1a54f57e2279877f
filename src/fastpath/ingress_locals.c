#include "fastpath/ingress_locals.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "fastpath/bpf.h"

static struct ingress_local
local_of(const struct packet_addr *addr)
{
	struct ingress_local local = { .family = addr->family };

	memcpy(&local.addr, addr->bytes, sizeof addr->bytes);
	return local;
}

struct locals {
	struct ingress_local at[INGRESS_LOCALS_MAX];
	size_t count;
};

static int
take_address(void *context, uint32_t device, const struct packet_addr *addr)
{
	struct locals *locals = context;

	(void)device;
	if (locals->count < INGRESS_LOCALS_MAX) {
		locals->at[locals->count++] = local_of(addr);
	}
	return 0;
}

static bool
has_local(const struct locals *locals, const struct ingress_local *local)
{
	for (size_t i = 0; i < locals->count; i++) {
		if (memcmp(&locals->at[i], local, sizeof *local) == 0) {
			return true;
		}
	}
	return false;
}

/* Those that the program takes for this host's.  0 or -errno. */
static int
read_known(int map, struct locals *known)
{
	static const struct ingress_local none; /* the first comes after it */
	const struct ingress_local *last = &none;
	int rc = 0;

	known->count = 0;
	while (known->count < INGRESS_LOCALS_MAX) {
		rc = bpf_map_next(map, last, &known->at[known->count]);
		if (rc < 0) {
			break;
		}
		last = &known->at[known->count++];
	}
	return rc == -ENOENT ? 0 : rc;
}

/* ---- devices */

struct named {
	const struct ingress *ingress;
	uint32_t index[INGRESS_NAMES_MAX]; /* 0: there is none */
};

static int
take_device(void *context, const struct device *device)
{
	struct named *named = context;

	for (size_t i = 0; i < named->ingress->devices_count; i++) {
		if (strcmp(named->ingress->devices[i], device->name) == 0) {
			named->index[i] = device->index;
		}
	}
	return 0;
}

int
ingress_locals_devices(const struct ingress *s)
{
	struct named named = { .ingress = s };
	int rc = s->devices_count > 0 ? devices_each(take_device, &named) : 0;

	for (uint32_t i = 0; rc == 0 && i < s->devices_count; i++) {
		rc = bpf_map_put(s->map[INGRESS_MAP_DEVICES], &i,
				 &named.index[i], BPF_ANY);
	}
	return rc;
}

const char *
ingress_locals_device(const struct ingress *s,
		      const struct ingress_record *record)
{
	const size_t n = record->group_key.family >> INGRESS_FAMILY_DEVICE;

	return n > 0 && n <= s->devices_count ? s->devices[n - 1] : NULL;
}

/* ---- addresses */

int
ingress_locals_update(struct ingress *s)
{
	static struct locals now, before;
	const int map = s->map[INGRESS_MAP_LOCALS];
	const uint8_t here = 1;
	const int named = ingress_locals_devices(s);
	int rc = read_known(map, &before);

	now.count = 0;
	/* Where the kernel does not tell all, fewer are known. */
	devices_each_address(take_address, &now);
	for (size_t i = 0; rc == 0 && i < before.count; i++) {
		if (!has_local(&now, &before.at[i])) {
			rc = bpf_map_remove(map, &before.at[i]);
			rc = rc == -ENOENT ? 0 : rc;
		}
	}
	__atomic_fetch_add(&s->config->locals_turn, 1, __ATOMIC_RELEASE);
	for (size_t i = 0; i < now.count; i++) {
		bpf_map_put(map, &now.at[i], &here, BPF_ANY);
	}
	return rc ? rc : named;
}
