#include "client/client_posix.h"

#include <netdb.h>
#include <signal.h>
#include <unistd.h>

#include "base/why.h"
#include "base/text.h"
#include "client/backend_pcap.h"
#include "client/until_told.h"
#include "daemon/log.h"
#include "daemon/privileges.h"
#include "tap.h"

struct client_posix {
	struct client_conf *conf;
	struct outbound outbound;
	struct outbound_counters counters;
	struct backend_pcap backend;
};

/* Names are looked up once, before there is nothing to look them up by. */
static void
find_names(struct client_conf *conf)
{
	for (struct sender_host *host = conf->hosts; host; host = host->next) {
		struct host_addr addr[SENDER_ADDRESSES_MAX];
		const int error = resolve_host(
			host->name, addr, SENDER_ADDRESSES_MAX, &host->count);

		for (size_t i = 0; i < host->count; i++) {
			host->addr[i] = addr[i].addr;
		}
		if (host->count == 0) {
			log_say(LOG_LEVEL_WARNING, "%s: %s", host->name,
				error != 0 ? gai_strerror(error)
					   : "no address");
		}
	}
}

static int
open_all(struct client_posix *s)
{
	const struct settings *settings = &s->conf->settings;
	char why[WHY_MAX];
	int status = until_told_prepare();

	if (status != TAP_OK) {
		return status;
	}
	find_names(s->conf);
	status = backend_pcap_open(&s->backend, &s->outbound, s->conf, false);
	if (status == TAP_OK &&
	    privileges_drop(PRIVILEGES_CLIENT,
			    settings->user.name[0] ? settings->user.name : NULL,
			    getppid(), why) < 0) {
		log_say(LOG_LEVEL_ERROR, "privileges: %s", why);
		status = TAP_SYSTEM;
	}
	return status;
}

int
client_posix_run(struct client_conf *conf)
{
	static struct client_posix s;
	int status;

	log_never_wait();
	/* SIGPIPE: writing the log must not kill the client. */
	signal(SIGPIPE, SIG_IGN);
	s.conf = conf;
	outbound_init(&s.outbound);
	s.outbound.conf = conf;
	s.outbound.counters = &s.counters;
	status = open_all(&s);
	if (status == TAP_OK) {
		log_say(LOG_LEVEL_INFO, "ready: %zu rule%s, %zu device%s",
			conf->rules_count, text_s(conf->rules_count),
			s.backend.wire.count, text_s(s.backend.wire.count));
		status = until_told_serve(&s.outbound, &s.backend);
		log_say(LOG_LEVEL_INFO,
			"%llu SYN%s seen, %llu of them authenticated",
			(unsigned long long)s.counters.seen,
			text_s(s.counters.seen),
			(unsigned long long)s.counters.authenticated);
	}
	backend_pcap_close(&s.backend);
	outbound_close(&s.outbound);
	client_conf_free(conf);
	log_close();
	return status;
}
