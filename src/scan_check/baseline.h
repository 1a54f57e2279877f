/* Results of an earlier run, read from its JSON. */
#ifndef TAP_SCAN_CHECK_BASELINE_H
#define TAP_SCAN_CHECK_BASELINE_H

#include <stddef.h>

#include "scan_check/results.h"

/* Larger than a result of all ports in all scans. */
#define EARLIER_FILE_MAX (256u * 1024 * 1024)

/*
 * Fill in the `before` of a table; *known becomes how many it has.
 * 0, or -1 (-ENOMEM where there is no memory) with the reason in why
 * (WHY_MAX), which names the file and the line.
 */
int earlier_read(const char *path, struct findings *findings, size_t *known,
		 char *why);

#endif
