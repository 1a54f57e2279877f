/*
 * Standard error for a daemon's log: no line is ever waited for.  A pipe
 * that nobody reads, a terminal that is stopped, a full disk: lines that
 * don't go are counted, and nothing else happens.
 *
 * O_NONBLOCK belongs to the open file, which a shell, a terminal or
 * another process may share, so it is never set on that: pipes and
 * terminals are opened once more, by /proc/self/fd; sockets take
 * MSG_DONTWAIT.  Where neither can be (no /proc), poll(2) is asked first.
 * A regular file is written as it is: the kernel never waits for its
 * reader, but does for a file server that is gone (tap-server(8), LOG).
 */
#ifndef TAP_DAEMON_LOG_SINK_H
#define TAP_DAEMON_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a pipe takes whole or not at all (PIPE_BUF of Linux). */
#define LOG_SINK_SIZE 4096u

/*
 * From now on wait for no line.  Without this, lines are written as they
 * come, and waited for: a command speaks to whoever called it.
 */
void log_sink_never_wait(void);
/*
 * In a process that was forked: what waits is the parent's, lines lost
 * from here on are added to *lost, and the parent tells of them.
 */
void log_sink_leave(uint64_t *lost);

/* A line, whole, with its end; at most LOG_SINK_SIZE bytes. */
void log_sink_put(const char *line, size_t len);
/*
 * Keep lines together, for one write(2), until log_sink_flush(): or until
 * no other fits.
 */
void log_sink_gather(void);
/* Write what waits.  False: some of it still does. */
bool log_sink_flush(void);
/* Whether nothing waits, which is tried; lines are still kept together. */
bool log_sink_is_clear(void);

/* Where lines go: a descriptor. */
int log_sink_fd(void);

/* The process ends: what does not go now is lost. */
void log_sink_close(void);

/* Lines lost so far, and those that nobody was told of yet. */
uint64_t log_sink_lost(void);
uint64_t log_sink_untold(void);
void log_sink_told(uint64_t lost);
/* What others have lost so far, for whom this process tells it. */
void log_sink_note_others(uint64_t lost);

#endif
