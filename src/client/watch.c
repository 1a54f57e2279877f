#include "client/watch.h"

#include "daemon/connected.h"
#include "os/sock_diag.h"

struct sockets {
	const struct client_conf *conf;
	struct connected *out;
};

static bool
is_for(const struct sender_rule *rule, const struct sock_diag_socket *socket)
{
	const struct sock_diag_connection *c = &socket->connection;

	return !rule->forwarded &&
		sender_goes_to(rule, &c->remote, c->remote_port) &&
		acl_net_has(&rule->src, &c->local) &&
		(!rule->has_user || rule->uid == socket->uid);
}

static void
take_socket(void *context, const struct sock_diag_socket *socket)
{
	const struct sockets *s = context;

	for (size_t i = 0; i < s->conf->rules_count; i++) {
		const struct sender_rule *rule = &s->conf->rules[i];

		if (is_for(rule, socket)) {
			connected_add(
				s->out,
				&(struct connected_row){
					.key_no = rule->key.no,
					.name = rule->key.name,
					.addr = socket->connection.remote,
					.port = socket->connection.remote_port,
					.count = 1,
					.opening = socket->opening,
				});
			return;
		}
	}
}

void
client_watch_rows(struct text *t, struct client *c)
{
	static struct connected connected;
	struct sockets s = { c->conf, &connected };

	connected = (struct connected){ .count = 0 };
	(void)sock_diag_each(&c->diag, take_socket, &s);
	connected_write(t, &connected);
}

static const struct watch_field fields[] = {
	{ "backend", "backend", WATCH_TEXT, true },
	{ "fastpath", "fast path", WATCH_TEXT, true },
	{ "fastpath_reason", "", WATCH_TEXT, true },
	{ "no_address", "no address", WATCH_TEXT, true },
	{ "syns", "SYNs seen", WATCH_COUNT, true },
	{ "authenticated", "authenticated", WATCH_COUNT, true },
	{ "as_is.no_rule", "sent as is: no rule", WATCH_COUNT, false },
	{ "as_is.data", "sent as is: data", WATCH_COUNT, false },
	{ "as_is.mark", "sent as is: mark", WATCH_COUNT, false },
	{ "as_is.failed", "not authenticated", WATCH_COUNT, false },
	{ "refused.signature", "refused: signed", WATCH_COUNT, false },
	{ "fastpath_syns", "fast path: SYNs", WATCH_COUNT, false },
	{ "queue_drops", "queue drops", WATCH_COUNT, true },
	{ "rules_restored", "rules restored", WATCH_COUNT, false },
	{ "worker_restarts", "worker restarts", WATCH_COUNT, false },
	{ "log_lost", "log lines lost", WATCH_COUNT, false },
};

_Static_assert(sizeof fields / sizeof fields[0] <= WATCH_FIELDS_MAX,
	       "a page has room for them");

const struct watch_side client_watch_side = {
	.title = "tap client",
	.fields = fields,
	.count = sizeof fields / sizeof fields[0],
	.peer = "TO",
};
