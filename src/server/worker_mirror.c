#include "server/worker_mirror.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "os/clock.h"
#include "switching/carrier_line.h"

/* Prime to their number: it comes by all of them. */
#define PORT_STEP 12289u

/*
 * Ports of the carrier's own, from which it calls the service in the client's
 * name: the door has to know them.  In turn, from anywhere on: chosen at
 * random, both would soon be those of a client's other connections, which last
 * or which TIME-WAIT remembers.  0 or -errno.
 */
static int
choose_ports(struct worker *g, const struct receiver_event *e,
	     uint16_t ports[CARRIER_PORTS])
{
	static uint64_t next;
	const uint32_t span = CARRIER_PORT_HIGH - CARRIER_PORT_LOW + 1;
	int rc = 0;

	if (next == 0) {
		const uint64_t now = clock_us();

		next = hash_bytes(&g->hash, &now, sizeof now) % span;
	}
	for (size_t i = 0; i < CARRIER_PORTS && rc == 0; i++) {
		next++;
		ports[i] =
			(uint16_t)(CARRIER_PORT_LOW + next * PORT_STEP % span);
		rc = door_admit(&g->door, &g->conf->acl, &e->src, ports[i],
				e->dport, false);
	}
	return rc;
}

/* Of one link: no socket here can have it without that. */
static bool
is_link_local(const struct packet_addr *addr)
{
	return addr->family == 6 && addr->bytes[0] == 0xfe &&
		(addr->bytes[1] & 0xc0) == 0x80;
}

int
worker_mirror_note(struct worker *g, const struct acl_rule *rule,
		   const struct receiver_event *e)
{
	const struct switch_conf *conf = &g->conf->switching;
	const bool own = is_link_local(&e->src);
	struct carrier_note note;
	bool listed;

	if (!rule || rule->switches != ACL_SWITCH_MIRROR) {
		return 0;
	}
	listed = decoy_view_has(g->decoys, e->key_no, &e->src);
	if (g->to_carrier < 0 || !door_covers(&g->door, e->dport)) {
		/* Who is to see the decoy alone does not see the service. */
		return listed ? -EIO : 0;
	}
	note = (struct carrier_note){
		.src = e->src,
		.dst = e->dst,
		.sport = e->sport,
		.dport = e->dport,
		.decoy = rule->switch_decoy,
		.decoy_port = rule->switch_port,
		.wait_ms = conf->wait_ms,
		.buffer = conf->buffer,
		.key_no = e->key_no,
		.own_source = conf->own_source || own,
		.service_own = own,
		.to_decoy = listed,
	};
	g->shared->led += listed;
	if (choose_ports(g, e, note.ports) < 0) {
		return -EIO;
	}
	snprintf(note.name, sizeof note.name, "%s", e->key ? e->key->name : "");
	return send(g->to_carrier, &note, sizeof note,
		    MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof note
		? 1
		: -EAGAIN;
}
