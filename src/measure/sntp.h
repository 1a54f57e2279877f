/*
 * The time of another host, asked once (SNTP; RFC 4330, RFC 5905).
 */
#ifndef TAP_MEASURE_SNTP_H
#define TAP_MEASURE_SNTP_H

#include <stddef.h>
#include <stdint.h>

#define SNTP_BYTES 48u

/*
 * How far this host's clock is behind (below 0: ahead), in milliseconds, by
 * the first address of a name that answers.  0, or -errno with the reason in
 * why (WHY_MAX); -ETIMEDOUT: no answer.
 */
int sntp_ask(const char *host, int64_t *behind_ms, char *why);

/* Write a question that bears a number of the caller's. */
void sntp_question(uint8_t out[SNTP_BYTES], uint64_t number);
/*
 * The same out of an answer; sent and received by this host's clock, in
 * nanoseconds since 1970.  0, or -1 where it is no answer to that number, or
 * of a server that does not know the time itself.
 */
int sntp_answer(const uint8_t *bytes, size_t len, uint64_t number,
		uint64_t sent_ns, uint64_t received_ns, int64_t *behind_ms);

#endif
