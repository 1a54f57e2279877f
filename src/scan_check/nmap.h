/*
 * What nmap sees: run it, or read what an earlier run wrote.
 */
#ifndef TAP_SCAN_CHECK_NMAP_H
#define TAP_SCAN_CHECK_NMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "scan_check/results.h"

struct nmap_options {
	bool as_client; /* its SYNs have to go through the firewall rules */
	/* It is about to run. */
	void (*progress)(void *context, enum probe_scan scan);
	void *context;
};

/*
 * Fill in the `nmap` of a table.  0; -1: what was read is wrong; -2: there
 * is no memory, or nmap could not be run.  The reason is in why (WHY_MAX).
 */
int nmap_run(struct findings *findings, const struct nmap_options *options,
	     char *why);
/* *known becomes how many places of the table the file tells of. */
int nmap_read(struct findings *findings, const char *path, size_t *known,
	      char *why);

#endif
