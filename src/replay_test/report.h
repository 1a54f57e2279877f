/*
 * Verdicts on attacks, as a person reads them, as a script does, and as
 * JSON; tap-replay-test(8) has the meaning of every name.
 */
#ifndef TAP_REPLAY_TEST_REPORT_H
#define TAP_REPLAY_TEST_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/table.h"
#include "replay_test/attack_run.h"

struct replay_report {
	const char *host;    /* as the user named it */
	const char *address; /* of it, that was attacked */
	uint16_t port;
	const char *material; /* key, pcap or live */
	size_t groups;        /* that were recorded */
	const struct attack_run_report *run;
};

/* To standard output.  0 or -ENOMEM. */
int replay_report_write(const struct replay_report *r, enum report_form form);

/* How many attacks had this verdict. */
size_t replay_report_count(const struct replay_report *r,
			   enum attack_run_verdict verdict);

#endif
