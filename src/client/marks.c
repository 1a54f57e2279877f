#include "client/marks.h"

#include <string.h>

#include "base/siphash.h"
#include "daemon/log.h"
#include "os/clock.h"
#include "os/sock_diag.h"

#define LOOK_MS 2500u /* TCP sends a SYN twice by then */

struct look {
	struct marks *marks;
	const struct client_conf *conf;
	uint64_t seen[MARKS_KNOWN_MAX]; /* at this look */
	size_t seen_count;
};

static bool
has_rule(const struct client_conf *conf, const struct sock_diag_connection *c)
{
	for (size_t i = 0; i < conf->rules_count; i++) {
		const struct sender_rule *rule = &conf->rules[i];

		if (!rule->forwarded &&
		    sender_goes_to(rule, &c->remote, c->remote_port)) {
			return true;
		}
	}
	return false;
}

static bool
was_known(const struct marks *m, uint64_t sum)
{
	for (size_t i = 0; i < m->known_count; i++) {
		if (m->known[i] == sum) {
			return true;
		}
	}
	return false;
}

static void
complain(const struct sock_diag_socket *socket)
{
	struct log_record r;

	log_begin(&r, LOG_LEVEL_WARNING, "unauthenticated");
	log_text(
		&r, "reason",
		"the socket has the mark of tap's own packets: unless it is of "
		"'tap client --to', choose another with mark=");
	log_address(&r, "src", &socket->connection.local,
		    socket->connection.local_port);
	log_address(&r, "dst", &socket->connection.remote,
		    socket->connection.remote_port);
	log_end(&r);
}

static void
take(void *context, const struct sock_diag_socket *socket)
{
	static const struct hash_key key = { 0 };
	const struct sock_diag_connection *c = &socket->connection;
	struct look *look = context;
	const uint64_t sum = hash_bytes(&key, c->remote.bytes, 16) ^
		((uint64_t)c->remote_port << 16 | c->local_port);

	if (socket->mark != look->conf->settings.mark ||
	    look->seen_count == MARKS_KNOWN_MAX || !has_rule(look->conf, c)) {
		return;
	}
	look->seen[look->seen_count++] = sum;
	if (!was_known(look->marks, sum) && look->marks->found++ == 0) {
		complain(socket);
	}
}

void
marks_look(struct marks *m, const struct client_conf *conf)
{
	struct look look = { .marks = m, .conf = conf };
	const uint64_t now = clock_ms();

	if (now - m->looked_ms < LOOK_MS) {
		return;
	}
	m->looked_ms = now;
	if (sock_diag_each_opening(take, &look) == 0) {
		memcpy(m->known, look.seen, sizeof m->known);
		m->known_count = look.seen_count;
	}
}
