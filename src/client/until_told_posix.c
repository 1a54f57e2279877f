#include "client/until_told.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"
#include "tap.h"

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

/* 0 or -errno. */
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
	return 0;
}

int
until_told_prepare(void)
{
	const int rc = open_signals();

	if (rc < 0) {
		log_say(LOG_LEVEL_ERROR, "signals: %s", strerror(-rc));
		return TAP_SYSTEM;
	}
	return TAP_OK;
}

static bool
told_to_stop(void)
{
	unsigned char number;

	while (read(signal_pipe[0], &number, 1) == 1) {
		if (number != SIGHUP) {
			return true;
		}
		log_say(LOG_LEVEL_WARNING,
			"SIGHUP: restart to read the "
			"configuration again");
	}
	return false;
}

int
until_told_serve(struct outbound *outbound, struct backend_pcap *backend)
{
	for (;;) {
		struct pollfd fds[BACKEND_PCAP_FDS + 1];
		size_t count = backend_pcap_fds(backend, fds);
		const char *failed;

		fds[count] = (struct pollfd){ .fd = signal_pipe[0],
					      .events = POLLIN };
		/* Reserve source ports now, while no SYN waits for them. */
		ports_refill(&outbound->ports);
		log_flush();
		if (poll(fds, (nfds_t)count + 1, BACKEND_PCAP_WAIT_MS) < 0) {
			if (errno == EINTR) {
				continue;
			}
			log_say(LOG_LEVEL_ERROR, "poll: %s", strerror(errno));
			return TAP_SYSTEM;
		}
		log_gather();
		failed = backend_pcap_serve(backend);
		if (failed) {
			log_say(LOG_LEVEL_ERROR, "%s: it is gone, or down",
				failed);
			return TAP_SYSTEM;
		}
		if (fds[count].revents && told_to_stop()) {
			return TAP_OK;
		}
	}
}
