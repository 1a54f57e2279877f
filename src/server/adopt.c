#include "server/adopt.h"

#include <string.h>

#include "daemon/log.h"
#include "os/conntrack.h"
#include "os/sock_diag.h"

struct adoption {
	const struct acl *acl;
	struct netlink *conntrack;
	int error;
};

static void
adopt_one(void *context, const struct sock_diag_connection *c)
{
	struct adoption *a = context;
	const struct packet p = {
		.src = c->remote,
		.dst = c->local,
		.sport = c->remote_port,
		.dport = c->local_port,
	};

	/* Which device it came by is not known; one too many does no harm. */
	for (size_t i = 0; i < a->acl->rules_count; i++) {
		const struct acl_rule *rule = &a->acl->rules[i];

		if (rule->type == ACL_LOCAL &&
		    acl_ports_have(rule->ports, rule->ports_count, p.dport) &&
		    acl_net_has(&rule->src, &p.src) &&
		    acl_net_has(&rule->dst, &p.dst)) {
			int rc = conntrack_add(a->conntrack, c);

			a->error = rc < 0 ? rc : a->error;
			return;
		}
	}
}

void
adopt_connections(const struct acl *acl)
{
	struct netlink conntrack;
	struct netlink diag;
	struct adoption a = { .acl = acl, .conntrack = &conntrack };
	int rc = conntrack_open(&conntrack);

	if (rc == 0) {
		rc = sock_diag_open(&diag);
		if (rc == 0) {
			rc = sock_diag_each(&diag, adopt_one, &a);
			netlink_close(&diag);
		}
		netlink_close(&conntrack);
	}
	rc = rc < 0 ? rc : a.error;
	if (rc < 0) {
		log_say(LOG_LEVEL_WARNING,
			"connection tracking: %s; connections made before the "
			"start live only as long as this process",
			strerror(-rc));
	}
}
