#include "probe_path/near_side.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/why.h"
#include "base/bytes.h"
#include "os/clock.h"
#include "conf/client_conf.h"
#include "base/fds.h"
#include "probe_path/plan.h"
#include "os/route.h"

/* Pause between two probes or groups: 200 a second, as scan-check --polite. */
#define TIMING_MS 5u
/* Wait after the last probe; what has not come by then counts as lost. */
#define SETTLE_MS 1500u
/* Wait once all has arrived, for answers and duplicates. */
#define LINGER_MS 40u
#define FILES_MORE 64u

/* ---- opening */

static int
find_route(struct path_near *n, char *why)
{
	struct netlink nl;
	struct route route;
	int rc = route_open(&nl);

	if (rc < 0) {
		return why_errno(why, rc, "route");
	}
	rc = route_find(&nl, &n->options->far, n->options->device, &route);
	netlink_close(&nl);
	if (rc < 0) {
		return why_errno(why, rc, "route");
	}
	n->trial.near = route.src;
	n->device = route.device;
	return 0;
}

static int
open_capture(struct path_near *n, char *why)
{
	char addr[INET6_ADDRSTRLEN] = "";
	char filter[CAP_FILTER_MAX];
	char name[IF_NAMESIZE];

	inet_ntop(n->options->far.family == 4 ? AF_INET : AF_INET6,
		  n->options->far.bytes, addr, sizeof addr);
	snprintf(filter, sizeof filter, "icmp or icmp6 or (tcp and host %s)",
		 addr);
	if (!if_indextoname(n->device, name)) {
		return why_errno(why, -ENODEV, "capture");
	}
	return cap_open(&n->cap, name, filter, why);
}

static int
make_lists(struct path_near *n)
{
	struct trial *t = &n->trial;

	t->probes = calloc(TRIAL_PROBES_MAX, sizeof *t->probes);
	t->heard.room = TRIAL_PACKETS_MAX;
	t->seen.room = TRIAL_PACKETS_MAX;
	t->heard.at = calloc(t->heard.room, sizeof *t->heard.at);
	t->seen.at = calloc(t->seen.room, sizeof *t->seen.at);
	n->arrivals = calloc(TRIAL_PROBES_MAX, sizeof *n->arrivals);
	return t->probes && t->heard.at && t->seen.at && n->arrivals ? 0
								     : -ENOMEM;
}

int
path_near_open(struct path_near *n, const struct path_near_options *options,
	       char *why)
{
	int rc;

	memset(n, 0, sizeof *n);
	n->options = options;
	n->cap.fd = -1;
	n->link.dial.fd = -1;
	n->trial.far = options->far;
	n->trial.port = options->port;
	n->trial.rounds = (uint8_t)options->rounds;
	for (size_t i = 0; i < PATH_NEAR_POOLS; i++) {
		ports_init(&n->pools[i]);
	}
	fds_allow(TRIAL_PROBES_MAX + FILES_MORE);
	rc = make_lists(n);
	if (rc < 0) {
		return why_errno(why, rc, "memory");
	}
	rc = rawsock_open(&n->raw);
	if (rc < 0) {
		return why_errno(why, rc, "raw socket");
	}
	n->has_raw = true;
	rc = find_route(n, why);
	return rc < 0 ? rc : open_capture(n, why);
}

void
path_near_close(struct path_near *n)
{
	path_link_close(&n->link);
	cap_close(&n->cap);
	if (n->has_raw) {
		rawsock_close(&n->raw);
	}
	for (size_t i = 0; i < PATH_NEAR_POOLS; i++) {
		ports_close(&n->pools[i]);
	}
	free(n->trial.probes);
	free(n->trial.heard.at);
	free(n->trial.seen.at);
	free(n->arrivals);
}

/* ---- what comes in */

/* Take the SYN of our own connection as it went out: the plan's first probe. */
static void
take_connection(struct path_near *n, const struct field_values *v,
		const struct cap_packet *packet)
{
	static const struct trial_probe like = { .kind = TRIAL_CONNECTION,
						 .field = FIELDS };

	if (n->trial.count == 0 && field_is_syn(v) && n->link.dial.fd >= 0 &&
	    v->value[FIELD_SPORT] == n->link.dial.sport &&
	    packet_addr_equal(&v->dst, &n->trial.far)) {
		trial_add(&n->trial, &like, packet->ip, packet->len);
	}
}

static void
take_packet(void *context, const struct cap_packet *packet)
{
	struct path_near *n = context;
	struct field_values v;

	if (field_read(&v, packet->ip, packet->len) < 0) {
		return;
	}
	if (!packet_addr_equal(&v.src, &n->trial.far) ||
	    packet_addr_equal(&n->trial.near, &n->trial.far)) {
		take_connection(n, &v, packet);
	}
	if (packet_addr_equal(&v.src, &n->trial.far) &&
	    (v.flags & PACKET_RST || field_is_syn_ack(&v)) &&
	    trial_has_ports(&n->trial, (uint16_t)v.value[FIELD_DPORT],
			    (uint16_t)v.value[FIELD_SPORT])) {
		trial_note(&n->trial.heard, packet->ns, false, packet->ip,
			   packet->len);
	}
}

static int
read_packets(struct path_near *n,
	     void (*take)(void *, const struct cap_packet *), void *context)
{
	struct cap_packet packet;
	int rc;

	while ((rc = cap_next(&n->cap, &packet)) == 1) {
		if (n->options->file) {
			rc = cap_file_put(n->options->file, &packet);
		}
		if (rc < 0) {
			break;
		}
		take(context, &packet);
	}
	return rc;
}

static int
wait_both(struct path_near *n, int fd, short events, int ms,
	  void (*take)(void *, const struct cap_packet *), void *context)
{
	struct pollfd polls[3] = {
		{ .fd = n->cap.fd, .events = POLLIN },
		{ .fd = n->options->signals, .events = POLLIN },
		{ .fd = fd, .events = events },
	};
	int rc = poll(polls, 3, ms);

	if (rc < 0 && errno != EINTR) {
		return -errno;
	}
	if (rc > 0 && polls[1].revents) {
		n->stopped = true;
		return -EINTR;
	}
	return read_packets(n, take, context);
}

/* For path_link. */
static int
wait_link(void *context, int fd, short events, int ms)
{
	struct path_near *n = context;

	return wait_both(n, fd, events, ms, take_packet, n);
}

int
path_near_wait(struct path_near *n, int ms,
	       void (*take)(void *, const struct cap_packet *), void *context)
{
	uint64_t until = clock_ms() + (uint64_t)ms;
	uint64_t now = until - (uint64_t)ms;
	int rc = 0;

	for (; rc == 0 && now < until; now = clock_ms()) {
		rc = wait_both(n, -1, 0, (int)(until - now), take, context);
	}
	return rc;
}

/* Update which probes have arrived, from what the far side has told since. */
static void
count_arrivals(struct path_near *n)
{
	struct trial *t = &n->trial;

	for (; n->told < t->seen.count; n->told++) {
		const struct trial_packet *p = &t->seen.at[n->told];
		struct field_values v;
		unsigned bits;
		size_t at;

		if (p->control || field_read(&v, p->bytes, p->len) < 0 ||
		    v.flags & (PACKET_ACK | PACKET_RST)) {
			continue;
		}
		at = trial_match(t, &v, n->arrivals, &bits);
		if (at != TRIAL_NONE && n->arrivals[at]++ == 0) {
			n->arrived++;
		}
	}
}

/* Wait so long for packets and words; 0 or -errno. */
static int
listen_for(struct path_near *n, uint64_t until)
{
	bool linked = n->link.state == PATH_LINK_OPEN;
	uint64_t now = clock_ms();
	int rc = 0;

	while (rc == 0 && now < until) {
		rc = wait_both(n, linked ? n->link.dial.fd : -1, POLLIN,
			       (int)(until - now), take_packet, n);
		path_link_read(&n->link);
		linked = n->link.state == PATH_LINK_OPEN;
		count_arrivals(n);
		now = clock_ms();
	}
	return rc;
}

/* ---- the plan */

int
path_near_port(struct path_near *n, uint16_t *port)
{
	size_t pool = n->ports_taken / PORTS_AHEAD;
	int rc;

	if (pool == PATH_NEAR_POOLS) {
		return -ENOSPC;
	}
	rc = ports_take(&n->pools[pool], port, 1);
	n->ports_taken += rc == 0;
	return rc;
}

struct trial_numbers
path_near_numbers(void)
{
	struct trial_numbers numbers = { 0 };

	/* getrandom(2) never fails for so few bytes. */
	if (getrandom(&numbers, sizeof numbers, 0) != (ssize_t)sizeof numbers) {
		abort();
	}
	/* The kernel would replace a 0. */
	numbers.id |= 1;
	numbers.sport = 0;
	return numbers;
}

static int
plan_field(struct path_near *n, enum field field, unsigned round,
	   uint64_t value)
{
	struct trial_numbers numbers = path_near_numbers();
	int rc = path_near_port(n, &numbers.sport);

	numbers.value = value;
	if (rc == 0 && !trial_add_field(&n->trial, field, round, &numbers)) {
		rc = -ENOSPC;
	}
	return rc;
}

/* A random key: only the sequence numbers are tested. */
static int
plan_group(struct path_near *n, unsigned round, unsigned extra)
{
	struct trial_numbers numbers = path_near_numbers();
	struct trial_numbers more = path_near_numbers();
	uint8_t secret[MAC_SECRET_MIN] = { 0 };
	uint16_t sports[FRAME_MAX - 1];
	struct mac_key key;
	struct trial_group group = {
		.key = &key,
		.key_no = (uint16_t)more.seq,
		.instant = clock_instant(),
		.mark = (uint16_t)more.tsval,
		.sports = sports,
	};
	int rc = path_near_port(n, &numbers.sport);

	for (unsigned i = 0; i < FRAME_BASE + extra - 1 && rc == 0; i++) {
		rc = path_near_port(n, &sports[i]);
	}
	if (rc < 0) {
		return rc;
	}
	be64_store(secret, more.value);
	mac_key_init(&key, MAC_HMAC_SHA256, extra, secret, sizeof secret, NULL,
		     0);
	return trial_add_group(&n->trial, round, &numbers, &group) ? 0
								   : -ENOSPC;
}

static int
make_plan(struct path_near *n)
{
	uint64_t values[FIELDS] = { 0 };
	int rc = 0;

	for (unsigned round = 0; round < n->options->rounds; round++) {
		for (enum field f = 0; f < FIELDS && rc == 0; f++) {
			if (round % 2 == 0) {
				values[f] = path_near_numbers().value;
			}
			if (field_exists(f, n->trial.far.family)) {
				rc = plan_field(n, f, round, values[f]);
			}
		}
		for (unsigned x = 0; x < TRIAL_GROUPS && rc == 0; x++) {
			rc = plan_group(n, round, x);
		}
	}
	return rc;
}

/* ---- sending */

static void
send_probes(struct path_near *n, size_t at, size_t count)
{
	struct packet_view packets[RAWSOCK_BATCH];
	int rc;

	for (size_t i = 0; i < count; i++) {
		packets[i].bytes = n->trial.probes[at + i].bytes;
		packets[i].len = n->trial.probes[at + i].len;
	}
	/* Marked, so that a tap client of this host leaves them alone. */
	rc = rawsock_send(&n->raw, &n->trial.near, &n->trial.far,
			  n->options->device, CLIENT_CONF_MARK, packets, count);
	if (rc < 0) {
		n->unsent += (unsigned)count;
		n->unsent_errno = -rc;
	}
}

/* Send one probe, or all frames of one group. */
static size_t
batch_at(const struct trial *t, size_t at)
{
	size_t count = 1;

	while (t->probes[at].kind == TRIAL_FRAME && at + count < t->count &&
	       count < RAWSOCK_BATCH &&
	       t->probes[at + count].group == t->probes[at].group) {
		count++;
	}
	return count;
}

static int
send_plan(struct path_near *n)
{
	const struct trial *t = &n->trial;
	uint64_t next = clock_ms();
	size_t count;
	int rc = 0;

	for (size_t i = 0; i < t->count && rc == 0; i += count) {
		count = 1;
		if (t->probes[i].kind == TRIAL_CONNECTION) {
			continue;
		}
		count = batch_at(t, i);
		send_probes(n, i, count);
		next += TIMING_MS;
		rc = listen_for(n, next);
		if (n->options->progress) {
			n->options->progress(n->options->context, i + count,
					     t->count);
		}
	}
	return rc;
}

/* Skip the SYN of the connection, which has arrived. */
static bool
all_arrived(const struct path_near *n)
{
	size_t connection = n->trial.count > 0 &&
		n->trial.probes[0].kind == TRIAL_CONNECTION;

	return n->arrived + connection >= n->trial.count;
}

static int
settle(struct path_near *n)
{
	uint64_t until = clock_ms() + SETTLE_MS;
	uint64_t now;
	int rc = 0;

	while (rc == 0 && (now = clock_ms()) < until) {
		if (n->trial.has_seen && all_arrived(n)) {
			return listen_for(n, now + LINGER_MS);
		}
		if (n->link.state == PATH_LINK_LOST && n->trial.has_seen) {
			return 0;
		}
		rc = listen_for(n, now + TIMING_MS);
	}
	return rc;
}

/* Without a far side, measure what the near side alone can see. */
static int
ask_far(struct path_near *n, const struct path_link_caller *caller, char *why)
{
	int rc = path_link_open(&n->link, &n->trial, n->options->device,
				n->options->key, caller, n->trouble);

	if (n->stopped) {
		return why_errno(why, -EINTR, "stopped");
	}
	if (n->options->file && n->options->file->error < 0) {
		return why_errno(why, n->options->file->error,
				 n->options->file->path);
	}
	if (n->link.refused_key) {
		return why_set(why, -EKEYREJECTED, "%s", n->trouble);
	}
	return rc == 0 || n->link.state == PATH_LINK_LOST
		? 0
		: why_errno(why, rc, "connection");
}

int
path_near_run(struct path_near *n, char *why)
{
	const struct path_link_caller caller = { wait_link, n };
	int rc = n->options->offline ? 0 : ask_far(n, &caller, why);

	if (rc < 0) {
		return rc;
	}
	rc = make_plan(n);
	if (rc < 0) {
		return why_errno(why, rc, "source ports");
	}
	if (n->link.state == PATH_LINK_OPEN &&
	    path_link_plan(&n->link, &caller, n->trouble) == 0) {
		n->trial.has_seen = true;
		n->trial.connected = true;
	}
	rc = send_plan(n);
	rc = rc < 0 ? rc : settle(n);
	if (rc < 0 && !n->stopped) {
		return why_errno(why, rc,
				 n->options->file && n->options->file->error
					 ? n->options->file->path
					 : "capture");
	}
	if (n->trial.has_seen) {
		path_link_finish(&n->link, &caller);
		n->trial.cut = n->link.state != PATH_LINK_DONE || n->stopped;
	}
	return 0;
}
