#include "client/backend_netfilter.h"

#include <string.h>

#include "daemon/monitor.h"

static int
send_raw(void *context, const struct outbound_syn *in, const struct packet *syn,
	 const struct packet_view *frames, size_t count)
{
	struct netfilter *c = context;

	return rawsock_send(&c->raw, &syn->src, &syn->dst, in->outdev, in->mark,
			    frames, count);
}

/* By asking the monitor. */
static const char *
program_behind(void *context, const struct outbound_syn *in,
	       const struct packet *p)
{
	const struct sock_diag_connection connection = { p->src, p->dst,
							 p->sport, p->dport,
							 in->outdev };
	struct netfilter *c = context;
	uint8_t answer[MONITOR_QUESTION_MAX];
	ssize_t len = monitor_ask(c->to_monitor, &connection, sizeof connection,
				  answer);

	if (len <= 0 || (size_t)len >= sizeof c->program) {
		return NULL;
	}
	memcpy(c->program, answer, (size_t)len);
	c->program[len] = '\0';
	return c->program;
}

void
netfilter_init(struct netfilter *c)
{
	memset(c, 0, sizeof *c);
	c->links.nl.fd = c->links.query = c->raw.fd4 = c->raw.fd6 = -1;
}

int
netfilter_open(struct netfilter *c, struct outbound *outbound)
{
	int rc = rawsock_open(&c->raw);

	outbound->context = c;
	outbound->send = send_raw;
	outbound->program = program_behind;
	return rc < 0 ? rc : ifname_open(&c->links);
}

void
netfilter_close(struct netfilter *c)
{
	rawsock_close(&c->raw);
	ifname_close(&c->links);
}
