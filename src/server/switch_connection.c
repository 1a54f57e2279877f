#include "server/switch_connection.h"

#include <errno.h>
#include <string.h>

#include "daemon/log.h"
#include "os/conntrack.h"
#include "os/sock_diag.h"

static struct connection *
find(struct connections *all, const struct packet *p, bool translated)
{
	struct connection *c = connections_find(all, p, translated);

	return c && c->key_no >= 0 && c->key_no <= UINT16_MAX ? c : NULL;
}

/* Tracking knows it by what its packets have on either side of this host. */
static struct connection *
find_original(struct connections *all, const struct packet *p)
{
	struct conntrack_entry entry;
	struct netlink nl;
	int rc = conntrack_open(&nl);

	if (rc < 0) {
		return NULL;
	}
	rc = conntrack_find(&nl, p, &entry);
	netlink_close(&nl);
	return rc == 1 ? find(all, &entry.packet, false) : NULL;
}

struct connection *
switch_connection_find(struct connections *all, const struct alert *alert)
{
	const struct packet ways[2] = {
		{ .src = alert->src,
		  .dst = alert->dst,
		  .sport = alert->sport,
		  .dport = alert->dport },
		{ .src = alert->dst,
		  .dst = alert->src,
		  .sport = alert->dport,
		  .dport = alert->sport },
	};
	struct connection *c = NULL;

	for (size_t i = 0; i < 2 && !c; i++) {
		c = find(all, &ways[i], false);
	}
	c = c ? c : find_original(all, &ways[0]);
	/* Where tracking has forgotten it: by its source alone. */
	for (size_t i = 0; i < 2 && !c; i++) {
		c = find(all, &ways[i], true);
	}
	return c;
}

/* Where its packets are sent; whether tracking has it. */
static bool
look_up(struct netlink *nl, const struct packet *p,
	struct conntrack_entry *entry)
{
	*entry = (struct conntrack_entry){
		.packet = *p,
		.to = p->dst,
		.to_port = p->dport,
	};
	return conntrack_find(nl, p, entry) == 1;
}

static struct sock_diag_connection
socket_of(const struct conntrack_entry *entry)
{
	return (struct sock_diag_connection){
		.local = entry->to,
		.local_port = entry->to_port,
		.remote = entry->packet.src,
		.remote_port = entry->packet.sport,
	};
}

bool
switch_connection_is_open(const struct connection *c)
{
	const struct packet p = connections_packet(c);
	struct conntrack_entry entry = { .packet = p };
	struct sock_diag_connection socket;
	struct netlink nl;
	bool open;

	if (conntrack_open(&nl) < 0) {
		return false;
	}
	(void)look_up(&nl, &p, &entry);
	open = conntrack_is_established(&nl, &p) == 1;
	netlink_close(&nl);
	socket = socket_of(&entry);
	if (!open && sock_diag_open(&nl) == 0) {
		open = sock_diag_exists(&nl, &socket) == 1;
		netlink_close(&nl);
	}
	return open;
}

enum switch_cut
switch_connection_cut(struct connection *c)
{
	const struct packet p = connections_packet(c);
	struct conntrack_entry entry;
	struct sock_diag_connection socket;
	struct netlink nl;
	bool tracked, open;
	int rc = conntrack_open(&nl);

	if (rc < 0) {
		log_fail("switch: conntrack", rc);
		return SWITCH_STAYS;
	}
	tracked = look_up(&nl, &p, &entry);
	open = conntrack_is_established(&nl, &p) == 1;
	socket = socket_of(&entry);
	rc = sock_diag_destroy(&socket);
	if (rc == -ENOENT && tracked) {
		/* Through this host: what comes later is of no connection. */
		c->family = 0;
		rc = conntrack_remove(&nl, &p);
		rc = rc == 0 && !open ? -ENOENT : rc;
	}
	netlink_close(&nl);
	if (rc < 0 && rc != -ENOENT) {
		log_fail("switch: a connection can't be reset", rc);
		return SWITCH_STAYS;
	}
	return rc == 0 ? SWITCH_CUT : SWITCH_GONE;
}
