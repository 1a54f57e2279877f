#include "client/client_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/why.h"
#include "base/text.h"
#include "client/backend_pcap.h"
#include "daemon/log.h"
#include "daemon/privileges.h"
#include "tap.h"

struct client_posix {
	struct client_conf *conf;
	struct outbound outbound;
	struct outbound_counters counters;
	struct backend_pcap backend;
	int signals; /* of open_signals() */
};

/* Signals that came, a byte each: poll(2) can wait for these. */
static int signal_pipe[2] = { -1, -1 };

static void
note_signal(int number)
{
	const unsigned char byte = (unsigned char)number;
	int saved = errno;
	/* A full pipe has signals enough. */
	ssize_t ignored = write(signal_pipe[1], &byte, 1);

	(void)ignored;
	errno = saved;
}

/* A descriptor, or -errno. */
static int
open_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = note_signal,
				    .sa_flags = SA_RESTART };

	if (pipe(signal_pipe) < 0) {
		return -errno;
	}
	for (size_t i = 0; i < 2; i++) {
		if (fcntl(signal_pipe[i], F_SETFL, O_NONBLOCK) < 0) {
			return -errno;
		}
	}
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		if (sigaction(numbers[i], &action, NULL) < 0) {
			return -errno;
		}
	}
	return signal_pipe[0];
}

static bool
told_to_stop(int signals)
{
	unsigned char number;

	while (read(signals, &number, 1) == 1) {
		if (number != SIGHUP) {
			return true;
		}
		log_say(LOG_LEVEL_WARNING,
			"SIGHUP: restart to read the "
			"configuration again");
	}
	return false;
}

static int
serve(struct client_posix *s)
{
	for (;;) {
		struct pollfd fds[BACKEND_PCAP_FDS + 1];
		size_t count = backend_pcap_fds(&s->backend, fds);
		const char *failed;

		fds[count] =
			(struct pollfd){ .fd = s->signals, .events = POLLIN };
		/* Reserve source ports now, while no SYN waits for them. */
		ports_refill(&s->outbound.ports);
		log_flush();
		if (poll(fds, (nfds_t)count + 1, BACKEND_PCAP_WAIT_MS) < 0) {
			if (errno == EINTR) {
				continue;
			}
			log_say(LOG_LEVEL_ERROR, "poll: %s", strerror(errno));
			return TAP_SYSTEM;
		}
		log_gather();
		failed = backend_pcap_serve(&s->backend);
		if (failed) {
			log_say(LOG_LEVEL_ERROR, "%s: it is gone, or down",
				failed);
			return TAP_SYSTEM;
		}
		if (fds[count].revents && told_to_stop(s->signals)) {
			return TAP_OK;
		}
	}
}

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
	int status;

	s->signals = open_signals();
	if (s->signals < 0) {
		log_say(LOG_LEVEL_ERROR, "signals: %s", strerror(-s->signals));
		return TAP_SYSTEM;
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
		status = serve(&s);
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
