/*
 * What the log says of carried connections.
 */
#ifndef TAP_SWITCHING_SESSION_LOG_H
#define TAP_SWITCHING_SESSION_LOG_H

#include "switching/session.h"

/* "switched" or "cut", and by what. */
void session_log_switch(const struct session *s, const char *event,
			const char *reason);
/* A decoy that was behind was waited for. */
void session_log_waited(const struct session *s);
/* The decoy's first byte after the switch. */
void session_log_answer(const struct session *s, uint64_t now_us);
/* It goes on without its decoy; at a bounded rate. */
void session_log_lost(const struct session *s, const char *why,
		      uint64_t now_ms);
/* The service can't be reached; likewise. */
void session_log_refused(const struct session *s, const char *why,
			 uint64_t now_ms);

#endif
