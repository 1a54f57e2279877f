#include "scan_check/results.h"

#include <string.h>

struct finding_place
finding_place(const struct findings *f, size_t at)
{
	return (struct finding_place){
		.target = at / (f->port_count * f->scan_count),
		.port = at / f->scan_count % f->port_count,
		.scan = at % f->scan_count,
	};
}

size_t
finding_at(const struct findings *f, const struct finding_place *place)
{
	return (place->target * f->port_count + place->port) * f->scan_count +
		place->scan;
}

size_t
finding_target(const struct findings *f, const struct packet_addr *addr)
{
	size_t low = 0;
	size_t high = f->target_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order =
			memcmp(addr, &f->targets[middle].addr, sizeof *addr);

		if (order == 0) {
			return middle;
		}
		if (order < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return f->target_count;
}

size_t
finding_port(const struct findings *f, uint16_t port)
{
	size_t low = 0;
	size_t high = f->port_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->ports[middle] == port) {
			return middle;
		}
		if (f->ports[middle] > port) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return f->port_count;
}

static size_t
find_scan(const struct findings *f, enum probe_scan scan)
{
	size_t i = 0;

	while (i < f->scan_count && f->scans[i] != scan) {
		i++;
	}
	return i;
}

/* A link-local address may be written without its device. */
static bool
is_called(const struct target_addr *target, const char *address)
{
	size_t len = strchr(address, '%') ? strlen(target->text)
					  : strcspn(target->text, "%");

	return strlen(address) == len &&
		memcmp(address, target->text, len) == 0;
}

size_t
finding_named(const struct findings *f, const struct packet_addr *addr,
	      const char *text)
{
	size_t at = finding_target(f, addr);

	/* The same address may be reachable by several devices. */
	while (at > 0 && at < f->target_count &&
	       packet_addr_equal(&f->targets[at - 1].addr, addr)) {
		at--;
	}
	for (; at < f->target_count &&
	     packet_addr_equal(&f->targets[at].addr, addr);
	     at++) {
		if (is_called(&f->targets[at], text)) {
			return at;
		}
	}
	return f->target_count;
}

struct finding *
finding_of(const struct findings *f, size_t target, uint16_t port,
	   enum probe_scan scan)
{
	struct finding_place place = {
		.target = target,
		.port = finding_port(f, port),
		.scan = find_scan(f, scan),
	};

	return place.port < f->port_count && place.scan < f->scan_count &&
			target < f->target_count
		? &f->at[finding_at(f, &place)]
		: NULL;
}

struct finding *
finding_find(const struct findings *f, const char *address, uint16_t port,
	     enum probe_scan scan)
{
	size_t target = 0;

	while (target < f->target_count &&
	       !is_called(&f->targets[target], address)) {
		target++;
	}
	return finding_of(f, target, port, scan);
}

static bool
found(struct finding *finding, enum probe_state state,
      enum finding_reason reason, uint16_t detail)
{
	if (finding->state != PROBE_UNKNOWN || state == PROBE_UNKNOWN) {
		return false;
	}
	finding->state = (uint8_t)state;
	finding->reason = (uint8_t)reason;
	finding->detail = detail;
	return true;
}

/* Store a state, with its reason and detail. */
static enum probe_state
read_answer(const struct findings *f, size_t at, const struct answer *a,
	    enum finding_reason *reason, uint16_t *detail)
{
	struct finding_place place = finding_place(f, at);

	switch (a->kind) {
	case ANSWER_TCP:
		*reason = FINDING_TCP;
		*detail = a->flags;
		break;
	case ANSWER_UDP:
		*reason = FINDING_UDP;
		*detail = 0;
		break;
	case ANSWER_ICMP:
		*reason = FINDING_ICMP;
		*detail = (uint16_t)(a->type << 8 | a->code);
		break;
	}
	return probe_classify(f->scans[place.scan], a,
			      &f->targets[place.target].addr);
}

bool
finding_answer(struct findings *f, size_t at, const struct answer *a)
{
	enum finding_reason reason = FINDING_SILENCE;
	uint16_t detail = 0;
	enum probe_state state = read_answer(f, at, a, &reason, &detail);

	return found(&f->at[at], state, reason, detail);
}

void
finding_hint(struct findings *f, size_t at, const struct answer *a)
{
	struct finding *finding = &f->at[at];
	enum finding_reason reason = FINDING_SILENCE;
	uint16_t detail = 0;
	enum probe_state state = read_answer(f, at, a, &reason, &detail);

	if (finding->unsure_state == PROBE_UNKNOWN) {
		finding->unsure_state = (uint8_t)state;
		finding->unsure_reason = (uint8_t)reason;
		finding->unsure_detail = detail;
	}
}

bool
finding_connected(struct findings *f, size_t at, int error)
{
	return found(&f->at[at], probe_connected(error), FINDING_ERRNO,
		     (uint16_t)error);
}

void
finding_settle(struct findings *f, size_t at, unsigned tries)
{
	enum probe_scan scan = f->scans[finding_place(f, at).scan];

	f->at[at].tries = (uint16_t)tries;
	f->at[at].unsure =
		found(&f->at[at], f->at[at].unsure_state,
		      f->at[at].unsure_reason, f->at[at].unsure_detail);
	if (f->at[at].state == PROBE_UNKNOWN) {
		f->at[at].state = (uint8_t)probe_silence(scan);
	}
}

bool
finding_agrees(const struct finding *finding)
{
	if (finding->nmap_down) {
		return finding->reason == FINDING_SILENCE ||
			finding->reason == FINDING_UNSENT;
	}
	return finding->nmap == PROBE_UNKNOWN ||
		finding->nmap == finding->state;
}

static bool
as_closed(enum probe_scan scan, enum probe_state state)
{
	/* Some systems send resets with a window. */
	return state == probe_kind(scan)->reset ||
		(probe_kind(scan)->by_window && state == PROBE_OPEN);
}

bool
finding_as_expected(enum finding_expected expected, enum probe_scan scan,
		    enum probe_state state)
{
	if (scan == PROBE_UDP) {
		return true;
	}
	switch (expected) {
	case FINDING_ANYTHING:
		return true;
	case FINDING_FILTERED:
		return state == PROBE_FILTERED || state == PROBE_OPEN_FILTERED;
	case FINDING_CLOSED:
		return as_closed(scan, state);
	case FINDING_OPEN:
		return !probe_is_syn(scan) || state == PROBE_OPEN;
	}
	return false;
}
