#include "fastpath/egress.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fastpath/bpf.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "os/netdev.h"
#include "fastpath/egress_image.h"

#ifndef BPF_TCX_EGRESS
#define BPF_TCX_EGRESS 47 /* enum bpf_attach_type, Linux 6.6 */
#endif

#define SCRATCH_SIZE 1024u /* more than egress.bpf.c has in it */
#define NO_DEVICE UINT32_MAX
#define LOOPBACK 1u /* everywhere */

static const struct {
	const char *name;
	struct bpf_map map;
} maps[EGRESS_MAPS] = {
#define ARRAY(size, entries, flags)                                            \
	{                                                                      \
		BPF_MAP_TYPE_ARRAY, 4, size, entries, flags                    \
	}
	[EGRESS_MAP_RULES] = { "rules_map",
			       ARRAY(sizeof(struct egress_rule),
				     EGRESS_RULES_MAX, 0) },
	[EGRESS_MAP_CONFIG] = { "config_map",
				ARRAY(sizeof(struct egress_config), 1,
				      BPF_F_MMAPABLE) },
	[EGRESS_MAP_PORTS] = { "ports_map",
			       ARRAY(sizeof(struct egress_ports), 1,
				     BPF_F_MMAPABLE) },
	[EGRESS_MAP_SCRATCH] = { "scratch_map",
				 { BPF_MAP_TYPE_PERCPU_ARRAY, 4, SCRATCH_SIZE,
				   1, 0 } },
	[EGRESS_MAP_COUNTS] = { "counts_map",
				{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8,
				  EGRESS_COUNTS, 0 } },
	[EGRESS_MAP_EVENTS] = { "events_map",
				{ BPF_MAP_TYPE_RINGBUF, 0, 0,
				  EGRESS_EVENTS_SIZE, 0 } },
#undef ARRAY
};

void
egress_explain(struct egress *e, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(e->why, sizeof e->why, format, args);
	va_end(args);
}

/* ---- maps */

static int
make_maps(struct egress *e)
{
	for (size_t i = 0; i < EGRESS_MAPS; i++) {
		e->map[i] = bpf_map_make(&maps[i].map);
		if (e->map[i] < 0) {
			return e->map[i];
		}
	}
	return 0;
}

static void *
map_memory(int map, size_t size)
{
	void *memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int
open_maps(struct egress *e)
{
	int rc = make_maps(e);

	if (rc < 0) {
		return rc;
	}
	e->config = map_memory(e->map[EGRESS_MAP_CONFIG], sizeof *e->config);
	e->ports = map_memory(e->map[EGRESS_MAP_PORTS], sizeof *e->ports);
	if (!e->config || !e->ports) {
		return -ENOMEM;
	}
	rc = ring_open(&e->events, e->map[EGRESS_MAP_EVENTS],
		       EGRESS_EVENTS_SIZE);
	return rc < 0 ? rc : devices_watch(&e->watch);
}

int
egress_change(struct egress *e, const struct egress_tables *t)
{
	e->rules_count = 0;
	__atomic_store_n(&e->config->rules, 0, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < t->rules_count; i++) {
		int rc = bpf_map_put(e->map[EGRESS_MAP_RULES], &i, &t->rules[i],
				     BPF_ANY);

		if (rc < 0) {
			return rc;
		}
		memcpy(e->outdev[i], t->outdev[i], IF_NAMESIZE);
	}
	e->rules_count = t->rules_count;
	e->config->mark = t->mark;
	e->config->verbose = t->verbose;
	egress_set_clock(e);
	return 0;
}

void
egress_init(struct egress *e)
{
	*e = (struct egress){ .program = -1, .watch.fd = -1 };
	loader_init(&e->loader);
	for (size_t i = 0; i < EGRESS_MAPS; i++) {
		e->map[i] = -1;
	}
}

int
egress_open(struct egress *e, const struct egress_tables *tables)
{
	int rc;

	egress_init(e);
	if (egress_image_size == 0) {
		egress_explain(e, "built without clang");
		return -1;
	}
	rc = bpf_link_query(LOOPBACK, BPF_TCX_EGRESS);
	if (rc == -EINVAL) {
		egress_explain(e, "no TCX in this kernel (Linux 6.6)");
		return -1;
	}
	rc = rc < 0 ? rc : open_maps(e);
	rc = rc < 0 ? rc : egress_change(e, tables);
	if (rc < 0) {
		egress_explain(e, "bpf: %s", strerror(-rc));
		egress_close(e);
		return -1;
	}
	return 0;
}

static void
detach(struct egress *e)
{
	for (size_t i = 0; i < e->ifname_count; i++) {
		bpf_close(&e->links[i].fd);
	}
	e->ifname_count = 0;
	bpf_close(&e->program);
}

void
egress_leave(struct egress *e)
{
	loader_leave(&e->loader);
	detach(e);
}

void
egress_close(struct egress *e)
{
	loader_stop(&e->loader);
	detach(e);
	ring_close(&e->events);
	netlink_close(&e->watch);
	if (e->config) {
		munmap(e->config, sizeof *e->config);
	}
	if (e->ports) {
		munmap(e->ports, sizeof *e->ports);
	}
	e->config = NULL;
	e->ports = NULL;
	for (size_t i = 0; i < EGRESS_MAPS; i++) {
		bpf_close(&e->map[i]);
	}
}

static int
make_program(const void *context)
{
	const struct egress *e = context;
	struct elf_symbol symbols[EGRESS_MAPS];
	const struct bpf_program program = {
		.object = egress_image,
		.size = egress_image_size,
		.section = "tc",
		.type = BPF_PROG_TYPE_SCHED_CLS,
		.symbols = symbols,
		.symbols_count = EGRESS_MAPS,
		.name = "tap_egress",
	};

	for (size_t i = 0; i < EGRESS_MAPS; i++) {
		symbols[i] = (struct elf_symbol){ .name = maps[i].name,
						  .value = e->map[i] };
	}
	return bpf_program_load(&program);
}

int
egress_load(struct egress *e)
{
	const struct loader_work work = { make_program, e, e->map,
					  EGRESS_MAPS };
	int rc;

	if (loader_is_at_work(&e->loader)) {
		e->program = loader_take(&e->loader);
		rc = e->program < 0 ? e->program : 0;
	} else {
		rc = loader_start(&e->loader, &work);
		rc = rc < 0 ? rc : -EINPROGRESS;
	}
	if (rc < 0 && rc != -EINPROGRESS) {
		egress_explain(e, "the kernel's program: %s", loader_error(rc));
	}
	return rc;
}

void
egress_set_clock(struct egress *e)
{
	__atomic_store_n(&e->config->tai_utc, clock_tai().utc,
			 __ATOMIC_RELAXED);
}

/* ---- devices */

bool
egress_is_stale(struct egress *e)
{
	return devices_changed(&e->watch);
}

/* Names stand in the firewall's rules, where some signs mean something. */
static bool
is_plain(const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return name[0] != '-' && name[0] != '\0' &&
		name[strspn(name, good)] == '\0';
}

static struct egress_link *
link_of(struct egress *e, uint32_t device)
{
	for (size_t i = 0; i < e->ifname_count; i++) {
		if (e->links[i].device == device) {
			return &e->links[i];
		}
	}
	return NULL;
}

static struct egress_link *
attach(struct egress *e, const struct device *device)
{
	struct egress_link *link = &e->links[e->ifname_count];
	int fd;

	if (e->ifname_count == EGRESS_DEVICES_MAX) {
		return NULL;
	}
	fd = bpf_link_make(e->program, device->index, BPF_TCX_EGRESS, 0);
	if (fd < 0) {
		egress_explain(e, "%s: %s", device->name, strerror(-fd));
		return NULL;
	}
	*link = (struct egress_link){ .device = device->index, .fd = fd };
	e->ifname_count++;
	return link;
}

/*
 * Where packets leave that begin as those of Ethernet, or with IP, and routing
 * chooses the device: not on the parts of a bridge or bond, but on these.
 * Whether it is up does not matter.
 */
static int
take_device(void *context, const struct device *device)
{
	struct egress *e = context;
	struct egress_link *link = link_of(e, device->index);

	if ((!device->ethernet && !device->bare) || device->enslaved ||
	    device->stacked || device->vrf || !is_plain(device->name)) {
		return 0;
	}
	link = link ? link : attach(e, device);
	if (link) {
		memcpy(link->name, device->name, sizeof link->name);
		link->seen = true;
	}
	return 0;
}

static uint32_t
device_of(const struct egress *e, const char *name)
{
	for (size_t i = 0; i < e->ifname_count; i++) {
		if (e->links[i].seen && strcmp(e->links[i].name, name) == 0) {
			return e->links[i].device;
		}
	}
	return NO_DEVICE;
}

/* Rules have names; the program has numbers.  0 or -errno. */
static int
name_devices(struct egress *e)
{
	const int map = e->map[EGRESS_MAP_RULES];
	struct egress_rule rule;
	int rc = 0;

	for (uint32_t i = 0; i < e->rules_count && rc == 0; i++) {
		if (e->outdev[i][0] == '\0') {
			continue;
		}
		rc = bpf_map_get(map, &i, &rule);
		if (rc == 0) {
			rule.device = device_of(e, e->outdev[i]);
			rc = bpf_map_put(map, &i, &rule, BPF_ANY);
		}
	}
	bytes_wipe(&rule, sizeof rule);
	__atomic_store_n(&e->config->rules,
			 rc < 0 ? 0 : (uint32_t)e->rules_count,
			 __ATOMIC_RELEASE);
	return rc;
}

/* The queue takes all, where a rule may name another device's number. */
static void
leave_all(struct egress *e, int rc)
{
	egress_explain(e, "bpf: %s", strerror(-rc));
	for (size_t i = 0; i < e->ifname_count; i++) {
		e->links[i].seen = false;
	}
}

size_t
egress_attach(struct egress *e, char names[EGRESS_DEVICES_MAX][IF_NAMESIZE])
{
	size_t count = 0;
	int rc;

	e->why[0] = '\0';
	for (size_t i = 0; i < e->ifname_count; i++) {
		e->links[i].seen = false;
	}
	devices_each(take_device, e);
	rc = name_devices(e);
	if (rc < 0) {
		leave_all(e, rc);
	}
	for (size_t i = 0; i < e->ifname_count; i++) {
		if (e->links[i].seen) {
			memcpy(names[count++], e->links[i].name, IF_NAMESIZE);
		}
	}
	return count;
}

void
egress_settle(struct egress *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->ifname_count; i++) {
		if (e->links[i].seen) {
			e->links[kept++] = e->links[i];
		} else {
			bpf_close(&e->links[i].fd);
		}
	}
	e->ifname_count = kept;
}

/* ---- what it says */

void
egress_events_turn(struct egress *e)
{
	ring_turn(&e->events);
}

const struct egress_event *
egress_event(struct egress *e)
{
	const void *found;
	size_t len;

	/* None is of another size. */
	while ((found = ring_peek(&e->events, &len)) != NULL &&
	       len != sizeof(struct egress_event)) {
		ring_next(&e->events);
	}
	return found;
}

void
egress_event_done(struct egress *e)
{
	ring_next(&e->events);
}

int
egress_event_fd(const struct egress *e)
{
	return e->events.consumer ? e->map[EGRESS_MAP_EVENTS] : -1;
}

void
egress_counts(const struct egress *e, uint64_t counts[EGRESS_COUNTS])
{
	(void)bpf_map_sums(e->map[EGRESS_MAP_COUNTS], counts, EGRESS_COUNTS);
}
