#include "fastpath/door_host.h"

#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "fastpath/bpf.h"
#include "os/netdev.h"

#define VRFS_MAX 256u /* of those beyond it is not known that they are one */

int
door_host_own_map(void)
{
	const struct bpf_map map = { BPF_MAP_TYPE_HASH, sizeof(struct door_own),
				     1, DOOR_OWN_MAX, 0 };

	return bpf_map_make(&map);
}

int
door_host_devices_map(void)
{
	/* It takes the memory of those that are there. */
	const struct bpf_map map = { BPF_MAP_TYPE_HASH, 4, 4, DOOR_DEVICES_MAX,
				     BPF_F_NO_PREALLOC };

	return bpf_map_make(&map);
}

/* ---- addresses */

struct own {
	struct door_own at[DOOR_OWN_MAX];
	size_t count;
};

static int
take_address(void *context, uint32_t device, const struct packet_addr *addr)
{
	struct own *own = context;

	(void)device;
	if (own->count < DOOR_OWN_MAX) {
		struct door_own *at = &own->at[own->count++];

		at->family = addr->family;
		memcpy(at->addr, addr->bytes, sizeof at->addr);
	}
	return 0;
}

static bool
has_own(const struct own *own, const struct door_own *one)
{
	for (size_t i = 0; i < own->count; i++) {
		if (memcmp(&own->at[i], one, sizeof *one) == 0) {
			return true;
		}
	}
	return false;
}

void
door_host_update_own(int map)
{
	static struct own now, before;
	static const struct door_own none;
	const struct door_own *last = &none;
	const uint8_t here = 1;

	now.count = before.count = 0;
	if (devices_each_address(take_address, &now) < 0) {
		return;
	}
	while (before.count < DOOR_OWN_MAX &&
	       bpf_map_next(map, last, &before.at[before.count]) == 0) {
		last = &before.at[before.count++];
	}
	for (size_t i = 0; i < before.count; i++) {
		if (!has_own(&now, &before.at[i])) {
			bpf_map_remove(map, &before.at[i]);
		}
	}
	for (size_t i = 0; i < now.count; i++) {
		bpf_map_put(map, &now.at[i], &here, BPF_ANY);
	}
}

/* ---- devices */

struct devices {
	int map;
	char (*names)[ACL_IFNAME_MAX];
	size_t names_count;
	uint32_t *here; /* indices, DOOR_DEVICES_MAX */
	size_t here_count;
	uint32_t vrf[VRFS_MAX];
	size_t vrfs_count;
	const char *in_vrf;
};

static uint32_t
number_of(const struct devices *d, const char *name)
{
	for (size_t i = 0; i < d->names_count; i++) {
		if (strcmp(d->names[i], name) == 0) {
			return (uint32_t)i + 1;
		}
	}
	return DOOR_DEVICE_OTHER;
}

static int
take_device(void *context, const struct device *device)
{
	struct devices *d = context;
	const uint32_t number = number_of(d, device->name);

	bpf_map_put(d->map, &device->index, &number, BPF_ANY);
	if (d->here_count < DOOR_DEVICES_MAX) {
		d->here[d->here_count++] = device->index;
	}
	if (device->vrf && d->vrfs_count < VRFS_MAX) {
		d->vrf[d->vrfs_count++] = device->index;
	}
	return 0;
}

/* When all VRFs are known. */
static int
take_enslaved(void *context, const struct device *device)
{
	struct devices *d = context;
	const uint32_t number = number_of(d, device->name);

	for (size_t i = 0; number != DOOR_DEVICE_OTHER && i < d->vrfs_count;
	     i++) {
		if (d->vrf[i] == device->master) {
			d->in_vrf = d->names[number - 1];
		}
	}
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Those that went must not fill the map up. */
static void
sweep(const struct devices *d)
{
	uint32_t key = 0, next;
	bool any = bpf_map_next(d->map, &key, &next) == 0;

	qsort(d->here, d->here_count, sizeof *d->here, compare);
	while (any) {
		key = next;
		any = bpf_map_next(d->map, &key, &next) == 0;
		if (!bsearch(&key, d->here, d->here_count, sizeof key,
			     compare)) {
			bpf_map_remove(d->map, &key);
		}
	}
}

const char *
door_host_update_devices(int map, char (*names)[ACL_IFNAME_MAX], size_t count)
{
	struct devices d = { .map = map, .names = names, .names_count = count };

	d.here = count > 0 ? calloc(DOOR_DEVICES_MAX, sizeof *d.here) : NULL;
	/* Not all of them, and none is taken for one that went. */
	if (d.here && devices_each(take_device, &d) == 0) {
		sweep(&d);
		if (d.vrfs_count > 0) {
			devices_each(take_enslaved, &d);
		}
	}
	free(d.here);
	return d.in_vrf;
}
