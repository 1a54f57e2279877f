#include "firewall/run_tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spawn.h"
#include "daemon/log.h"
#include "firewall/ruleset.h"

char *
fw_run_begin(struct text *t)
{
	char *script = malloc(FW_TEXT_MAX);

	if (script) {
		*t = text_over(script, FW_TEXT_MAX);
	}
	return script;
}

char *
fw_run_whole(char *script, const struct text *t)
{
	if (script && t->full) {
		free(script);
		errno = EMSGSIZE;
		return NULL;
	}
	return script;
}

int
fw_run_no_script(char *err, const char *program)
{
	if (errno == EMSGSIZE) {
		why_set(err, -1, "%s: more than %u MiB of rules", program,
			FW_TEXT_MAX >> 20);
	} else {
		why_set(err, -1, "%s: out of memory", program);
	}
	return -1;
}

/* iptables warns of connlabel.conf first. */
static const char *
past_warnings(const char *errors)
{
	while (strncmp(errors, "Warning:", 8) == 0) {
		errors += strcspn(errors, "\n");
		errors += *errors != '\0';
	}
	return errors;
}

/* The first line of what a program complained of, for our one line. */
int
fw_run_fail(char *err, const char *program, int status, const char *errors)
{
	errors = past_warnings(errors);
	if (status == RUN_NOT_FOUND) {
		why_set(err, -1, "%s: not installed", program);
	} else if (status == -ETIME) {
		why_set(err, -1, "%s: timed out, killed", program);
	} else if (status == -ECANCELED) {
		why_set(err, -1, "%s: ended, as tap is to stop", program);
	} else if (status < 0) {
		why_set(err, -1, "%s: %s", program, strerror(-status));
	} else if (strcspn(errors, "\n") == 0) {
		/* 128 and more: killed by that signal less 128. */
		why_set(err, -1, "%s: exit status %d", program, status);
	} else {
		why_set(err, -1, "%s: %.*s", program,
			(int)strcspn(errors, "\n"), errors);
	}
	return status == -ETIME ? -ETIME : -1;
}

int
fw_run_list(const char *const *argv, char *output, size_t size)
{
	const int status = run_program(argv, NULL, output, size, NULL, 0);

	if (status == -ETIME) {
		log_say(LOG_LEVEL_ERROR, "%s: timed out, killed", argv[0]);
	}
	return status;
}

int
fw_run_nft(const char *script, bool check, char *err)
{
	const char *const argv[] = { "nft", check ? "-cf" : "-f", "-", NULL };
	char errors[FW_ERROR_MAX] = "";
	int status = run_program(argv, script, NULL, 0, errors, sizeof errors);

	return status == 0 ? 0 : fw_run_fail(err, "nft", status, errors);
}

int
fw_run_best(struct fw *fw, const struct fw_plan *plan, fw_install_one *install,
	    size_t family, char *err)
{
	struct fw_plan as = *plan;
	int rc = -1;

	for (unsigned without = 0; rc == -1 && without < 4; without++) {
		const bool no_sockets = without & 1 || fw->no_sockets;
		const bool no_labels = without & 2 || fw->no_labels;

		as.by_socket = plan->by_socket && !no_sockets;
		as.unlabelled = false;
		if ((without & 1 && (fw->no_sockets || !plan->by_socket)) ||
		    (without & 2 &&
		     (fw->no_labels || !ruleset_uses_labels(&as)))) {
			continue; /* it was tried */
		}
		as.unlabelled = no_labels;
		/* One of the two has to tell connections from strangers. */
		as.untracked = plan->untracked && !no_sockets;
		rc = install(fw, &as, family, err);
		if (rc == 0) {
			fw->no_sockets = no_sockets;
			fw->no_labels = no_labels;
		}
	}
	return rc;
}
