#include "fastpath/door.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "fastpath/bpf.h"
#include "fastpath/bpf_netns.h"
#include "fastpath/door_host.h"
#include "os/clock.h"
#include "os/netdev.h"

/*
 * Connections accepted within DOOR_LIFE_NS: above five hundred a second, the
 * oldest go sooner, which are those that need it least.
 */
#define ACCEPTED_MAX 65536u

static const struct bpf_map accepted_map = { BPF_MAP_TYPE_LRU_HASH,
					     sizeof(struct door_key),
					     sizeof(uint64_t), ACCEPTED_MAX,
					     0 };
static const struct bpf_map counts_map = { BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8,
					   DOOR_COUNTS, 0 };

static const struct bpf_map carrier_map = { BPF_MAP_TYPE_SOCKMAP, 4, 8, 2, 0 };

static const char cannot_put_back[] = "taken away, and can't be put back";

void
door_init(struct door *d)
{
	*d = (struct door){ .link = -1,
			    .maps = { -1, -1, -1, -1 },
			    .watch.fd = -1 };
	door_version_init(&d->now);
	door_version_init(&d->next);
}

static void
explain(struct door *d, const char *what, int rc)
{
	snprintf(d->why, sizeof d->why, "%s: %s", what, strerror(-rc));
}

static void
update(struct door *d)
{
	if (d->now.loopback_open) {
		door_host_update_own(d->maps.own);
	}
	d->in_vrf = door_host_update_devices(d->now.devices, d->now.names,
					     d->now.names_count);
}

/*
 * What was accepted has to be told to the program, and stays known to the
 * next one.
 */
static int
open_accepted(const char *path)
{
	int map = door_get_pinned(path, DOOR_PIN_ACCEPTED);
	struct bpf_map found;

	if (map >= 0 && bpf_map_describe(map, &found) == 0 &&
	    memcmp(&found, &accepted_map, sizeof found) == 0) {
		return map;
	}
	bpf_close(&map);
	return bpf_map_make(&accepted_map);
}

static int
open_maps(struct door *d)
{
	struct door_shared *maps = &d->maps;

	maps->accepted = open_accepted(d->path);
	if (maps->accepted < 0) {
		return maps->accepted;
	}
	maps->own = door_host_own_map();
	if (maps->own < 0) {
		return maps->own;
	}
	/* Without it nothing can be carried, and the door stands all the same.
	 */
	maps->carrier = bpf_map_make(&carrier_map);
	maps->counts = bpf_map_make(&counts_map);
	return maps->counts < 0 ? maps->counts : devices_watch(&d->watch);
}

/* One that is of no use any more goes with its name. */
static int
take_over(struct door *d)
{
	int link = door_get_pinned(d->path, DOOR_PIN_LINK);
	int rc;

	if (link < 0) {
		return link;
	}
	rc = bpf_link_is_here(link, BPF_SK_LOOKUP)
		? bpf_link_replace(link, d->now.program)
		: -ENOLINK;
	if (rc < 0) {
		bpf_close(&link);
		return rc;
	}
	d->taken_over = true;
	return link;
}

/* Whether this link is the one that is kept. */
static bool
is_kept(const struct door *d)
{
	int link = door_get_pinned(d->path, DOOR_PIN_LINK);
	const uint32_t id = link < 0 ? 0 : bpf_link_id(link);

	bpf_close(&link);
	return id != 0 && id == bpf_link_id(d->link);
}

void
door_keep(struct door *d)
{
	int rc;

	d->is_pinned = is_kept(d);
	d->why[0] = '\0';
	if (!door_can_pin()) {
		snprintf(d->why, sizeof d->why,
			 "not pinned: no bpffs at /sys/fs/bpf");
		return;
	}
	rc = door_pin(d->path, d->maps.accepted, DOOR_PIN_ACCEPTED);
	/* Pinned anew, it would be without a name for a moment. */
	if (rc == 0 && !d->is_pinned) {
		rc = door_pin(d->path, d->link, DOOR_PIN_LINK);
		d->is_pinned = rc == 0;
	}
	if (rc < 0) {
		snprintf(d->why, sizeof d->why, "not pinned: %s: %s", d->path,
			 strerror(-rc));
	}
}

/* A program in the place of the one that is there, or was.  0 or -errno. */
static int
attach(struct door *d, int program)
{
	int link = -1, rc = bpf_link_replace(d->link, program);

	/* Where it is lost still, that is said again. */
	if (d->lost) {
		d->why[0] = '\0';
	}
	if (rc == -ENOLINK) {
		link = bpf_netns_link(program, BPF_SK_LOOKUP);
		rc = link < 0 ? link : 0;
	}
	if (link >= 0) {
		bpf_close(&d->link);
		d->link = link;
		if (d->is_pinned) {
			door_keep(d);
		}
	}
	return rc;
}

static bool
stands(const struct door *d)
{
	return bpf_link_is_here(d->link, BPF_SK_LOOKUP) &&
		bpf_link_program(d->link) == bpf_program_id(d->now.program);
}

static enum door_found
put_back(struct door *d)
{
	const bool known = d->lost;
	const int rc = attach(d, d->now.program);

	d->lost = rc < 0;
	if (rc < 0) {
		explain(d, cannot_put_back, rc);
		return known ? DOOR_AS_BEFORE : DOOR_TAKEN;
	}
	d->restored++;
	d->restored_ms = clock_ms();
	d->gap_ms = d->restored_ms - d->seen_ms;
	d->missing_ms += d->gap_ms;
	return DOOR_PUT_BACK;
}

enum door_found
door_tick(struct door *d)
{
	enum door_found found = DOOR_AS_BEFORE;

	if (!d->on) {
		return found;
	}
	if (devices_changed(&d->watch)) {
		update(d);
	}
	if (!stands(d)) {
		found = put_back(d);
	} else if (d->is_pinned && !is_kept(d)) {
		door_keep(d);
	}
	if (!d->lost) {
		d->seen_ms = clock_ms();
	}
	return found;
}

/* Below 0: -errno, explained. */
static int
put_up(struct door *d, const struct door_conf *conf)
{
	int rc = open_maps(d);

	if (rc < 0) {
		explain(d, "maps in the kernel", rc);
		return rc;
	}
	rc = door_load(&d->now, &d->maps, conf);
	if (rc < 0) {
		explain(d, "the kernel's program", rc);
		return rc;
	}
	d->link = conf->fresh ? -ENOENT : take_over(d);
	if (d->link < 0) {
		d->link = bpf_netns_link(d->now.program, BPF_SK_LOOKUP);
	}
	if (d->link < 0) {
		explain(d, "the network namespace", d->link);
	}
	return d->link;
}

void
door_open(struct door *d, const struct door_conf *conf)
{
	door_init(d);
	door_pin_path(d->path, conf->queue);
	if (put_up(d, conf) >= 0) {
		d->on = true;
		d->is_pinned = d->taken_over;
		d->seen_ms = clock_ms();
		d->outlives = door_pins_outlive();
		update(d);
	}
}

int
door_prepare(struct door *d, const struct door_conf *conf)
{
	door_abandon(d);
	return d->on ? door_load(&d->next, &d->maps, conf) : 0;
}

int
door_commit(struct door *d)
{
	int rc;

	if (d->next.program < 0) {
		return 0;
	}
	rc = attach(d, d->next.program);
	if (rc < 0 && !d->lost) {
		door_abandon(d);
		return rc;
	}
	door_version_free(&d->now);
	d->now = d->next;
	door_version_init(&d->next);
	update(d);
	/* What is lost is put back later, as it is to be from now on. */
	if (rc < 0) {
		explain(d, cannot_put_back, rc);
		return 0;
	}
	if (d->lost) {
		d->missing_ms += clock_ms() - d->seen_ms;
	}
	d->lost = false;
	d->seen_ms = clock_ms();
	return 0;
}

void
door_abandon(struct door *d)
{
	door_version_free(&d->next);
}

void
door_leave(struct door *d)
{
	bpf_close(&d->link);
	bpf_close(&d->now.program);
	bpf_close(&d->maps.own);
	bpf_close(&d->maps.carrier);
	bpf_close(&d->now.devices);
	netlink_close(&d->watch);
}

void
door_close(struct door *d)
{
	door_leave(d);
	bpf_close(&d->maps.accepted);
	bpf_close(&d->maps.counts);
	door_version_free(&d->now);
	door_version_free(&d->next);
	door_init(d);
}

int
door_end(struct door *d, uint16_t queue)
{
	int rc;

	if (d->link >= 0) {
		(void)bpf_link_end(d->link);
	}
	rc = door_remove(queue);
	door_close(d);
	return rc == -ENOENT ? 0 : rc;
}

static struct door_key
key_for(const struct door *d, const struct acl *acl,
	const struct packet_addr *src, uint16_t sport, uint16_t dport)
{
	const uint16_t entry = acl->entry_at[dport];
	struct door_key key = { .family = src->family };

	memcpy(key.addr, src->bytes, sizeof key.addr);
	key.keys = entry && d->now.keys ? d->now.keys[entry - 1] : 0;
	be16_store(key.port, sport);
	return key;
}

int
door_admit(const struct door *d, const struct acl *acl,
	   const struct packet_addr *src, uint16_t sport, uint16_t dport,
	   bool carried)
{
	const uint64_t expires = (clock_us() * 1000 + DOOR_LIFE_NS) |
		(carried ? DOOR_CARRIED : 0);
	struct door_key key;

	if (!d->on) {
		return 0;
	}
	key = key_for(d, acl, src, sport, dport);
	return bpf_map_put(d->maps.accepted, &key, &expires, BPF_ANY);
}

int
door_lead(const struct door *d, const int listeners[2])
{
	int rc = d->on ? d->maps.carrier : -ENOTCONN;

	for (uint32_t i = 0; i < 2 && rc >= 0; i++) {
		const uint64_t fd = (uint64_t)listeners[i];

		rc = listeners[i] < 0
			? 0
			: bpf_map_put(d->maps.carrier, &i, &fd, BPF_ANY);
	}
	return rc < 0 ? rc : 0;
}

bool
door_admits(const struct door *d, const struct acl *acl,
	    const struct packet_addr *src, uint16_t sport, uint16_t dport)
{
	struct door_key key;
	uint64_t expires;

	if (!d->on) {
		return false;
	}
	key = key_for(d, acl, src, sport, dport);
	/* What can't be asked counts as admitted, so that nobody gets in. */
	return bpf_map_get(d->maps.accepted, &key, &expires) != -ENOENT;
}

bool
door_covers(const struct door *d, uint16_t port)
{
	return d->on && !(d->now.bare[port / 8] & 1u << port % 8);
}

void
door_counts(const struct door *d, uint64_t counts[DOOR_COUNTS])
{
	(void)bpf_map_sums(d->maps.counts, counts, DOOR_COUNTS);
}

size_t
door_others(const struct door *d, char *out, size_t size)
{
	uint32_t ids[BPF_NETNS_PROGRAMS_MAX];
	const int count = bpf_netns_programs(BPF_SK_LOOKUP, ids);
	const uint32_t own = d->link >= 0 ? bpf_link_program(d->link) : 0;
	size_t choosing = 0, used = 0;

	out[0] = '\0';
	for (int i = 0; i < count; i++) {
		char name[BPF_NAME_MAX];

		if (ids[i] == own) {
			continue;
		}
		bpf_program_name(ids[i], name);
		choosing += strcmp(name, DOOR_NAME) != 0;
		if (used + BPF_NAME_MAX + 2 < size) {
			used += (size_t)snprintf(out + used, size - used,
						 "%s%s", used ? ", " : "",
						 name);
		}
	}
	return choosing;
}
