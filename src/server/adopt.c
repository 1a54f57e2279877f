#include "server/adopt.h"

#include <string.h>

#include "daemon/log.h"
#include "os/conntrack.h"
#include "os/sock_diag.h"

struct adoption {
	struct worker *worker;
	struct netlink *conntrack; /* is told of sockets; or NULL */
	bool late;                 /* the worker knows them */
	int error;
};

/* Which devices it goes by is not known; one too many does no harm. */
static bool
is_protected(const struct acl *acl, const struct packet *p, bool forwarded)
{
	for (size_t i = 0; i < acl->rules_count; i++) {
		const struct acl_rule *rule = &acl->rules[i];

		if ((rule->type != ACL_LOCAL) == forwarded &&
		    acl_ports_have(rule->ports, rule->ports_count, p->dport) &&
		    acl_net_has(&rule->src, &p->src) &&
		    acl_net_has(&rule->dst, &p->dst)) {
			return true;
		}
	}
	return false;
}

static void
note(struct worker *g, const struct packet *p)
{
	connections_note(g->store.connections, p, CONNECTION_TRACKED,
			 worker_second(), NULL, NULL);
}

static void
adopt_socket(void *context, const struct sock_diag_socket *socket)
{
	const struct sock_diag_connection *c = &socket->connection;
	struct adoption *a = context;
	const struct packet p = {
		.src = c->remote,
		.dst = c->local,
		.sport = c->remote_port,
		.dport = c->local_port,
	};
	int rc = 0;

	if (!is_protected(&a->worker->conf->acl, &p, false)) {
		return;
	}
	if (!a->late) {
		note(a->worker, &p);
	}
	if (a->conntrack) {
		rc = conntrack_add(a->conntrack, &p,
				   CONNTRACK_ESTABLISHED_SECONDS);
	}
	a->error = rc < 0 ? rc : a->error;
}

/* As it came, and as it is forwarded. */
static void
adopt_tracked(void *context, const struct conntrack_entry *entry)
{
	struct adoption *a = context;
	const struct acl *acl = &a->worker->conf->acl;
	struct packet p = entry->packet;

	if (is_protected(acl, &p, false)) {
		note(a->worker, &p);
	}
	p.dst = entry->to;
	p.dport = entry->to_port;
	if (is_protected(acl, &p, true)) {
		note(a->worker, &p);
	}
}

static int
each_socket(struct adoption *a)
{
	struct netlink diag;
	int rc = sock_diag_open(&diag);

	if (rc == 0) {
		rc = sock_diag_each(&diag, adopt_socket, a);
		netlink_close(&diag);
	}
	return rc < 0 ? rc : a->error;
}

static void
complain(int rc)
{
	if (rc < 0) {
		log_say(LOG_LEVEL_WARNING,
			"connection tracking: %s; connections made before the "
			"start break when this process ends",
			strerror(-rc));
	}
}

void
adopt_connections(struct worker *g)
{
	struct adoption a = { .worker = g };
	int rc = 0;

	if (!worker_is_untracked(g)) {
		a.conntrack = &g->conntrack;
		rc = g->conntrack.fd;
	}
	if (rc >= 0 && a.conntrack) {
		rc = conntrack_each(a.conntrack, adopt_tracked, &a);
	}
	complain(rc < 0 ? rc : each_socket(&a));
}

void
adopt_sockets(struct worker *g)
{
	struct netlink conntrack;
	struct adoption a = { .worker = g,
			      .conntrack = &conntrack,
			      .late = true };
	int rc = conntrack_open(&conntrack);

	if (rc == 0) {
		rc = each_socket(&a);
		netlink_close(&conntrack);
	}
	complain(rc);
}
