#include "fastpath/door.h"

#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "fastpath/bpf.h"
#include "fastpath/bpf_netns.h"
#include "fastpath/door_program.h"
#include "fastpath/door_tables.h"
#include "os/clock.h"
#include "os/netdev.h"

#define BPFFS "/sys/fs/bpf"
#define NAME "tap_door"

/*
 * Connections accepted within DOOR_LIFE_NS: above five hundred a second, the
 * oldest go sooner, which are those that need it least.
 */
#define ACCEPTED_MAX 65536u
#define OWN_MAX 1024u     /* addresses of this host */
#define DEVICES_MAX 4096u /* of this host */

static const struct bpf_map accepted_map = { BPF_MAP_TYPE_LRU_HASH,
					     sizeof(struct door_key),
					     sizeof(uint64_t), ACCEPTED_MAX,
					     0 };

void
door_init(struct door *d)
{
	*d = (struct door){ .link = -1,
			    .accepted = -1,
			    .own = -1,
			    .devices = -1,
			    .counts = -1,
			    .watch.fd = -1 };
}

static void
explain(struct door *d, const char *what, int rc)
{
	snprintf(d->why, sizeof d->why, "%s: %s", what, strerror(-rc));
}

/* ---- where it is kept */

/*
 * Named for the network namespace, too: others that see this directory may
 * have a server with the same queue.
 */
static void
path_of(char path[DOOR_PATH_MAX], uint16_t queue)
{
	snprintf(path, DOOR_PATH_MAX, BPFFS "/tap-server-%u-%llu", queue,
		 (unsigned long long)bpf_netns());
}

static void
file_of(char file[DOOR_PATH_MAX + 16], const char *path, const char *name)
{
	snprintf(file, DOOR_PATH_MAX + 16, "%s/%s", path, name);
}

static int
get_pinned(const struct door *d, const char *name)
{
	char file[DOOR_PATH_MAX + 16];

	file_of(file, d->path, name);
	return bpf_pinned(file);
}

/* In the place of another one, if there is one. */
static int
pin(const struct door *d, int fd, const char *name)
{
	char file[DOOR_PATH_MAX + 16];

	if (mkdir(d->path, 0700) < 0 && errno != EEXIST) {
		return -errno;
	}
	file_of(file, d->path, name);
	if (unlink(file) < 0 && errno != ENOENT) {
		return -errno;
	}
	return bpf_pin(fd, file);
}

int
door_remove(uint16_t queue)
{
	static const char *const names[] = { "link", "accepted" };
	char path[DOOR_PATH_MAX], file[DOOR_PATH_MAX + 16];
	int rc = -ENOENT;

	path_of(path, queue);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		file_of(file, path, names[i]);
		if (unlink(file) == 0) {
			rc = rc == -ENOENT ? 0 : rc;
		} else if (errno != ENOENT) {
			rc = -errno;
		}
	}
	if (rmdir(path) < 0 && errno != ENOENT) {
		rc = -errno;
	}
	return rc;
}

size_t
door_pinned(uint16_t *queues, size_t max)
{
	DIR *dir = opendir(BPFFS);
	const struct dirent *entry;
	size_t count = 0;

	while (dir && count < max && (entry = readdir(dir))) {
		char path[DOOR_PATH_MAX];
		unsigned queue;

		if (sscanf(entry->d_name, "tap-server-%u-", &queue) != 1 ||
		    queue > UINT16_MAX) {
			continue;
		}
		path_of(path, (uint16_t)queue);
		if (strcmp(path + sizeof BPFFS, entry->d_name) == 0) {
			queues[count++] = (uint16_t)queue;
		}
	}
	if (dir) {
		closedir(dir);
	}
	return count;
}

/* ---- what is known of this host */

struct own {
	struct door_own at[OWN_MAX];
	size_t count;
};

static int
take_address(void *context, uint32_t device, const struct packet_addr *addr)
{
	struct own *own = context;

	(void)device;
	if (own->count < OWN_MAX) {
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

static void
update_own(const struct door *d)
{
	static struct own now, before;
	static const struct door_own none;
	const struct door_own *last = &none;
	const uint8_t here = 1;

	now.count = before.count = 0;
	if (devices_each_address(take_address, &now) < 0) {
		return;
	}
	while (before.count < OWN_MAX &&
	       bpf_map_next(d->own, last, &before.at[before.count]) == 0) {
		last = &before.at[before.count++];
	}
	for (size_t i = 0; i < before.count; i++) {
		if (!has_own(&now, &before.at[i])) {
			bpf_map_remove(d->own, &before.at[i]);
		}
	}
	for (size_t i = 0; i < now.count; i++) {
		bpf_map_put(d->own, &now.at[i], &here, BPF_ANY);
	}
}

static int
take_device(void *context, const struct device *device)
{
	const struct door *d = context;
	uint32_t number = DOOR_DEVICE_OTHER;

	for (size_t i = 0; i < d->names_count; i++) {
		if (strcmp(d->names[i], device->name) == 0) {
			number = (uint32_t)i + 1;
		}
	}
	bpf_map_put(d->devices, &device->index, &number, BPF_ANY);
	return 0;
}

static void
update_devices(struct door *d)
{
	if (d->names_count > 0) {
		devices_each(take_device, d);
	}
}

void
door_tick(struct door *d)
{
	if (d->on && devices_changed(&d->watch)) {
		update_own(d);
		update_devices(d);
	}
}

/* ---- its program */

static int
make_map(uint32_t type, size_t key, size_t value, size_t entries)
{
	const struct bpf_map map = { type, (uint32_t)key, (uint32_t)value,
				     (uint32_t)entries,
				     type == BPF_MAP_TYPE_ARRAY ? BPF_F_MMAPABLE
								: 0 };

	return bpf_map_make(&map);
}

static int
make_array(const void *values, size_t value, size_t count)
{
	int map = make_map(BPF_MAP_TYPE_ARRAY, 4, value, count);
	int rc = map < 0 ? map : bpf_map_write(map, values, count * value);

	if (rc < 0) {
		bpf_close(&map);
		return rc;
	}
	return map;
}

/* The names that the new program numbers, and its own map of devices. */
static int
take_names(struct door *d, struct door_tables *t)
{
	int devices = make_map(BPF_MAP_TYPE_HASH, 4, 4, DEVICES_MAX);

	if (devices < 0) {
		return devices;
	}
	bpf_close(&d->devices);
	d->devices = devices;
	free(d->names);
	free(d->keys);
	d->names = t->devices;
	d->names_count = t->devices_count;
	d->keys = t->keys;
	t->devices = NULL;
	t->keys = NULL;
	d->without = t->without;
	d->without_port = t->without_port;
	d->without_why = t->without_why;
	update_devices(d);
	return 0;
}

/* The program for these tables; it holds what it needs of the maps. */
static int
make_program(struct door *d, struct door_tables *t)
{
	static struct bpf_insn insns[DOOR_INSNS_MAX];
	struct door_maps maps = {
		.accepted = d->accepted,
		.own = d->own,
		.counts = d->counts,
	};
	const bool devices = d->by_device;
	int rc = take_names(d, t);

	maps.devices = d->devices;
	maps.ports = make_array(t->ports, sizeof *t->ports, 65536);
	maps.lists = make_array(t->lists, sizeof *t->lists, t->lists_count);
	rc = rc < 0              ? rc
		: maps.ports < 0 ? maps.ports
		: maps.lists < 0 ? maps.lists
				 : 0;
	if (rc == 0) {
		rc = bpf_insns_load(
			insns,
			door_program(insns, &maps, t->rules_most, devices),
			BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, NAME);
	}
	bpf_close(&maps.ports);
	bpf_close(&maps.lists);
	return rc;
}

static int
program_for(struct door *d, const struct door_conf *conf)
{
	struct door_tables tables;
	int rc = -ENOMEM;

	if (door_tables_make(&tables, conf->acl, conf->loopback_open,
			     d->by_device) == 0) {
		rc = make_program(d, &tables);
		door_tables_free(&tables);
	}
	return rc;
}

/* Kernels before 5.17 refuse a program that asks for the device. */
static int
find_program(struct door *d, const struct door_conf *conf)
{
	int rc;

	d->by_device = true;
	rc = program_for(d, conf);
	if (rc == -EACCES || rc == -EINVAL) {
		d->by_device = false;
		rc = program_for(d, conf);
	}
	return rc;
}

/* ---- as a whole */

/*
 * What was accepted has to be told to the program, and stays known to the
 * next one.
 */
static int
open_accepted(struct door *d)
{
	struct bpf_map found;

	d->accepted = get_pinned(d, "accepted");
	if (d->accepted >= 0 && bpf_map_describe(d->accepted, &found) == 0 &&
	    memcmp(&found, &accepted_map, sizeof found) == 0) {
		return 0;
	}
	bpf_close(&d->accepted);
	d->accepted = bpf_map_make(&accepted_map);
	return d->accepted < 0 ? d->accepted : 0;
}

static int
open_maps(struct door *d)
{
	int rc = open_accepted(d);

	if (rc == 0) {
		d->own = make_map(BPF_MAP_TYPE_HASH, sizeof(struct door_own), 1,
				  OWN_MAX);
		rc = d->own < 0 ? d->own : 0;
	}
	if (rc == 0) {
		d->counts =
			make_map(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, DOOR_COUNTS);
		rc = d->counts < 0 ? d->counts : 0;
	}
	if (rc == 0) {
		rc = devices_watch(&d->watch);
	}
	if (rc == 0) {
		update_own(d);
	}
	return rc;
}

/* One that is of no use any more goes with its name. */
static int
take_over(struct door *d, int program)
{
	int link = get_pinned(d, "link");
	int rc;

	if (link < 0) {
		return link;
	}
	rc = bpf_link_is_here(link, BPF_SK_LOOKUP)
		? bpf_link_replace(link, program)
		: -ENOLINK;
	if (rc < 0) {
		bpf_close(&link);
		return rc;
	}
	d->taken_over = d->is_pinned = true;
	return link;
}

static int
attach(struct door *d, int program)
{
	int link = take_over(d, program);

	return link >= 0 ? link : bpf_netns_link(program, BPF_SK_LOOKUP);
}

/* It may be on without being kept. */
static void
keep(struct door *d)
{
	int rc = 0;

	if (!bpf_can_pin(BPFFS)) {
		snprintf(d->why, sizeof d->why,
			 "not pinned: bpffs is not mounted at " BPFFS);
		return;
	}
	rc = pin(d, d->accepted, "accepted");
	if (rc == 0 && !d->taken_over) {
		rc = pin(d, d->link, "link");
	}
	if (rc < 0) {
		snprintf(d->why, sizeof d->why, "not pinned: %s: %s", d->path,
			 strerror(-rc));
	}
	d->is_pinned = rc == 0 || d->taken_over;
}

void
door_open(struct door *d, const struct door_conf *conf)
{
	int program, rc;

	door_init(d);
	path_of(d->path, conf->queue);
	rc = open_maps(d);
	if (rc < 0) {
		explain(d, "maps in the kernel", rc);
		return;
	}
	program = find_program(d, conf);
	if (program < 0) {
		explain(d, "the kernel's program", program);
		return;
	}
	d->link = attach(d, program);
	bpf_close(&program);
	if (d->link < 0) {
		explain(d, "the network namespace", d->link);
		return;
	}
	d->on = true;
	keep(d);
}

bool
door_change(struct door *d, const struct door_conf *conf)
{
	int program, rc;

	if (!d->on) {
		return true;
	}
	program = program_for(d, conf);
	rc = program < 0 ? program : bpf_link_replace(d->link, program);
	bpf_close(&program);
	if (rc < 0) {
		/* What is no longer right must not stay. */
		explain(d, "another configuration", rc);
		(void)door_remove(conf->queue);
		bpf_close(&d->link);
		d->on = d->is_pinned = false;
	}
	return rc == 0;
}

void
door_leave(struct door *d)
{
	bpf_close(&d->link);
	bpf_close(&d->own);
	bpf_close(&d->devices);
	netlink_close(&d->watch);
}

void
door_close(struct door *d)
{
	door_leave(d);
	bpf_close(&d->accepted);
	bpf_close(&d->counts);
	free(d->names);
	free(d->keys);
	door_init(d);
}

int
door_admit(const struct door *d, const struct acl *acl,
	   const struct packet_addr *src, uint16_t sport, uint16_t dport)
{
	const uint16_t entry = acl->entry_at[dport];
	struct door_key key = { .family = src->family };
	const uint64_t expires = clock_us() * 1000 + DOOR_LIFE_NS;

	if (!d->on) {
		return 0;
	}
	memcpy(key.addr, src->bytes, sizeof key.addr);
	key.keys = entry && d->keys ? d->keys[entry - 1] : 0;
	be16_store(key.port, sport);
	return bpf_map_put(d->accepted, &key, &expires, BPF_ANY);
}

void
door_counts(const struct door *d, uint64_t counts[DOOR_COUNTS])
{
	(void)bpf_map_sums(d->counts, counts, DOOR_COUNTS);
}

size_t
door_others(const struct door *d, char *out, size_t size)
{
	uint32_t ids[BPF_NETNS_PROGRAMS_MAX];
	const int count = bpf_netns_programs(BPF_SK_LOOKUP, ids);
	const uint32_t own = d->link >= 0 ? bpf_link_program(d->link) : 0;
	size_t others = 0, used = 0;

	out[0] = '\0';
	for (int i = 0; i < count; i++) {
		char name[BPF_NAME_MAX];

		bpf_program_name(ids[i], name);
		/* Another server's door chooses none, either. */
		if (ids[i] == own || strcmp(name, NAME) == 0) {
			continue;
		}
		others++;
		if (used + BPF_NAME_MAX + 2 < size) {
			used += (size_t)snprintf(out + used, size - used,
						 "%s%s", used ? ", " : "",
						 name);
		}
	}
	return others;
}
