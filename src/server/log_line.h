/*
 * A line of the server's log, read again: of a log file, as text or JSON, or
 * as `journalctl -o short-unix` has it.
 */
#ifndef TAP_SERVER_LOG_LINE_H
#define TAP_SERVER_LOG_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/acl.h"

#define LOG_LINE_ADDRESS_MAX 46u /* INET6_ADDRSTRLEN */

/* A connection that was accepted. */
struct log_line {
	uint64_t instant; /* 0: the line does not say when */
	uint16_t key_no, sport, dport;
	char name[ACL_NAME_MAX + 1];
	char src[LOG_LINE_ADDRESS_MAX], dst[LOG_LINE_ADDRESS_MAX];
	char skew[16]; /* "+0.004"; empty: not known, nor which key */
};

/* False where the line, which has no end, tells of no such connection. */
bool log_line_accepted(const char *line, struct log_line *out);

#endif
