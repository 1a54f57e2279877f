#include "fastpath/ingress.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fastpath/bpf.h"
#include "os/clock.h"
#include "fastpath/ingress_image.h"
#include "fastpath/ingress_load.h"
#include "fastpath/ingress_locals.h"
#include "fastpath/ingress_replays.h"
#include "fastpath/ingress_status.h"

#ifndef BPF_TCX_INGRESS
#define BPF_TCX_INGRESS 46 /* enum bpf_attach_type, Linux 6.6 */
#endif

#define FLOOD_LOOK_MS 500u
#define FLOOD_OVER_MS 10000u
#define ATTACH_NS 10000000000u /* longer than it takes */

static void
set_clock(struct ingress *s)
{
	const struct clock_tai tai = clock_tai();

	__atomic_store_n(&s->config->utc_offset, clock_utc_offset_ns(),
			 __ATOMIC_RELAXED);
	/* The latter tells whether the former is of now. */
	__atomic_store_n(&s->config->tai_utc, tai.utc, __ATOMIC_RELAXED);
	__atomic_store_n(&s->config->tai_monotonic, tai.monotonic,
			 __ATOMIC_RELEASE);
}

static void
set_config(struct ingress *s, const struct ingress_tables *t)
{
	s->assembly = t->assembly_ms * 1000000ull;
	s->flood_limit = t->flood_per_second;
	s->strangers = t->strangers;
	ingress_restore(s);
	set_clock(s);
}

/* ---- devices */

static bool
may_tc(const struct ingress *s, enum ingress_way way)
{
	return !s->no_tc && (way == INGRESS_TC || s->bare);
}

static bool
wants(const struct ingress *s, enum ingress_way way)
{
	switch (s->wanted) {
	case FASTPATH_NATIVE:
		return way == INGRESS_XDP;
	case FASTPATH_GENERIC:
		return way == INGRESS_XDP ? s->no_tc : may_tc(s, way);
	default:
		return way == INGRESS_XDP ? s->hold.on : may_tc(s, way);
	}
}

static bool
is_taken(int rc)
{
	return rc == -EBUSY || rc == -EEXIST;
}

/* Groups that begin before may have begun ahead of the program. */
static void
set_settled(struct ingress *s, uint64_t until)
{
	s->settled = until;
	__atomic_store_n(&s->config->settled, s->settled, __ATOMIC_SEQ_CST);
}

static void
attach_tc(struct ingress *s, struct ingress_link *link, enum ingress_way way)
{
	int rc = bpf_link_make(s->program[way], link->device, BPF_TCX_INGRESS,
			       0);

	s->no_tc |= rc == -EINVAL;
	link->fd[way] = rc;
}

/* The driver's own way if it has one; the other one is for all. */
static void
attach_xdp(struct ingress *s, struct ingress_link *link)
{
	const int program = s->program[INGRESS_XDP];
	int rc = -EOPNOTSUPP;

	link->generic = false;
	if (s->wanted != FASTPATH_GENERIC) {
		rc = bpf_link_make(program, link->device, BPF_XDP,
				   XDP_FLAGS_DRV_MODE);
	}
	/* Behind the driver tc serves as well. */
	if (rc < 0 && !is_taken(rc) && s->wanted != FASTPATH_NATIVE &&
	    s->no_tc) {
		link->generic = true;
		rc = bpf_link_make(program, link->device, BPF_XDP,
				   XDP_FLAGS_SKB_MODE);
	}
	link->fd[INGRESS_XDP] = rc;
}

static void
attach(struct ingress *s, struct ingress_link *link, const char *name,
       enum ingress_way way)
{
	const bool first = !ingress_link_is_on(link);
	const uint64_t before = s->settled;

	if (!wants(s, way)) {
		bpf_close(&link->fd[way]);
		return;
	}
	if (link->fd[way] >= 0 || s->program[way] < 0) {
		return;
	}
	/* What the other one has seen, this one knows. */
	if (first) {
		set_settled(s, clock_us() * 1000 + ATTACH_NS + s->assembly);
	}
	if (way == INGRESS_XDP) {
		attach_xdp(s, link);
	} else {
		attach_tc(s, link, way);
	}
	if (first) {
		/* A device that can't take it changes nothing for others. */
		set_settled(s,
			    ingress_link_is_on(link)
				    ? clock_us() * 1000 + s->assembly
				    : before);
	}
	if (is_taken(link->fd[way])) {
		ingress_load_explain(s, "%s: it has another program of XDP",
				     name);
	} else if (link->fd[way] < 0 && !ingress_link_by_tc(link) &&
		   wants(s, way)) {
		ingress_load_explain(s, "%s: %s", name,
				     strerror(-link->fd[way]));
	}
}

static struct ingress_link *
link_of(struct ingress *s, uint32_t device)
{
	for (size_t i = 0; i < s->ifname_count; i++) {
		if (s->links[i].device == device) {
			return &s->links[i];
		}
	}
	return NULL;
}

/*
 * A packet is to go through the program where it comes into the host, so not
 * on what stands on another device, nor on the parts of a bond, but on that.
 * What goes through twice, by a redirect, gets no further by it.
 *
 * Nor on a bridge or its parts: where br_netfilter is at work, and it may come
 * at any time, rules see a packet at the part, so that the queue lets SYN0 in
 * before it comes to the bridge, all alone.
 */
static int
take_device(void *context, const struct device *device)
{
	struct ingress *s = context;
	struct ingress_link *link = link_of(s, device->index);

	if (!device->up || (!device->ethernet && !device->bare) ||
	    device->enslaved || device->stacked) {
		return 0;
	}
	if (device->bridge) {
		ingress_load_explain(s, "%s: bridges are the queue's",
				     device->name);
		return 0;
	}
	if (!link && s->ifname_count == INGRESS_DEVICES_MAX) {
		return 0;
	}
	if (!link) {
		link = &s->links[s->ifname_count++];
		*link = (struct ingress_link){ .device = device->index,
					       .fd = { -1, -1, -1 } };
	}
	link->seen = true;
	if (device->bare) {
		s->bare = true;
		attach(s, link, device->name, INGRESS_TC_BARE);
		return 0;
	}
	attach(s, link, device->name, INGRESS_TC);
	attach(s, link, device->name, INGRESS_XDP);
	return 0;
}

static void
close_link(struct ingress_link *link)
{
	for (enum ingress_way way = 0; way < INGRESS_WAYS; way++) {
		bpf_close(&link->fd[way]);
	}
}

/* Whether the program of XDP has that of tc behind it, on whatever device. */
static void
set_relay(struct ingress *s, bool relay)
{
	relay &= s->ifname_count > 0;
	__atomic_store_n(&s->config->credit, INGRESS_CREDIT, __ATOMIC_RELAXED);
	for (size_t i = 0; i < s->ifname_count; i++) {
		relay &= s->links[i].fd[INGRESS_XDP] < 0 ||
			s->links[i].fd[INGRESS_TC] >= 0;
	}
	s->relays = relay;
	__atomic_store_n(&s->config->relay, relay, __ATOMIC_SEQ_CST);
}

static void
update_devices(struct ingress *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->ifname_count; i++) {
		s->links[i].seen = false;
	}
	s->why[0] = '\0';
	set_relay(s, false);
	devices_each(take_device, s);
	for (enum ingress_way way = 0; way < INGRESS_WAYS; way++) {
		if (wants(s, way) && s->refused[way] < 0) {
			ingress_load_explain_refused(s, way);
		}
	}
	for (size_t i = 0; i < s->ifname_count; i++) {
		if (s->links[i].seen) {
			s->links[kept++] = s->links[i];
		} else {
			close_link(&s->links[i]);
		}
	}
	s->ifname_count = kept;
	set_relay(s, true);
}

/* ---- as a whole */

void
ingress_detach(struct ingress *s)
{
	for (size_t i = 0; i < s->ifname_count; i++) {
		close_link(&s->links[i]);
	}
	s->ifname_count = 0;
	for (enum ingress_way way = 0; way < INGRESS_WAYS; way++) {
		bpf_close(&s->program[way]);
		s->refused[way] = 0;
	}
}

void
ingress_leave(struct ingress *s)
{
	loader_leave(&s->loader);
	ingress_detach(s);
	for (enum ingress_map m = 0; m < INGRESS_MAP_CONFIG; m++) {
		bpf_close(&s->map[m]);
	}
}

void
ingress_init(struct ingress *s)
{
	*s = (struct ingress){ .program = { -1, -1, -1 }, .watch.fd = -1 };
	loader_init(&s->loader);
	for (size_t i = 0; i < INGRESS_MAPS; i++) {
		s->map[i] = -1;
	}
}

/* Without the reason to have closed it being lost. */
static void
give_up(struct ingress *s)
{
	char why[INGRESS_WHY_MAX];

	memcpy(why, s->why, sizeof why);
	ingress_close(s);
	memcpy(s->why, why, sizeof why);
}

/* Whose addresses are not known is served by the queue. */
static bool
knows_locals(struct ingress *s)
{
	int rc = ingress_locals_update(s);

	if (rc < 0) {
		ingress_load_explain(s, "this host's addresses: %s",
				     strerror(-rc));
		give_up(s);
	}
	return rc == 0;
}

/* One after the other. */
static void
load_wanted(struct ingress *s)
{
	for (enum ingress_way way = 0; way < INGRESS_WAYS; way++) {
		if (wants(s, way) && s->program[way] < 0 &&
		    s->refused[way] == 0) {
			ingress_load_begin(s, way);
		}
	}
}

/*
 * The way that is wanted most has to be possible.  For tc that is TCX: a
 * kernel that lacks it may also lack what the program there calls.
 */
static void
begin(struct ingress *s)
{
	enum ingress_way way =
		s->wanted == FASTPATH_NATIVE ? INGRESS_XDP : INGRESS_TC;

	if (way == INGRESS_TC && s->refused[way] < 0 &&
	    !loader_failed(s->refused[way])) {
		s->no_tc = true;
		way = INGRESS_XDP;
	}
	if (s->program[way] >= 0) {
		s->pending = false;
		if (!knows_locals(s)) {
			return;
		}
		update_devices(s);
		/* Not all that loads can be put on a device. */
		load_wanted(s);
	} else if (s->refused[way] == 0) {
		ingress_load_begin(s, way);
	} else {
		ingress_load_explain_refused(s, way);
		give_up(s);
	}
}

void
ingress_open(struct ingress *s, const struct ingress_tables *tables,
	     enum settings_fastpath wanted)
{
	ingress_init(s);
	s->wanted = wanted;
	if (wanted == FASTPATH_OFF) {
		ingress_load_explain(s, "fastpath=off");
		return;
	}
	if (ingress_image_size == 0) {
		ingress_load_explain(s, "built without clang");
		return;
	}
	if (ingress_load_shared(s, tables) < 0 ||
	    ingress_load_tables(s, tables) < 0) {
		give_up(s);
		return;
	}
	set_config(s, tables);
	s->pending = true;
	begin(s);
}

void
ingress_close(struct ingress *s)
{
	s->pending = false;
	loader_stop(&s->loader);
	ingress_detach(s);
	ring_close(&s->records);
	ring_close(&s->charges);
	netlink_close(&s->watch);
	if (s->config) {
		munmap(s->config, sizeof *s->config);
		s->config = NULL;
		(void)ingress_counts(s, s->counted);
	}
	for (size_t i = 0; i < INGRESS_MAPS; i++) {
		bpf_close(&s->map[i]);
	}
}

bool
ingress_rewrite(struct ingress *s, const struct ingress_tables *tables)
{
	if (!s->config || ingress_load_again(s, tables) < 0) {
		return false;
	}
	/* Once more, if the last time was in vain. */
	for (enum ingress_way way = 0; way < INGRESS_WAYS; way++) {
		s->refused[way] = 0;
	}
	set_config(s, tables);
	return true;
}

void
ingress_change(struct ingress *s, const struct ingress_tables *tables)
{
	if (!s->config) {
		return;
	}
	/* What is no longer right must not stay. */
	loader_stop(&s->loader);
	ingress_leave(s);
	if (ingress_load_tables(s, tables) < 0) {
		give_up(s);
		return;
	}
	set_config(s, tables);
	s->pending = true;
	begin(s);
}

/*
 * A flood is over when it has not been seen for a while.  Where no program
 * is yet, it is seen by what comes to the queue.
 */
static bool
is_flood(struct ingress *s, uint64_t syns, uint64_t now)
{
	const uint64_t passed = now - s->syns_ms;
	const bool on = strcmp(ingress_state(s), "off") != 0;
	uint64_t counts[INGRESS_COUNTS];
	int64_t grown;

	if (passed < FLOOD_LOOK_MS) {
		return s->flood;
	}
	if (ingress_counts(s, counts) < 0) {
		return s->flood;
	}
	if (on) {
		syns = counts[INGRESS_SEEN] - counts[INGRESS_PROVEN];
	}
	grown = (int64_t)(syns - s->syns);
	if (s->syns_ms != 0 && s->syns_on == on && grown > 0 &&
	    grown * 1000 > s->flood_limit * (int64_t)passed) {
		s->flood_ms = now;
	}
	s->syns = syns;
	s->syns_ms = now;
	s->syns_on = on;
	return s->flood_ms != 0 && now - s->flood_ms < FLOOD_OVER_MS;
}

void
ingress_tick(struct ingress *s, uint64_t syns)
{
	const bool before = s->hold.on;
	const uint64_t now = clock_ms();
	bool changed;

	if (!s->config) {
		return;
	}
	set_clock(s);
	changed = ingress_load_ended(s);
	if (s->pending) {
		begin(s);
		return;
	}
	s->flood = is_flood(s, syns, now);
	changed |= flood_hold(&s->hold, now, s->flood_ms) != before;
	if (devices_changed(&s->watch)) {
		if (!knows_locals(s)) {
			return;
		}
		changed = true;
	}
	if (changed) {
		update_devices(s);
	}
	load_wanted(s);
}

bool
ingress_is_settled(const struct ingress *s)
{
	return !s->pending &&
		(!loader_is_at_work(&s->loader) ||
		 (s->loading == INGRESS_XDP &&
		  strcmp(ingress_state(s), "off") != 0));
}

static const void *
take(struct ring *ring, size_t size)
{
	const void *found;
	size_t len;

	/* None is of another size. */
	while ((found = ring_peek(ring, &len)) != NULL && len != size) {
		ring_next(ring);
	}
	return found;
}

const struct ingress_record *
ingress_record(struct ingress *s)
{
	return take(&s->records, sizeof(struct ingress_record));
}

void
ingress_record_done(struct ingress *s)
{
	ring_next(&s->records);
}

bool
ingress_records_end(const struct ingress *s)
{
	return ring_turn_is_over(&s->records);
}

void
ingress_records_await(const struct ingress *s)
{
	/* It is called, or looks by itself, once in this time. */
	(void)ring_await(&s->records, 2 * INGRESS_WAKE_MS);
}

const struct ingress_charge *
ingress_charge(struct ingress *s)
{
	return take(&s->charges, sizeof(struct ingress_charge));
}

void
ingress_charge_done(struct ingress *s)
{
	ring_next(&s->charges);
}

void
ingress_fds(const struct ingress *s, struct pollfd fds[INGRESS_FDS])
{
	const bool open = s->charges.consumer != NULL;

	fds[0] = (struct pollfd){
		.fd = open ? s->map[INGRESS_MAP_RECORDS] : -1,
		.events = POLLIN,
	};
	fds[1] = (struct pollfd){
		.fd = open ? s->map[INGRESS_MAP_CHARGES] : -1,
		.events = POLLIN,
	};
}
