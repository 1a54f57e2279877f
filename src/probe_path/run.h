/*
 * tap probe-path as a whole, on the near side: trials of a host's
 * addresses, or the comparison of a plan and a capture; and the report.
 */
#ifndef TAP_PROBE_PATH_RUN_H
#define TAP_PROBE_PATH_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/acl.h"
#include "measure/target_addr.h"
#include "measure/progress.h"

struct path_check {
	const char *host;                  /* as the user named it */
	const struct target_addr *targets; /* one of a version of IP */
	size_t target_count;
	uint16_t port;
	unsigned rounds;
	const struct acl_key *key; /* for the far side, or NULL */
	const char *offline;       /* a file for the plan, or NULL */
	const char *write;         /* a file for packets, or NULL */
	bool trace, json;

	/* Its own. */
	struct progress progress;
	bool begun; /* to print */
};

/* Try, and print.  An exit status. */
int path_check_run(struct path_check *c);
/* The same of a plan and a capture, two files. */
int path_check_compare(struct path_check *c, const char *plan,
		       const char *capture);

#endif
