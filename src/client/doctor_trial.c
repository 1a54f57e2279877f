#include "client/doctor_trial.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/why.h"
#include "measure/connect.h"
#include "os/clock.h"
#include "protocol/frame.h"

#define TURN_MS 50

static void
note_syn(struct doctor_trial *t, const struct packet *p)
{
	for (size_t i = 0; i < t->syns_count; i++) {
		/* A device may show a packet twice. */
		if (t->syns[i].seq == p->seq && t->syns[i].sport == p->sport &&
		    t->syns[i].window == p->window) {
			return;
		}
	}
	if (t->syns_count < TRIAL_SYNS_MAX) {
		t->syns[t->syns_count].seq = p->seq;
		t->syns[t->syns_count].sport = p->sport;
		t->syns[t->syns_count++].window = p->window;
	}
	if (p->sport == t->sport) {
		attempts_note(&t->heard, p, 0);
		/* By the doctor alone. */
		t->heard.at[0].told = true;
	}
}

static void
take(struct doctor_trial *t, struct cap *cap, const struct packet_addr *dst,
     uint16_t port)
{
	struct cap_packet c;
	struct packet p;

	while (cap_next(cap, &c) > 0) {
		if (packet_parse(&p, c.ip, c.len, c.wire_len) == PACKET_OK &&
		    packet_is_syn(&p) && p.dport == port &&
		    packet_addr_equal(&p.dst, dst)) {
			note_syn(t, &p);
		} else {
			attempts_hear(&t->heard, c.ip, c.len, c.wire_len);
		}
	}
}

static void
watch(struct doctor_trial *t, struct dial *dial, struct cap *cap,
      const struct packet_addr *dst, uint16_t port)
{
	const uint64_t until = clock_ms() + TRIAL_MS;

	while (dial->error == DIAL_WAITING && clock_ms() < until) {
		struct pollfd fds[2] = {
			{ .fd = cap->fd, .events = POLLIN },
			{ .fd = dial->fd, .events = POLLOUT },
		};

		poll(fds, 2, TURN_MS);
		take(t, cap, dst, port);
		dial_look(dial);
	}
	/* What came before the kernel told us. */
	take(t, cap, dst, port);
}

int
doctor_trial_run(struct doctor_trial *t, const char *device,
		 const struct host_addr *dst, uint16_t port, char *why)
{
	char address[INET6_ADDRSTRLEN] = "", filter[CAP_FILTER_MAX];
	struct dial dial;
	struct cap cap;
	int rc;

	memset(t, 0, sizeof *t);
	inet_ntop(dst->addr.family == 4 ? AF_INET : AF_INET6, dst->addr.bytes,
		  address, sizeof address);
	snprintf(filter, sizeof filter,
		 "(tcp and host %s and port %u) or icmp or icmp6", address,
		 port);
	rc = cap_open(&cap, device, filter, why);
	if (rc < 0) {
		return rc;
	}
	t->heard.on = t->heard.one = true;
	rc = dial_begin(&dial, &dst->addr, dst->device, port);
	if (rc < 0) {
		cap_close(&cap);
		return why_errno(why, rc, "connect");
	}
	t->sport = dial.sport;
	watch(t, &dial, &cap, &dst->addr, port);
	t->error = dial.error;
	dial_end(&dial);
	cap_close(&cap);
	return 0;
}

/* The frames that bear this window, each but once; SYN1's key number. */
static size_t
frames_of(const struct doctor_trial *t, uint16_t window, long *key_no)
{
	size_t count = 1;

	*key_no = -1;
	for (size_t i = 0; i < t->syns_count; i++) {
		if (t->syns[i].window != window ||
		    t->syns[i].sport == t->sport) {
			continue;
		}
		count++;
		if (frame_role_of(t->syns[i].seq) == FRAME_SYN1) {
			*key_no = frame_key_no(t->syns[i].seq);
		}
	}
	return count;
}

size_t
doctor_trial_group(const struct doctor_trial *t, long *key_no)
{
	size_t most = 0;

	*key_no = -1;
	for (size_t i = 0; i < t->syns_count; i++) {
		size_t count;
		long no;

		if (t->syns[i].sport != t->sport) {
			continue;
		}
		count = frames_of(t, t->syns[i].window, &no);
		if (count > most) {
			most = count;
			*key_no = no;
		}
	}
	return most;
}
