/*
 * A command of the user's own, as they would type it.
 */
#ifndef TAP_REPLAY_TEST_HOOK_H
#define TAP_REPLAY_TEST_HOOK_H

/*
 * Run it by /bin/sh, with nothing to read, and with what it prints on
 * standard error.  Its exit status, 128 + the signal that ended it, or
 * -errno.
 */
int hook_run(const char *command);

#endif
