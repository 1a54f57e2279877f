/*
 * Running the firewall's tools, and what they complain of in one line.
 */
#ifndef TAP_FW_RUN_H
#define TAP_FW_RUN_H

#include <stdbool.h>

#include "fw.h"

/*
 * Why a program failed, from its exit status (run.h) and what it wrote,
 * into err (FW_ERROR_MAX).  Returns -1.
 */
int fw_run_fail(char *err, const char *program, int status,
		const char *errors);

/* Run nft on a script, or have it only checked.  0, or -1 with err. */
int fw_run_nft(const char *script, bool check, char *err);

#endif
