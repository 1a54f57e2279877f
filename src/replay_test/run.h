/*
 * A test of what a server refuses: whom it is allowed to attack, with
 * what, and the report.
 */
#ifndef TAP_REPLAY_TEST_RUN_H
#define TAP_REPLAY_TEST_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replay_test/attack_run.h"
#include "conf/keyfile.h"
#include "measure/progress.h"
#include "replay_test/recording.h"

#define REPLAY_TEST_ALLOWED_MAX 16u   /* of --i-am-responsible-for */
#define REPLAY_TEST_ADDRESSES_MAX 32u /* of one name */

struct replay_test {
	/* The caller's: what is wanted. */
	const char *host, *also, *from; /* as the user named them, or NULL */
	const char *allowed[REPLAY_TEST_ALLOWED_MAX];
	size_t allowed_count;
	const char *pcap, *live; /* a file or a device, or NULL */
	unsigned seconds;        /* to record */
	struct attack_run_options options;
	bool json;

	/* Its own. */
	struct packet_addr to[REPLAY_TEST_ADDRESSES_MAX];
	size_t to_count;
	struct recording recording;
	struct attack_run_report report;
	struct progress progress;
	size_t at, of; /* of the progress line */
};

/* Attack, and print.  An exit status. */
int replay_test_run(struct replay_test *t);

#endif
