/*
 * The process that reads files of alerts; see follower.h.
 */
#ifndef TAP_SWITCHING_FOLLOWER_PROCESS_H
#define TAP_SWITCHING_FOLLOWER_PROCESS_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Be it, with the two descriptors that it has: what it reads comes from the
 * one, the other is inotify's.  Never returns.
 */
void follower_process(int line, int changes, size_t files, const char *user,
		      pid_t parent) __attribute__((noreturn));

#endif
