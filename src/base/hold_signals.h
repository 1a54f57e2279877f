/*
 * A stretch of work that no signal cuts in two: what must not be left
 * half done is done, or undone, before the process ends.
 */
#ifndef TAP_BASE_HOLD_SIGNALS_H
#define TAP_BASE_HOLD_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* Put signals off, but for those of the process's own faults. */
void hold_signals(sigset_t *before);
/* Whether one that ends the process waits: time to undo, and release. */
bool hold_signals_waiting(void);
/* Let them come. */
void hold_signals_release(const sigset_t *before);

#endif
