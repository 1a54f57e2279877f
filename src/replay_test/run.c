#include "replay_test/run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/why.h"
#include "os/own_addrs.h"
#include "conf/client_conf.h"
#include "replay_test/capture.h"
#include "replay_test/report.h"
#include "os/route.h"
#include "tap.h"
#include "measure/target.h"

static int
complain(const char *object, const char *why, int status)
{
	fprintf(stderr, "tap replay-test: %s: %s\n", object, why);
	return status;
}

/* ---- whom it is allowed to attack */

/* The addresses of one host.  TAP_OK, with them to be freed. */
static int
find_host(const char *host, struct target_addr **targets, size_t *count)
{
	char why[WHY_MAX];
	int rc;

	*targets = NULL;
	if (strchr(host, '/')) {
		return complain(host, "is more than one host", TAP_USAGE);
	}
	rc = target_find(host, targets, count, why);
	if (rc < 0) {
		fprintf(stderr, "tap replay-test: %s\n", why);
		return rc == TARGET_WRONG ? TAP_USAGE : TAP_SYSTEM;
	}
	if (*count > REPLAY_TEST_ADDRESSES_MAX) {
		free(*targets);
		*targets = NULL;
		return complain(host, "has too many addresses: name one",
				TAP_USAGE);
	}
	return TAP_OK;
}

static bool
is_among(const struct target_addr *targets, size_t count,
	 const struct packet_addr *addr)
{
	for (size_t i = 0; i < count; i++) {
		if (packet_addr_equal(&targets[i].addr, addr)) {
			return true;
		}
	}
	return false;
}

/* Whether somebody answers for this address.  TAP_OK, or with an error. */
static int
ask_allowed(const struct replay_test *t, const struct packet_addr *addr,
	    bool *allowed)
{
	int rc = addrs_own(addr);

	if (rc < 0) {
		return complain("addresses", strerror(-rc), TAP_SYSTEM);
	}
	*allowed = rc == 1;
	for (size_t i = 0; i < t->allowed_count && !*allowed; i++) {
		struct target_addr *targets;
		size_t count;
		int status = find_host(t->allowed[i], &targets, &count);

		if (status != TAP_OK) {
			return status;
		}
		*allowed = is_among(targets, count, addr);
		free(targets);
	}
	return TAP_OK;
}

static int
check_allowed(const struct replay_test *t, const char *host,
	      const struct target_addr *targets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool allowed = false;
		int status = ask_allowed(t, &targets[i].addr, &allowed);

		if (status != TAP_OK) {
			return status;
		}
		if (!allowed) {
			return complain(host,
					"is not this host; where it is "
					"yours, say so: "
					"--i-am-responsible-for",
					TAP_USAGE);
		}
	}
	return TAP_OK;
}

/* ---- the way there */

/* Another address to send from: the user's choice, or any. */
static int
find_other(const struct replay_test *t, struct attack_wire_target *out)
{
	struct target_addr *found;
	size_t count;
	int status;

	if (!t->from) {
		int rc = addrs_other(&out->src, out->device, &out->other);

		return rc < 0 ? complain("addresses", strerror(-rc), TAP_SYSTEM)
			      : TAP_OK;
	}
	status = find_host(t->from, &found, &count);
	if (status != TAP_OK) {
		return status;
	}
	out->other = found[0].addr;
	free(found);
	if (out->other.family != out->addr.family ||
	    addrs_own(&out->other) != 1 ||
	    packet_addr_equal(&out->other, &out->src)) {
		return complain(
			t->from,
			"is not another address of this host, of the same IP version",
			TAP_USAGE);
	}
	return TAP_OK;
}

/* The first of the addresses that there is a way to; of a family, or any. */
static int
find_way(const struct replay_test *t, const char *host,
	 const struct target_addr *targets, size_t count, uint8_t family,
	 struct attack_wire_target *out)
{
	struct netlink nl;
	int rc = route_open(&nl);
	int error = rc < 0 ? -rc : EAFNOSUPPORT;

	for (size_t i = 0; i < count && rc >= 0 && !out->addr.family; i++) {
		struct route route;

		if (family && targets[i].addr.family != family) {
			continue;
		}
		rc = route_find(&nl, &targets[i].addr, targets[i].device,
				&route);
		if (rc < 0) {
			error = -rc;
			rc = 0;
			continue;
		}
		*out = (struct attack_wire_target){
			.addr = targets[i].addr,
			.device = route.device,
			.scope = targets[i].device,
			.src = route.src,
		};
	}
	netlink_close(&nl);
	if (!out->addr.family) {
		return complain(host, strerror(error), TAP_SYSTEM);
	}
	return find_other(t, out);
}

/* ---- the material */

static void
show_recording(void *context, unsigned left)
{
	struct replay_test *t = context;

	if (progress_due(&t->progress)) {
		progress_show(&t->progress,
			      "%s: no group yet, %u s left: "
			      "connect to port %u now",
			      t->live, left, t->options.port);
	}
}

static int
no_group(const struct replay_test *t)
{
	char why[160];

	snprintf(why, sizeof why,
		 "no group to port %u of %.64s in %llu SYNs "
		 "to it, of %llu packets",
		 t->options.port, t->host,
		 (unsigned long long)t->recording.syns,
		 (unsigned long long)t->recording.packets);
	return t->pcap ? complain(t->pcap, why, TAP_USAGE)
		       : complain(t->live, why, TAP_SYSTEM);
}

static int
take_material(struct replay_test *t)
{
	char why[WHY_MAX];
	int rc = 0;

	if (!t->pcap && !t->live) {
		return TAP_OK;
	}
	recording_init(&t->recording, t->to, t->to_count, t->options.port);
	progress_begin(&t->progress);
	if (t->pcap) {
		rc = material_read(&t->recording, t->pcap, why);
	} else {
		fprintf(stderr,
			"tap replay-test: recording on %s for %u s: "
			"connect to port %u of %s now\n",
			t->live, t->seconds, t->options.port, t->host);
		rc = material_record(&t->recording, t->live, t->seconds,
				     show_recording, t, why);
		progress_clear(&t->progress);
	}
	if (rc < 0) {
		fprintf(stderr, "tap replay-test: %s\n", why);
		return t->pcap && rc != -ENOMEM ? TAP_USAGE : TAP_SYSTEM;
	}
	if (recording_count(&t->recording) == 0) {
		return no_group(t);
	}
	t->options.recording = &t->recording;
	return TAP_OK;
}

/* ---- all of it */

/* Choose the address that the recorded group went to. */
static void
prefer_recorded(const struct replay_test *t, struct target_addr *targets,
		size_t *count)
{
	const struct packet_addr *dst = &recording_best(&t->recording)->dst;

	for (size_t i = 0; i < *count; i++) {
		if (packet_addr_equal(&targets[i].addr, dst)) {
			targets[0] = targets[i];
			*count = 1;
		}
	}
}

static int
find_ways(struct replay_test *t, struct target_addr *targets, size_t count,
	  const struct target_addr *also, size_t also_count)
{
	struct attack_wire_target *target = &t->options.target;
	int status;

	if (t->options.recording) {
		prefer_recorded(t, targets, &count);
	}
	status = find_way(t, t->host, targets, count, 0, target);
	if (status == TAP_OK && also) {
		status = find_way(t, t->also, also, also_count,
				  target->addr.family, &t->options.also);
	}
	/* A tap client on this host must not authenticate our attacks. */
	if (status == TAP_OK && addrs_own(&target->addr) == 0) {
		t->options.mark = CLIENT_CONF_MARK;
	}
	return status;
}

/* Check everything before anything is sent. */
static int
prepare(struct replay_test *t)
{
	struct target_addr *targets, *also = NULL;
	size_t count, also_count = 0;
	int status = find_host(t->host, &targets, &count);

	status = status ? status : check_allowed(t, t->host, targets, count);
	if (status == TAP_OK && t->also) {
		status = find_host(t->also, &also, &also_count);
		status = status ? status
				: check_allowed(t, t->also, also, also_count);
	}
	for (size_t i = 0; status == TAP_OK && i < count; i++) {
		t->to[t->to_count++] = targets[i].addr;
	}
	status = status ? status : take_material(t);
	status = status ? status
			: find_ways(t, targets, count, also, also_count);
	free(targets);
	free(also);
	return status;
}

static void
show_attack(void *context, enum attack_kind kind, size_t at, size_t of)
{
	struct replay_test *t = context;

	if (of > 0) {
		t->at = at + 1;
		t->of = of;
	}
	if (progress_due(&t->progress)) {
		progress_show(&t->progress, "%s: attack %zu of %zu: %s, %s",
			      t->host, t->at, t->of, attacks[kind].name,
			      attacks[kind].what);
	}
}

static int
write_report(const struct replay_test *t)
{
	char address[INET6_ADDRSTRLEN] = "";
	const struct packet_addr *addr = &t->options.target.addr;
	const struct replay_report r = {
		.host = t->host,
		.address = address,
		.port = t->options.port,
		.material = t->pcap ? "pcap"
			: t->live   ? "live"
				    : "key",
		.groups = (size_t)t->recording.found,
		.run = &t->report,
	};

	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, address,
		  sizeof address);
	if (replay_report_write(&r, report_form(t->json)) < 0) {
		return complain("report", "out of memory", TAP_SYSTEM);
	}
	if (t->report.lost) {
		fprintf(stderr,
			"tap replay-test: %u packets came too fast to "
			"be seen: use a lower --rate\n",
			t->report.lost);
	}
	if (replay_report_count(&r, ATTACK_RUN_ACCEPTED) > 0) {
		return TAP_NO;
	}
	return replay_report_count(&r, ATTACK_RUN_REFUSED) > 0
		? TAP_OK
		: complain(t->host, "no attack could be judged", TAP_SYSTEM);
}

int
replay_test_run(struct replay_test *t)
{
	char why[WHY_MAX];
	int status = prepare(t);

	if (status != TAP_OK) {
		return status;
	}
	t->options.progress = show_attack;
	t->options.context = t;
	progress_begin(&t->progress);
	if (attack_run(&t->options, &t->report, why) < 0) {
		progress_clear(&t->progress);
		return complain(t->host, why, TAP_SYSTEM);
	}
	progress_clear(&t->progress);
	return write_report(t);
}
