/*
 * Running the firewall's tools, and what they complain of in one line.
 */
#ifndef TAP_FIREWALL_RUN_TOOL_H
#define TAP_FIREWALL_RUN_TOOL_H

#include <stdbool.h>

#include "firewall/firewall.h"
#include "base/text.h"

/*
 * Why a program failed, from its exit status (run.h) and what it wrote,
 * into err (FW_ERROR_MAX).  Returns -1, or -ETIME where it hung.
 */
int fw_run_fail(char *err, const char *program, int status, const char *errors);

/* Room for a script, on the heap, that t is to write; or NULL. */
char *fw_run_begin(struct text *t);
/* What it wrote; where that was too long, NULL, and it is freed. */
char *fw_run_whole(char *script, const struct text *t);
/* Why there is none, by errno: EMSGSIZE, or no memory.  Returns -1. */
int fw_run_no_script(char *err, const char *program);

/*
 * Have a program tell what there is.  Its status, as run_program(); that
 * one hangs, and so tells nothing, is said in the log.
 */
int fw_run_list(const char *const *argv, char *output, size_t size);

/* Run nft on a script, or have it only checked.  0, or as fw_run_fail(). */
int fw_run_nft(const char *script, bool check, char *err);

/*
 * Install with all that the plan asks for, or without what the tool or the
 * kernel cannot do: sockets, labels, both.  What it does without is kept in fw,
 * and not tried again.  0, or as install(): another failure than -1 ends it.
 */
typedef int fw_install_one(struct fw *fw, const struct fw_plan *plan,
			   size_t family, char *err);
int fw_run_best(struct fw *fw, const struct fw_plan *plan,
		fw_install_one *install, size_t family, char *err);

#endif
