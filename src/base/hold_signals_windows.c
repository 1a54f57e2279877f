#include "base/hold_signals.h"

static struct {
	CRITICAL_SECTION section;
	bool made, taken;
	volatile LONG waiting;
} held;

/* A thread of the system's calls it: the process ends when it returns. */
static BOOL WINAPI
wait_for_release(DWORD event)
{
	(void)event;
	InterlockedExchange(&held.waiting, 1);
	EnterCriticalSection(&held.section);
	LeaveCriticalSection(&held.section);
	return FALSE;
}

void
hold_signals(sigset_t *before)
{
	*before = held.taken;
	if (held.taken) {
		return;
	}
	if (!held.made) {
		InitializeCriticalSection(&held.section);
		held.made = true;
	}
	held.taken = true;
	EnterCriticalSection(&held.section);
	SetConsoleCtrlHandler(wait_for_release, TRUE);
}

bool
hold_signals_waiting(void)
{
	return held.waiting != 0;
}

void
hold_signals_release(const sigset_t *before)
{
	if (*before) {
		return;
	}
	held.taken = false;
	LeaveCriticalSection(&held.section);
	if (held.waiting) {
		/* The handler's thread ends the process. */
		Sleep(INFINITE);
	}
	SetConsoleCtrlHandler(wait_for_release, FALSE);
}
