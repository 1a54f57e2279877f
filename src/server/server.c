#include "server/server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/text.h"
#include "os/clock.h"
#include "firewall/leftover.h"
#include "firewall/remove_rules.h"
#include "server/door_trust.h"
#include "server/bundle_source.h"
#include "server/status.h"
#include "server/adopt.h"
#include "server/decoys.h"
#include "server/device_programs.h"
#include "server/worker_door.h"
#include "server/worker_fastpath.h"
#include "server/worker_share.h"
#include "server/worker_state.h"
#include "server/worker_stats.h"
#include "daemon/log.h"
#include "server/alarm_command.h"
#include "server/reload.h"
#include "server/switching_text.h"
#include "server/watch.h"
#include "daemon/sd_notify.h"
#include "daemon/systemd_unit.h"
#include "fastpath/ingress.h"
#include "tap.h"

#define DROPS_EVERY_MS 10000u

static void
fill_status(struct server *s, struct stats *st)
{
	status_fill(st,
		    &(struct status_facts){
			    .conf = s->conf,
			    .worker = &s->worker,
			    .monitor = &s->monitor,
			    .watchdog = &s->watchdog,
			    .firewall = fw_tool_name(s->fw.tool),
			    .started = s->started,
			    .confirm = &s->confirm,
			    .dropped = s->dropped_ms,
			    .user_shared = s->user_shared,
			    .refused = s->reloading.refused,
			    .bundle = s->options->bundle,
			    .closing = door_trust_words(&s->trust),
			    .mirror = &s->mirror,
			    .tracking = &s->tracking,
			    .plan = &s->plan,
			    .switching = &s->switching,
		    });
}

static bool
answer(void *context, enum control_request request,
       const struct control_peer *peer, struct text *t)
{
	static struct stats st;
	struct server *s = context;

	switch (request) {
	case CONTROL_STATUS_TEXT:
	case CONTROL_STATUS_JSON:
		/*
		 * Who asks may have seen connections that are not counted yet.
		 */
		ingress_records_await(&s->worker.ingress);
		fill_status(s, &st);
		stat_write(t, &st, request == CONTROL_STATUS_JSON);
		break;
	case CONTROL_WATCH:
		fill_status(s, &st);
		stat_write(t, &st, true);
		server_watch_rows(t, &s->worker);
		break;
	case CONTROL_ALARM:
		alarm_command(&s->switching, peer->said, t);
		break;
	case CONTROL_CALM:
		alarm_command_calm(&s->switching, peer->said, t);
		break;
	case CONTROL_ALARMS_TEXT:
	case CONTROL_ALARMS_JSON:
		switching_text(&s->switching, request == CONTROL_ALARMS_JSON,
			       t);
		break;
	case CONTROL_CONFIRM:
		return confirm_ask(&s->confirm, peer, t);
	case CONTROL_RELOAD:
		return daemon_reload_begin(&s->reloading, peer, t);
	case CONTROL_LEAVE:
	case CONTROL_STOP:
		s->leaves_rules = request == CONTROL_LEAVE;
		daemon_stop_begin(t);
		break;
	}
	return true;
}

static void
pause_worker(void *context)
{
	struct server *s = context;

	worker_fastpath_pause(&s->worker);
}

static void
prepare(void *context)
{
	struct server *s = context;

	worker_prepare(&s->worker);
}

static void
take_ready(void *context, uint32_t damaged)
{
	struct server *s = context;

	worker_state_ready(&s->worker, damaged);
}

static void
recover(void *context, bool sound)
{
	struct server *s = context;

	worker_recover(&s->worker, sound);
}

static size_t
question(void *context, const void *asked_for, size_t len, void *answer_to,
	 int fds[MONITOR_FDS])
{
	struct server *s = context;
	struct worker_share_link link = { .error = EINVAL };

	/* Nothing else is asked. */
	(void)asked_for;
	(void)len;
	if (getrandom(link.id, sizeof link.id, 0) == sizeof link.id &&
	    getrandom(link.seed, sizeof link.seed, 0) == sizeof link.seed &&
	    s->conf->share.engine[0] != '\0') {
		fds[0] = share_link_connect(&s->share, s->conf);
		link.error = fds[0] < 0 ? -fds[0] : 0;
	}
	memcpy(answer_to, &link, sizeof link);
	return sizeof link;
}

static bool
carry(void *context, const struct alarm *alarm)
{
	struct server *s = context;
	uint32_t cut = 0;
	const bool said = s->mirror.deaf;
	const int rc = mirror_alarm(&s->mirror, alarm, &cut);

	if (rc < 0 && !said) {
		log_fail("switch: the carrier", rc);
	}
	return rc > 0 || cut > 0;
}

static int
listens(void *context)
{
	const struct server *s = context;

	return switching_poll(&s->switching);
}

static void
heard(void *context)
{
	struct server *s = context;

	switching_serve(&s->switching);
}

static void
asked(void *context)
{
	struct server *s = context;

	daemon_answer(s->control, answer, s);
}

/* Log drops of a full queue, but not more often than every ten seconds. */
static void
watch_drops(struct server *s, uint64_t now)
{
	uint64_t drops = worker_drops(&s->worker);

	if (drops > s->drops_seen) {
		s->dropped_ms = now;
	}
	s->drops_seen = drops;
	if (drops > s->drops && now - s->drops_ms >= DROPS_EVERY_MS) {
		log_say(LOG_LEVEL_WARNING,
			"the kernel dropped %llu packets: the queue was full",
			(unsigned long long)(drops - s->drops));
		s->drops = drops;
		s->drops_ms = now;
	}
}

static void
write_metrics(struct server *s, uint64_t now)
{
	static struct stats st;

	if (metrics_due(&s->metrics, now)) {
		fill_status(s, &st);
		metrics_start(&s->metrics, &st, worker_stats_keys, &s->worker);
	}
}

static enum monitor_next
tick(void *context)
{
	struct server *s = context;
	uint64_t now = clock_ms();

	if (s->confirm.awaited) {
		server_confirm(s);
	}
	if (confirm_failed(&s->confirm)) {
		return MONITOR_STOP;
	}
	server_keep(s);
	watchdog_look(&s->watchdog, &s->fw, &s->plan.fw);
	watch_drops(s, now);
	switching_tick(&s->switching);
	write_metrics(s, now);
	if (s->monitor.ready) {
		worker_fastpath_tick(&s->worker);
	}
	worker_door_tick(&s->worker);
	tracking_follow(&s->tracking, &s->worker, &s->plan, &s->fw,
			&s->watchdog);
	door_trust_follow(&s->trust, &s->worker, &s->plan, &s->fw);
	mirror_tick(&s->mirror, &s->worker);
	if (s->options->bundle &&
	    bundle_source_tick(
		    s->options->bundle, s->conf,
		    s->worker.shared->counters.by_reason[VERIFY_ACCEPTED],
		    s->reloading.refused[0] != '\0') &&
	    server_load(s)) {
		return MONITOR_CHANGE;
	}
	return MONITOR_GO_ON;
}

/* The worker: packets, until told to stop. */
static int
work(void *context, int to_monitor)
{
	enum { SIGNALS = WORKER_FDS, FDS };
	struct server *s = context;

	s->worker.to_monitor = to_monitor;
	mirror_leave(&s->mirror);
	ingress_leave(&s->worker.ingress);
	door_leave(&s->worker.door);
	switching_leave(&s->switching);
	bundle_source_forget(s->worker.bundle);
	monitor_ready(to_monitor, worker_begin(&s->worker));
	for (;;) {
		struct pollfd fds[FDS] = {
			[SIGNALS] = { .fd = s->signals, .events = POLLIN },
		};

		worker_fds(&s->worker, fds);
		if (poll(fds, FDS, worker_wait(&s->worker)) < 0 &&
		    errno != EINTR) {
			log_say(LOG_LEVEL_ERROR, "poll: %s", strerror(errno));
			return TAP_SYSTEM;
		}
		log_gather();
		if (!worker_serve(&s->worker, fds)) {
			return TAP_SYSTEM;
		}
		log_flush();
		if (fds[SIGNALS].revents &&
		    daemon_signal(s->signals, NULL) == DAEMON_STOP) {
			worker_leave(&s->worker);
			return TAP_OK;
		}
	}
}

static int
open_all(struct server *s)
{
	char name[32];
	int status;

	s->signals = daemon_signals();
	if (s->signals < 0) {
		return log_fail("signals", s->signals);
	}
	status = worker_open(&s->worker, s->conf);
	if (status == TAP_OK) {
		status = switching_open(&s->switching, &s->conf, &s->worker);
	}
	if (status != TAP_OK) {
		return status;
	}
	snprintf(name, sizeof name, "tap-server-%u", s->conf->settings.queue);
	s->control = daemon_control(name);
	if (s->options->confirm_seconds > 0 &&
	    s->conf->settings.firewall == FIREWALL_NONE) {
		log_say(LOG_LEVEL_ERROR,
			"--confirm: with firewall=none there are no rules that "
			"it could take away");
		return TAP_USAGE;
	}
	if (s->control < 0 && s->options->confirm_seconds > 0) {
		log_say(LOG_LEVEL_ERROR,
			"--confirm: without a control socket it could never "
			"be confirmed");
		return TAP_SYSTEM;
	}
	return TAP_OK;
}

static void
close_all(struct server *s)
{
	/* Before the queue: a successor then finds the name free. */
	if (s->control >= 0) {
		control_close(s->control);
	}
	switching_close(&s->switching);
	worker_close(&s->worker);
	watchdog_close(&s->watchdog);
	plan_free(&s->plan);
	server_conf_free(s->conf);
	if (s->signals >= 0) {
		close(s->signals);
	}
}

static int
serve(struct server *s)
{
	int status;

	if (s->options->confirm_seconds > 0) {
		confirm_begin(&s->confirm, s->options->confirm_seconds);
	}
	watchdog_open(&s->watchdog, &s->fw);
	switching_configure(&s->switching);
	worker_fastpath_await(&s->worker, &s->monitor);
	log_say(LOG_LEVEL_INFO, "ready: %zu rule%s, %zu key%s, queue %u",
		s->conf->acl.rules_count, text_s(s->conf->acl.rules_count),
		s->conf->acl.keys_count, text_s(s->conf->acl.keys_count),
		s->conf->settings.queue);
	if (s->options->refused) {
		log_say(LOG_LEVEL_ERROR,
			"%s; using the last configuration that worked, from "
			"%s",
			s->options->refused, s->options->fallback);
	}
	notify_manager("READY=1");
	status = monitor_run(&s->monitor);
	notify_manager("STOPPING=1");
	return status;
}

/* Remove the rules and the door. Returns the exit status. */
static int
show(struct server *s, int status)
{
	char err[FW_ERROR_MAX];

	if (fw_remove(&s->fw, err) < 0) {
		log_say(LOG_LEVEL_ERROR, "%s", err);
		return TAP_SYSTEM;
	}
	worker_door_remove(&s->worker);
	return status;
}

/* Whether a successor is to find all hidden. */
static bool
leaves_rules(const struct server *s)
{
	return s->leaves_rules ||
		(s->options->unit && systemd_unit_restarts(s->options->unit));
}

/* Stopped before it installed rules: remove those of an earlier server. */
static int
show_found(struct server *s)
{
	const struct settings *settings = &s->conf->settings;
	char err[FW_ERROR_MAX];

	if (settings->firewall != FIREWALL_NONE &&
	    leftover_remove(FW_SERVER, settings->queue, leftover_log, err) <
		    0) {
		log_say(LOG_LEVEL_ERROR, "%s", err);
		return TAP_SYSTEM;
	}
	worker_door_remove(&s->worker);
	return TAP_OK;
}

/*
 * The worker comes before the rules: a server that cannot work must not hide
 * the services from everybody. An exit status.
 */
static int
begin(struct server *s, const struct monitor_job *job)
{
	const struct settings *settings = &s->conf->settings;
	char err[FW_ERROR_MAX];
	int status;

	decoys_check(&s->conf->acl, decoys_log);
	device_programs_log(&s->conf->acl);
	worker_door_open(&s->worker);
	door_trust_choose(&s->trust, &s->worker, s->conf);
	mirror_prepare(&s->mirror, &s->worker);
	tracking_begin(&s->tracking, &s->worker);
	adopt_connections(&s->worker);
	worker_fastpath_open(&s->worker);
	if (server_plan(s, &s->plan, s->conf) < 0) {
		return log_fail("rules", -ENOMEM);
	}
	status = monitor_start(&s->monitor, job, s->signals);
	if (status == TAP_OK && !s->monitor.stopping &&
	    settings->firewall != FIREWALL_NONE &&
	    fw_install(&s->fw, &s->plan.fw, plan_tool(settings), err) < 0) {
		log_say(LOG_LEVEL_ERROR, "%s", err);
		if (s->options->no_rules) {
			snprintf(s->options->no_rules, CONF_ERROR_MAX, "%s",
				 err);
		}
		status = TAP_SYSTEM;
	} else if (status == TAP_OK && !s->monitor.stopping &&
		   settings->firewall != FIREWALL_NONE) {
		remove_rules_of_the_dead(&s->plan.fw);
	}
	if (status == TAP_OK && !s->monitor.stopping) {
		worker_door_settle(&s->worker);
	}
	return status;
}

/* Take the rules away, unless a successor is to find them. */
static int
end(struct server *s, int status)
{
	/* Those that nobody has confirmed hide nothing without us. */
	if (status == TAP_OK && !s->confirm.missing && leaves_rules(s)) {
		log_say(LOG_LEVEL_INFO,
			"the rules stay: all is hidden until the next "
			"server runs");
		return status;
	}
	return show(s, status);
}

static int
run(struct server *s)
{
	const struct monitor_job job = {
		.context = s,
		.role = PRIVILEGES_SERVER,
		.user = s->user.name[0] ? s->user.name : NULL,
		.shared = &s->worker.shared->monitor,
		.control = s->control,
		.work = work,
		.ready = take_ready,
		.asked = asked,
		.watch = &s->watchdog.poll,
		.other = &s->mirror.line,
		.tick = tick,
		.load = server_load,
		.pause = pause_worker,
		.prepare = prepare,
		.change = server_change,
		.recover = recover,
		.question = question,
		.listens = listens,
		.heard = heard,
	};
	int status = begin(s, &job);
	const bool serves = status == TAP_OK && !s->monitor.stopping;

	if (serves) {
		status = serve(s);
	}
	/* Close the program while the rules are still there. */
	worker_fastpath_close(&s->worker, monitor_end(&s->monitor));
	mirror_close(&s->mirror);
	/* Whoever has asked in the meantime, too. */
	asked(s);
	daemon_reload_abandon(&s->reloading, s->control);
	if (s->confirm.awaited) {
		confirm_end(&s->confirm, s->control, "it ends");
	}
	if (serves) {
		return end(s, status);
	}
	if (status == TAP_OK && !leaves_rules(s)) {
		return show_found(s);
	}
	worker_door_undo(&s->worker);
	return status;
}

int
server_run(struct server_conf *conf, const struct server_options *options)
{
	static struct server s;
	int status;

	log_never_wait();
	s = (struct server){ .conf = conf, .options = options, .control = -1 };
	/* A reload frees the configuration. */
	s.user = conf->settings.user;
	if (options->refused) {
		snprintf(s.reloading.refused, sizeof s.reloading.refused, "%s",
			 options->refused);
	}
	s.metrics.path = options->metrics;
	s.metrics.prefix = "tap_server";
	s.user_shared =
		privileges_share_user(s.user.name[0] ? s.user.name : NULL);
	watchdog_init(&s.watchdog);
	mirror_init(&s.mirror);
	follower_init(&s.switching.follower);
	s.switching.carry = carry;
	s.switching.carry_context = &s;
	s.started = clock_ms();
	/* A pipe that has been read is not read again. */
	conf_never_wait();
	status = open_all(&s);
	/* Who has the queue has the folder, too. */
	if (status == TAP_OK && !options->refused) {
		s.conf = server_stage(&s, conf);
		s.worker.conf = s.conf;
	}
	s.worker.bundle = options->bundle;
	s.confirm.missing = s.worker.unconfirmed = options->confirm_seconds > 0;
	if (status == TAP_OK) {
		status = run(&s);
	}
	metrics_remove(&s.metrics);
	close_all(&s);
	log_close();
	return status;
}
