#include "client/backend.h"

#include <stdio.h>

#include "client/client_parts.h"
#include "daemon/log.h"
#include "tap.h"

_Static_assert(MONITOR_BEAT_MS <= BACKEND_PCAP_WAIT_MS,
	       "devices that are removed are looked for often enough");

static int
open_pcap(struct client *c)
{
	return backend_pcap_open(&c->pcap, &c->outbound, c->conf);
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
	if (failed) {
		log_say(LOG_LEVEL_ERROR, "%s: it is gone, or down", failed);
	}
	return !failed;
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

	if (backend_pcap_open(&c->pcap, &c->outbound, conf) != TAP_OK) {
		c->pcap = before;
		return -1;
	}
	backend_pcap_close(&before);
	return 0;
}

/* Without devices the next worker ends at once. */
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
	.stay = recover_pcap,
};
