#include "server/watch.h"

#include <netinet/in.h>
#include <stdio.h>

#include "base/json.h"
#include "conf/value.h"
#include "daemon/connected.h"
#include "os/sock_diag.h"
#include "protocol/frame.h"

static const char *
name_of(const struct acl *acl, int32_t key_no)
{
	const struct acl_key *key =
		key_no >= 0 ? acl_key_by_no(acl, (uint16_t)key_no) : NULL;

	return key ? key->name : "";
}

/* A worker wrote it: it may be anything. */
static void
put_accepted(struct text *t, const struct acl *acl,
	     const struct worker_accepted *a)
{
	char address[INET6_ADDRSTRLEN], time[VALUE_TIME_MAX], skew[32];

	if (a->src.family != 4 && a->src.family != 6) {
		return;
	}
	connected_address(address, &a->src);
	value_time_text(time, a->instant);
	snprintf(skew, sizeof skew, "%+.3f", (double)a->skew / FRAME_SECOND);
	text_add(t, "{");
	json_member(t, "row", "accepted");
	json_number(t, "key", a->key_no);
	json_member(t, "name", name_of(acl, a->key_no));
	json_member(t, "address", address);
	json_number(t, "from_port", a->sport);
	json_number(t, "port", a->dport);
	json_member(t, "skew", skew);
	json_member(t, "time", time);
	text_add(t, "}\n");
}

struct sockets {
	const struct acl *acl;
	struct connections *known;
	struct connected *out;
};

/* Where it came to another address or port, by its source alone. */
static int32_t
key_of(const struct sockets *s, const struct sock_diag_connection *c)
{
	const struct packet p = {
		.src = c->remote,
		.dst = c->local,
		.sport = c->remote_port,
		.dport = c->local_port,
	};
	const struct connection *found = connections_find(s->known, &p, false);

	found = found ? found : connections_find(s->known, &p, true);
	return found && found->key_no >= 0 && found->key_no <= UINT16_MAX
		? found->key_no
		: -1;
}

static void
take_socket(void *context, const struct sock_diag_socket *socket)
{
	const struct sock_diag_connection *c = &socket->connection;
	struct sockets *s = context;

	if (acl_has_local(s->acl, c->local_port)) {
		const int32_t key_no = key_of(s, c);

		connected_add(s->out,
			      &(struct connected_row){
				      .key_no = key_no,
				      .name = name_of(s->acl, key_no),
				      .addr = c->remote,
				      .port = c->local_port,
				      .count = 1,
			      });
	}
}

void
server_watch_rows(struct text *t, const struct worker *worker)
{
	const struct worker_shared *shared = worker->shared;
	const struct acl *acl = &worker->conf->acl;
	static struct connected connected;
	struct sockets s = { acl, worker->store.connections, &connected };
	struct netlink nl;

	for (uint64_t i = 1; i <= WORKER_RECENT; i++) {
		put_accepted(t, acl,
			     &shared->recent[(shared->recent_count - i) %
					     WORKER_RECENT]);
	}
	connected = (struct connected){ .count = 0 };
	if (sock_diag_open(&nl) == 0) {
		(void)sock_diag_each(&nl, take_socket, &s);
		netlink_close(&nl);
	}
	connected_write(t, &connected);
}

static const struct watch_field fields[] = {
	{ "hidden", "hidden", WATCH_TEXT, true },
	{ "fastpath", "fast path", WATCH_TEXT, true },
	{ "fastpath_reason", "", WATCH_TEXT, true },
	{ "door", "door", WATCH_TEXT, true },
	{ "door_reason", "", WATCH_TEXT, true },
	{ "confirm_left", "confirm within, s", WATCH_NUMBER, false },
	{ "syns", "SYNs seen", WATCH_COUNT, true },
	{ "accepted", "accepted", WATCH_COUNT, true },
#define X(reason, word)                                                        \
	{ "refused." word, "refused: " word, WATCH_COUNT, false },
	REASONS(X)
#undef X
		{ "unanswered", "accepted, no answer", WATCH_COUNT, false },
	{ "ingress_dropped", "fast path: SYNs dropped", WATCH_COUNT, false },
	{ "ingress_mac", "fast path: wrong groups", WATCH_COUNT, false },
	{ "evicted", "groups evicted", WATCH_COUNT, false },
	{ "held_dropped", "held SYNs dropped", WATCH_COUNT, false },
	{ "untracked_dropped", "untracked: dropped", WATCH_COUNT, false },
	{ "closed", "to closed ports", WATCH_COUNT, false },
	{ "decoys", "to decoys", WATCH_COUNT, false },
	{ "queue_drops", "queue drops", WATCH_COUNT, true },
	{ "held", "held SYNs", WATCH_NUMBER, false },
	{ "assembling", "in assembly", WATCH_NUMBER, false },
	{ "replays", "replays remembered", WATCH_NUMBER, false },
	{ "ingress_accepted", "fast path: accepted", WATCH_COUNT, false },
	{ "rules_restored", "rules restored", WATCH_COUNT, false },
	{ "worker_restarts", "worker restarts", WATCH_COUNT, false },
	{ "log_lost", "log lines lost", WATCH_COUNT, false },
};

_Static_assert(sizeof fields / sizeof fields[0] <= WATCH_FIELDS_MAX,
	       "a page has room for them");

const struct watch_side server_watch_side = {
	.title = "tap server",
	.fields = fields,
	.count = sizeof fields / sizeof fields[0],
	.peer = "FROM",
};
