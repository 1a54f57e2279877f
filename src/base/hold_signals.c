#include "base/hold_signals.h"

#include <stddef.h>

void
hold_signals(sigset_t *before)
{
	static const int faults[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL,
				      SIGSEGV, SIGSYS, SIGTRAP };
	sigset_t held;

	sigfillset(&held);
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		sigdelset(&held, faults[i]);
	}
	sigprocmask(SIG_BLOCK, &held, before);
}

bool
hold_signals_waiting(void)
{
	static const int ends[] = { SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,
				    SIGUSR1, SIGUSR2, SIGALRM, SIGXCPU };
	struct sigaction action;
	sigset_t waiting;

	sigpending(&waiting);
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		if (sigismember(&waiting, ends[i]) == 1 &&
		    sigaction(ends[i], NULL, &action) == 0 &&
		    action.sa_handler != SIG_IGN) {
			return true;
		}
	}
	return false;
}

void
hold_signals_release(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}
