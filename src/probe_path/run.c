#include "probe_path/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/why.h"
#include "os/output_file.h"
#include "os/pcap.h"
#include "daemon/signals.h"
#include "probe_path/filter.h"
#include "probe_path/verdict.h"
#include "probe_path/near_side.h"
#include "probe_path/plan.h"
#include "probe_path/report.h"
#include "probe_path/trace.h"
#include "probe_path/wording.h"
#include "tap.h"

static int
complain(int status, const char *object, const char *why)
{
	fprintf(stderr, "tap probe-path: %s: %s\n", object, why);
	return status;
}

/* ---- a line of progress, on a terminal, for what takes long */

static void
show_progress(void *context, size_t done, size_t total)
{
	struct path_check *c = context;

	if (progress_due(&c->progress)) {
		progress_show(&c->progress, "%s: %zu of %zu SYNs sent", c->host,
			      done, total);
	}
}

/* ---- the verdict on what was seen */

static int
judge(struct path *path, const struct trial *t, const char *object)
{
	struct path_room *room = calloc(1, sizeof *room);

	if (!room) {
		return complain(TAP_SYSTEM, object, strerror(ENOMEM));
	}
	path_judge(path, t, room);
	free(room);
	return TAP_OK;
}

static int
status_of(enum path_verdict verdict)
{
	return verdict == PATH_PASSES || verdict == PATH_PASSES_LOOSE ? TAP_OK
								      : TAP_NO;
}

/* ---- the near side */

static int
write_plan(const char *path, const struct trial *t)
{
	char *out = malloc(PATH_PLAN_MAX);
	FILE *file = NULL;
	struct text text;
	int fd = -1;
	int rc = -ENOMEM;

	if (!out) {
		goto out;
	}
	text = text_over(out, PATH_PLAN_MAX);
	path_plan_write(&text, t, true);
	fd = output_file_open(path);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	rc = file ? 0 : fd < 0 ? fd : -errno;
	if (file &&
	    (fwrite(out, 1, text.len, file) != text.len || fflush(file) != 0)) {
		rc = -errno;
	}
	if (file) {
		fclose(file);
	}
out:
	free(out);
	return rc;
}

static int
trace(struct path_check *c, struct path_near *n, struct path_trail *trail)
{
	char why[WHY_MAX];
	struct path path;
	int rc;

	/* How many hops there are. */
	if (judge(&path, &n->trial, c->host) != TAP_OK) {
		return TAP_SYSTEM;
	}
	progress_show(&c->progress, "%s: tracing", c->host);
	rc = path_trace_run(n, trail, path.has_hops ? path.hops : 0, why);
	progress_clear(&c->progress);
	return rc < 0 ? complain(TAP_SYSTEM, c->host, why) : TAP_OK;
}

static int
status_of_error(int rc)
{
	return rc == -EKEYREJECTED ? TAP_USAGE : TAP_SYSTEM;
}

/* What is left to do once all is sent and heard. */
static int
conclude(struct path_check *c, struct path_near *n,
	 const struct target_addr *target, enum path_verdict *verdict)
{
	static struct path_trail trail;
	struct path_result r = {
		.trial = &n->trial,
		.trail = &trail,
		.trouble = n->trouble,
		.no_key_wanted = n->link.no_key_wanted,
		.unsent = n->unsent,
	};
	struct path path;

	memset(&trail, 0, sizeof trail);
	if ((c->trace && !n->stopped && trace(c, n, &trail) != TAP_OK) ||
	    judge(&path, &n->trial, c->host) != TAP_OK) {
		return TAP_SYSTEM;
	}
	snprintf(r.address, sizeof r.address, "%s", target->text);
	r.path = &path;
	*verdict = path.verdict;
	/* Print no head without a result: JSON is whole or absent. */
	if (c->begun) {
		path_report_next(stdout, report_form(c->json));
	} else {
		path_report_begin(stdout, report_form(c->json), c->host,
				  c->port);
		c->begun = true;
	}
	path_report_write(stdout, report_form(c->json), &r);
	return TAP_OK;
}

static int
try_target(struct path_check *c, const struct target_addr *target,
	   struct cap_file *file, int signals, enum path_verdict *verdict)
{
	static struct path_near near;
	struct path_near_options options = {
		.far = target->addr,
		.device = target->device,
		.port = c->port,
		.rounds = c->rounds,
		.key = c->key,
		.offline = c->offline != NULL,
		.file = file,
		.signals = signals,
		.progress = show_progress,
		.context = c,
	};
	char why[WHY_MAX] = "";
	int status;
	int rc;

	progress_begin(&c->progress);
	rc = path_near_open(&near, &options, why);
	rc = rc < 0 ? rc : path_near_run(&near, why);
	progress_clear(&c->progress);
	if (rc == 0 && near.unsent > 0) {
		fprintf(stderr,
			"tap probe-path: %s: %u SYNs could not be "
			"sent: %s\n",
			target->text, near.unsent, strerror(near.unsent_errno));
	}
	if (rc < 0) {
		status = complain(status_of_error(rc), target->text, why);
	} else if (c->offline) {
		rc = write_plan(c->offline, &near.trial);
		status = rc < 0 ? complain(TAP_SYSTEM, c->offline,
					   output_file_error(rc))
				: TAP_OK;
	} else {
		status = conclude(c, &near, target, verdict);
	}
	path_near_close(&near);
	return status;
}

static int
try_all(struct path_check *c, struct cap_file *file, int signals)
{
	enum path_verdict worst = PATH_PASSES;
	int status = TAP_OK;

	for (size_t i = 0; i < c->target_count && status == TAP_OK; i++) {
		enum path_verdict verdict = PATH_PASSES;

		status = try_target(c, &c->targets[i], file, signals, &verdict);
		worst = path_report_worse(worst, verdict);
	}
	/* What could not be tried is not known. */
	worst = status == TAP_OK ? worst
				 : path_report_worse(worst, PATH_NOT_KNOWN);
	if (c->begun) {
		path_report_end(stdout, report_form(c->json), worst);
	}
	return status != TAP_OK || c->offline ? status : status_of(worst);
}

int
path_check_run(struct path_check *c)
{
	struct cap_file file = { .error = 0 };
	char why[WHY_MAX];
	int signals = daemon_signals();
	bool told;
	int status;
	int rc;

	if (signals < 0) {
		return complain(TAP_SYSTEM, "signals", strerror(-signals));
	}
	if (c->write && cap_file_open(&file, c->write, why) < 0) {
		close(signals);
		fprintf(stderr, "tap probe-path: %s\n", why);
		return TAP_SYSTEM;
	}
	status = try_all(c, c->write ? &file : NULL, signals);
	told = file.error < 0;
	rc = cap_file_close(&file);
	if (rc < 0 && !told) {
		complain(TAP_SYSTEM, c->write, strerror(-rc));
	}
	status = rc < 0 ? TAP_SYSTEM : status;
	close(signals);
	return status;
}

/* ---- a plan and a capture */

static int
read_plan(struct trial *t, const char *path)
{
	char *text = malloc(PATH_PLAN_MAX + 1);
	FILE *file = fopen(path, "re");
	char why[WHY_MAX];
	size_t len = 0;
	unsigned line;
	int status = TAP_OK;

	if (!text || !file) {
		int error = text ? errno : ENOMEM;

		status = complain(error == ENOMEM ? TAP_SYSTEM : TAP_USAGE,
				  path, strerror(error));
		goto out;
	}
	len = fread(text, 1, PATH_PLAN_MAX + 1, file);
	if (ferror(file) || len > PATH_PLAN_MAX) {
		status = complain(TAP_USAGE, path,
				  ferror(file) ? "read error"
					       : "longer than any plan");
		goto out;
	}
	line = path_plan_read(t, text, len, why);
	if (line != 0) {
		fprintf(stderr, "tap probe-path: %s:%u: %s\n", path, line, why);
		status = TAP_USAGE;
	}
out:
	if (file) {
		fclose(file);
	}
	free(text);
	return status;
}

static int
read_capture(struct trial *t, const char *path)
{
	struct path_filter *filter = calloc(1, sizeof *filter);
	struct cap_packet packet;
	struct field_values v;
	char why[WHY_MAX];
	struct cap cap;
	int rc;

	if (!filter) {
		return complain(TAP_SYSTEM, path, strerror(ENOMEM));
	}
	rc = cap_open_file(&cap, path, why);
	if (rc < 0) {
		free(filter);
		fprintf(stderr, "tap probe-path: %s\n", why);
		return rc == -ENOMEM ? TAP_SYSTEM : TAP_USAGE;
	}
	while ((rc = cap_next(&cap, &packet)) == 1) {
		if (field_read(&v, packet.ip, packet.len) == 0 &&
		    path_filter_wants(filter, t, NULL, &v) !=
			    PATH_FILTER_NOTHING) {
			trial_note(&t->seen, packet.ns, false, packet.ip,
				   packet.len);
		}
	}
	if (rc < 0) {
		fprintf(stderr,
			"tap probe-path: %s: %s: the packets before that are compared\n",
			path, cap_why(&cap));
		t->cut = true;
	}
	cap_close(&cap);
	free(filter);
	return TAP_OK;
}

static int
report_comparison(struct path_check *c, const struct trial *t)
{
	static const struct path_trail trail;
	struct path_result r = { .trial = t, .trail = &trail, .trouble = "" };
	struct path path;
	struct text address = text_over(r.address, sizeof r.address);

	if (judge(&path, t, c->host) != TAP_OK) {
		return TAP_SYSTEM;
	}
	path_put_addr(&address, &t->far);
	r.path = &path;
	path_report_begin(stdout, report_form(c->json), r.address, t->port);
	path_report_write(stdout, report_form(c->json), &r);
	path_report_end(stdout, report_form(c->json), path.verdict);
	return status_of(path.verdict);
}

int
path_check_compare(struct path_check *c, const char *plan, const char *capture)
{
	struct trial t = {
		.probes = calloc(TRIAL_PROBES_MAX, sizeof *t.probes),
		.heard = { .at = calloc(TRIAL_PACKETS_MAX, sizeof *t.heard.at),
			   .room = TRIAL_PACKETS_MAX },
		.seen = { .at = calloc(TRIAL_PACKETS_MAX, sizeof *t.seen.at),
			  .room = TRIAL_PACKETS_MAX },
		.has_seen = true,
	};
	int status = TAP_SYSTEM;

	if (!t.probes || !t.heard.at || !t.seen.at) {
		complain(TAP_SYSTEM, plan, strerror(ENOMEM));
	} else {
		status = read_plan(&t, plan);
		status = status ? status : read_capture(&t, capture);
		status = status ? status : report_comparison(c, &t);
	}
	free(t.probes);
	free(t.heard.at);
	free(t.seen.at);
	return status;
}
