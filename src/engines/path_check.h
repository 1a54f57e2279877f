/*
 * tap probe-path as a whole, on the near side: trials of a host's
 * addresses, or the comparison of a plan and a capture; and the report.
 */
#ifndef TAP_PATH_CHECK_H
#define TAP_PATH_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "acl.h"
#include "finding.h"
#include "progress.h"

struct path_check {
	const char *host; /* as the user named it */
	const struct finding_target *targets; /* one of a version of IP */
	size_t target_count;
	uint16_t port;
	unsigned rounds;
	const struct acl_key *key; /* for the far side, or NULL */
	const char *offline; /* a file for the plan, or NULL */
	const char *write;   /* a file for packets, or NULL */
	bool trace, json;

	/* Its own. */
	struct progress progress;
};

/* Try, and print.  An exit status. */
int path_check_run(struct path_check *c);
/* The same of a plan and a capture, two files. */
int path_check_compare(struct path_check *c, const char *plan,
		       const char *capture);

#endif
