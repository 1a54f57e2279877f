#include "client/backend.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/siphash.h"
#include "client/client_parts.h"
#include "daemon/log.h"
#include "os/netdev.h"
#include "os/sock_diag.h"
#include "tap.h"

_Static_assert(MONITOR_BEAT_MS <= BACKEND_PCAP_WAIT_MS,
	       "devices that are removed are looked for often enough");

/* What libpcap makes of devices: which are there, up, and have an address. */
struct found {
	uint64_t sum;
	uint32_t addressed; /* the last one: those of a device come together */
};

static void
add(struct found *f, const void *bytes, size_t len)
{
	static const struct hash_key key = { 0 };

	/* In whichever order they come. */
	f->sum += hash_bytes(&key, bytes, len);
}

static int
add_device(void *context, const struct device *device)
{
	char text[IF_NAMESIZE + 16];

	snprintf(text, sizeof text, "%s %u %d", device->name, device->index,
		 device->up);
	add(context, text, strlen(text));
	return 0;
}

static int
add_address(void *context, uint32_t device, const struct packet_addr *addr)
{
	struct found *f = context;

	(void)addr;
	if (device != f->addressed) {
		add(f, &device, sizeof device);
	}
	f->addressed = device;
	return 0;
}

static uint64_t
sum_of_devices(void)
{
	struct found f = { 0 };

	devices_each(add_device, &f);
	devices_each_address(add_address, &f);
	return f.sum;
}

static bool
are_others(struct client *c)
{
	uint64_t sum;

	if (!devices_changed(&c->devices)) {
		return false;
	}
	sum = sum_of_devices();
	if (sum == c->devices_sum) {
		return false;
	}
	c->devices_sum = sum;
	return true;
}

/* What a worker asks the monitor: whether this host has no such socket. */
struct question {
	struct sock_diag_connection connection;
	char device[IF_NAMESIZE];
};

/* Where nobody knows, it is not. */
static bool
is_others(void *context, const struct outbound_syn *in,
	  const struct packet *syn)
{
	struct question question = {
		.connection = { .local = syn->src,
				.remote = syn->dst,
				.local_port = syn->sport,
				.remote_port = syn->dport },
	};
	const struct client *c = context;
	uint8_t answer[MONITOR_QUESTION_MAX];

	snprintf(question.device, sizeof question.device, "%s", in->device);
	return monitor_ask(c->netfilter.to_monitor, &question, sizeof question,
			   answer, NULL) > 0;
}

bool
backend_answer(struct client *c, const void *question, size_t len, void *answer,
	       size_t *answered)
{
	struct question asked;

	if (len != sizeof asked) {
		return false;
	}
	memcpy(&asked, question, sizeof asked);
	asked.device[sizeof asked.device - 1] = '\0';
	asked.connection.device = if_nametoindex(asked.device);
	*answered = sock_diag_exists(&c->diag, &asked.connection) == 0;
	memset(answer, 0, *answered);
	return true;
}

static void
ignore(void *context, const struct sock_diag_socket *socket)
{
	(void)context;
	(void)socket;
}

/* What leaves a device may come from behind this host. */
static void
tell_others_apart(struct client *c)
{
	if (sock_diag_each_opening(ignore, NULL) < 0) {
		log_say(LOG_LEVEL_WARNING,
			"this kernel does not tell of sockets (INET_DIAG): "
			"connections that it forwards are authenticated, too");
		return;
	}
	c->outbound.is_others = is_others;
	c->outbound.others_context = c;
}

static int
open_pcap(struct client *c)
{
	int rc = devices_watch(&c->devices);

	if (rc < 0) {
		return log_fail("devices", rc);
	}
	tell_others_apart(c);
	c->devices_sum = sum_of_devices();
	return backend_pcap_open(&c->pcap, &c->outbound, c->conf, true);
}

static size_t
fds_of_pcap(const struct client *c, struct pollfd *fds)
{
	return backend_pcap_fds(&c->pcap, fds);
}

static bool
serve_pcap(struct client *c, const struct pollfd *fds)
{
	const char *failed = backend_pcap_serve(&c->pcap);

	(void)fds;
	/* The monitor sees to it, and to those that come. */
	if (failed) {
		log_say(LOG_LEVEL_WARNING, "%s: it is gone, or down", failed);
	}
	return true;
}

/*
 * Follow the devices that a configuration names, or still those of before.
 * For each worker anew: where the last one was in what libpcap shares with
 * the kernel, it alone knew.
 */
static int
follow_anew(struct client *c, const struct client_conf *conf)
{
	struct backend_pcap before = c->pcap;

	if (backend_pcap_open(&c->pcap, &c->outbound, conf, true) != TAP_OK) {
		c->pcap = before;
		return -1;
	}
	backend_pcap_close(&before);
	return 0;
}

/* Without devices the next worker waits, as for those that come. */
static void
recover_pcap(struct client *c)
{
	if (follow_anew(c, c->conf) < 0) {
		backend_pcap_close(&c->pcap);
	}
}

static int
replace_devices(struct client *c, const struct client_conf *conf,
		const struct fw_plan *rules, char *err)
{
	(void)rules;
	snprintf(err, CONF_ERROR_MAX,
		 "these rules cannot be used with --backend pcap");
	return follow_anew(c, conf);
}

const struct backend by_pcap = {
	.name = "pcap",
	.no_fastpath = "backend=pcap",
	.open = open_pcap,
	.fds = fds_of_pcap,
	.serve = serve_pcap,
	.recover = recover_pcap,
	.replace = replace_devices,
	.stale = are_others,
	.stay = recover_pcap,
};
