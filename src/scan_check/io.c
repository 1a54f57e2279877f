#include "scan_check/io.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/why.h"
#include "base/fds.h"
#include "measure/probe.h"
#include "base/text.h"

/* Above what a filter can name, all addresses are captured. */
#define FILTER_HOSTS_MAX 16u

/* Marks a connection's number in by_port; others are 1 + a slot's place. */
#define BY_PORT_DIAL 0x80000000u

/* Descriptors for ports, captures, connections and libpcap. */
#define FILES_WANTED 2048u

static void
make_filter(const struct scan_io *v, char *out)
{
	const struct findings *f = v->findings;
	struct text t = text_over(out, CAP_FILTER_MAX);

	text_put(&t, "icmp or icmp6");
	if (f->target_count > FILTER_HOSTS_MAX) {
		text_put(&t, " or tcp or udp");
		return;
	}
	for (size_t i = 0; i < f->target_count; i++) {
		const struct packet_addr *addr = &f->targets[i].addr;
		char name[INET6_ADDRSTRLEN] = "";

		inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes,
			  name, sizeof name);
		text_put(&t, " or host %s", name);
	}
}

static int
open_caps(struct scan_io *v, char *why)
{
	char filter[CAP_FILTER_MAX];
	int rc = 0;

	make_filter(v, filter);
	for (size_t i = 0; i < v->findings->target_count && rc == 0; i++) {
		rc = captures_add(&v->captures, v->routes[i].device, filter,
				  why);
	}
	return rc;
}

/*
 * Bind these sockets without reading them, or the kernel answers by ICMP "port
 * unreachable".
 */
static int
reserve_udp(struct scan_io *v)
{
	for (size_t i = 0; i < SCAN_IO_SLOTS; i++) {
		struct sockaddr_in6 addr = { .sin6_family = AF_INET6 };
		socklen_t len = sizeof addr;
		int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		if (fd < 0) { /* no IPv6 here */
			addr.sin6_family = AF_INET;
			len = sizeof(struct sockaddr_in);
			fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		}
		v->udp[i] = fd;
		if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) < 0 ||
		    getsockname(fd, (struct sockaddr *)&addr, &len) < 0) {
			return -errno;
		}
		/* The port is at the same offset in both structures. */
		v->ports[PROBE_UDP][i] = ntohs(addr.sin6_port);
	}
	return 0;
}

static int
reserve_tcp(struct scan_io *v)
{
	size_t pool = 0;
	int rc = 0;

	for (size_t i = 0; i < v->findings->scan_count && rc == 0; i++) {
		enum probe_scan scan = v->findings->scans[i];

		if (scan == PROBE_CONNECT || scan == PROBE_UDP) {
			continue;
		}
		rc = ports_take(&v->pools[pool / 2], v->ports[scan],
				SCAN_IO_SLOTS);
		pool++;
	}
	return rc;
}

static void
map_ports(struct scan_io *v)
{
	for (size_t i = 0; i < v->findings->scan_count; i++) {
		enum probe_scan scan = v->findings->scans[i];

		for (size_t slot = 0; slot < SCAN_IO_SLOTS; slot++) {
			if (scan != PROBE_CONNECT) {
				v->by_port[v->ports[scan][slot]] =
					(uint32_t)(1 + i * SCAN_IO_SLOTS +
						   slot);
			}
		}
	}
}

static int
open_raw(struct scan_io *v, const char *file, char *why)
{
	int rc = rawsock_open(&v->rawsock);

	if (rc < 0) {
		return why_errno(why, rc, "raw socket");
	}
	v->raw = true;
	rc = open_caps(v, why);
	if (rc < 0) {
		return rc;
	}
	rc = reserve_tcp(v);
	rc = rc < 0 ? rc : reserve_udp(v);
	if (rc < 0) {
		return why_errno(why, rc, "source ports");
	}
	map_ports(v);
	return file ? cap_file_open(&v->file, file, why) : 0;
}

int
scan_io_open(struct scan_io *v, const struct findings *findings,
	     const struct scan_io_options *options, char *why)
{
	int rc;

	memset(v, 0, sizeof *v);
	v->findings = findings;
	v->tries = options->tries;
	v->as_client = options->as_client;
	for (size_t i = 0; i < SCAN_IO_SLOTS; i++) {
		v->udp[i] = -1;
	}
	for (size_t i = 0; i < SCAN_IO_POOLS; i++) {
		ports_init(&v->pools[i]);
	}
	fds_allow(FILES_WANTED);
	rc = captures_routes(&v->routes, findings->targets,
			     findings->target_count, why);
	if (rc == 0 &&
	    getrandom(&v->secret, sizeof v->secret, 0) !=
		    (ssize_t)sizeof v->secret) {
		rc = why_errno(why, -errno, "random numbers");
	}
	if (rc == 0 && options->raw) {
		rc = open_raw(v, options->file, why);
	}
	if (rc < 0) {
		scan_io_close(v);
	}
	return rc;
}

int
scan_io_close(struct scan_io *v)
{
	int rc = cap_file_close(&v->file);

	captures_close(&v->captures);
	for (size_t i = 0; i < SCAN_IO_SLOTS; i++) {
		if (v->udp[i] >= 0) {
			close(v->udp[i]);
		}
	}
	for (size_t i = 0; i < SCAN_IO_POOLS; i++) {
		ports_close(&v->pools[i]);
	}
	if (v->raw) {
		rawsock_close(&v->rawsock);
		v->raw = false;
	}
	free(v->routes);
	v->routes = NULL;
	return rc;
}

static uint32_t
token_of(const struct scan_io *v, size_t probe, unsigned try)
{
	uint64_t what[2] = { probe, try };

	return (uint32_t)hash_bytes(&v->secret, what, sizeof what);
}

struct probe_numbers
scan_io_numbers(const struct scan_io *v, size_t probe, unsigned try)
{
	return probe_numbers(token_of(v, probe, try));
}

int
scan_io_send(struct scan_io *v, size_t probe, unsigned try)
{
	const struct findings *f = v->findings;
	struct finding_place place = finding_place(f, probe);
	enum probe_scan scan = f->scans[place.scan];
	const struct route *route = &v->routes[place.target];
	const struct target_addr *target = &f->targets[place.target];
	struct answer_flow flow = {
		.src = route->src,
		.dst = target->addr,
		.sport = v->ports[scan][try % SCAN_IO_SLOTS],
		.dport = f->ports[place.port],
	};
	uint8_t bytes[PROBE_MAX];
	struct packet_view packet = {
		.bytes = bytes,
		.len = probe_build(bytes, scan, &flow, token_of(v, probe, try)),
	};

	return rawsock_send(&v->rawsock, &flow.src, &flow.dst, target->device,
			    0, &packet, 1);
}

bool
scan_io_is_fatal(int rc)
{
	switch (-rc) {
	case ENETUNREACH:
	case ENETDOWN:
	case ENODEV:
	case ENXIO:
	case EAFNOSUPPORT:
	case EADDRNOTAVAIL:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return true;
	default:
		return false;
	}
}

void
scan_io_dial(struct scan_io *v, uint16_t port, size_t number)
{
	v->by_port[port] = BY_PORT_DIAL | (uint32_t)number;
}

void
scan_io_undial(struct scan_io *v, uint16_t port)
{
	v->by_port[port] = 0;
}

/* The two ends of a packet, or of the one that ICMP quotes. */
struct ends {
	bool sent;
	enum answer_kind kind;
	uint16_t our_port;
	struct finding_place place; /* of the probe, but for the scan */
};

static bool
take_ends(const struct scan_io *v, struct ends *e,
	  const struct answer_flow *flow, bool sent)
{
	const struct findings *f = v->findings;

	e->sent = sent;
	e->our_port = sent ? flow->sport : flow->dport;
	if (v->by_port[e->our_port] == 0) {
		return false;
	}
	e->place.target = finding_target(f, sent ? &flow->dst : &flow->src);
	e->place.port = finding_port(f, sent ? flow->dport : flow->sport);
	return e->place.target < f->target_count &&
		e->place.port < f->port_count;
}

static bool
find_ends(const struct scan_io *v, struct ends *e, const struct answer *a)
{
	e->kind = a->kind;
	if (a->kind == ANSWER_ICMP) {
		bool found = take_ends(v, e, &a->quoted, true);

		e->kind = a->quoted_kind;
		e->sent = false;
		return found;
	}
	return take_ends(v, e, &a->flow, true) ||
		take_ends(v, e, &a->flow, false);
}

/* Whether this is the packet that we sent. */
static bool
was_sent(const struct answer *a, const struct probe_numbers *numbers)
{
	return a->kind == ANSWER_TCP ? a->seq == numbers->seq
				     : a->id == numbers->id;
}

/*
 * Find which of the tries from this source port a packet belongs to. A sent
 * packet with other numbers is the kernel's reset, not ours. An answer with
 * wrong numbers is dropped; one without numbers belongs to the last try.
 */
static bool
find_try(const struct scan_io *v, struct scan_io_event *event, size_t scan,
	 unsigned slot)
{
	unsigned tries = v->tries[event->probe];
	enum probe_match match = PROBE_OTHER;
	unsigned last;

	if (tries <= slot) {
		return false;
	}
	last = slot + (tries - 1 - slot) / SCAN_IO_SLOTS * SCAN_IO_SLOTS;
	for (unsigned try = last + SCAN_IO_SLOTS; try >= SCAN_IO_SLOTS + slot;
	     try -= SCAN_IO_SLOTS) {
		struct probe_numbers numbers =
			scan_io_numbers(v, event->probe, try - SCAN_IO_SLOTS);

		event->try = try - SCAN_IO_SLOTS;
		if (event->sent) {
			if (was_sent(&event->packet, &numbers)) {
				return true;
			}
			continue;
		}
		match = probe_match(v->findings->scans[scan], &event->packet,
				    &numbers);
		if (match == PROBE_MATCHES) {
			return true;
		}
	}
	event->try = last;
	event->unsure = match == PROBE_UNTOLD;
	/*
	 * A UDP probe over IPv6 has no number that a captured copy of it shows.
	 */
	return event->sent ? event->packet.kind == ANSWER_UDP : event->unsure;
}

static bool
identify(const struct scan_io *v, struct scan_io_event *event, struct ends *e)
{
	const struct findings *f = v->findings;
	uint32_t what = v->by_port[e->our_port];

	event->sent = e->sent;
	event->unsure = false;
	event->is_dial = what & BY_PORT_DIAL;
	if (event->is_dial) {
		event->dial = what & ~BY_PORT_DIAL;
		return e->kind == ANSWER_TCP;
	}
	e->place.scan = (what - 1) / SCAN_IO_SLOTS;
	/*
	 * Our port of TCP may be another program's port of UDP, and the
	 * reverse.
	 */
	if ((f->scans[e->place.scan] == PROBE_UDP) != (e->kind == ANSWER_UDP)) {
		return false;
	}
	event->probe = finding_at(f, &e->place);
	return find_try(v, event, e->place.scan, (what - 1) % SCAN_IO_SLOTS);
}

/* A frame that tap client made of one of our SYNs. */
static bool
is_frame(const struct scan_io *v, const struct answer *a)
{
	const struct findings *f = v->findings;

	return v->as_client && a->kind == ANSWER_TCP && a->flags & PACKET_SYN &&
		!(a->flags & PACKET_ACK) &&
		finding_target(f, &a->flow.dst) < f->target_count &&
		finding_port(f, a->flow.dport) < f->port_count;
}

int
scan_io_next(struct scan_io *v, struct scan_io_event *event)
{
	struct cap_packet packet;
	int rc;

	while ((rc = captures_next(&v->captures, &packet)) == 1) {
		struct ends ends;
		bool found;

		if (answer_parse(&event->packet, packet.ip, packet.len,
				 packet.wire_len) < 0) {
			continue;
		}
		found = find_ends(v, &ends, &event->packet);
		if (v->file.dumper && (found || is_frame(v, &event->packet))) {
			rc = cap_file_put(&v->file, &packet);
			if (rc < 0) {
				return rc;
			}
		}
		event->ns = packet.ns;
		if (found && identify(v, event, &ends)) {
			return 1;
		}
	}
	return rc;
}
