#include "client/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "client/client_parts.h"
#include "client/fastpath.h"
#include "client/status.h"
#include "client/watch.h"
#include "os/clock.h"
#include "daemon/control.h"
#include "daemon/signals.h"
#include "fastpath/egress.h"
#include "client/outbound.h"
#include "firewall/firewall.h"
#include "firewall/watchdog.h"
#include "daemon/log.h"
#include "daemon/monitor.h"
#include "daemon/sd_notify.h"
#include "client/socket_owner.h"
#include "firewall/plan.h"
#include "daemon/stats.h"
#include "tap.h"

/* The monitor opens sockets for users, and looks up programs of sockets. */
static size_t
answer_worker(void *context, const void *question, size_t len, void *answer,
	      int fds[MONITOR_FDS])
{
	struct client *c = context;
	size_t answered;

	if (way_answer(question, len, fds) ||
	    guest_readers_answer(&c->guest_readers, question, len, &fds[0])) {
		return fds[0] >= 0;
	}
	if (backend_answer(c, question, len, answer, &answered)) {
		return answered;
	}
	return socket_owner_answer(&c->diag, question, len, answer);
}

static bool
answer(void *context, enum control_request request,
       const struct control_peer *peer, struct text *t)
{
	struct client *c = context;

	switch (request) {
	case CONTROL_STATUS_TEXT:
	case CONTROL_STATUS_JSON:
		client_write_status(c, request == CONTROL_STATUS_JSON, t);
		break;
	case CONTROL_WATCH:
		client_write_status(c, true, t);
		client_watch_rows(t, c);
		break;
	case CONTROL_RELOAD:
		/* It raises SIGHUP, which would be passed on to the task. */
		if (!c->options->task) {
			return daemon_reload_begin(&c->reloading, peer, t);
		}
		text_put(t, "%dit serves one command, and has no file\n",
			 TAP_NO);
		break;
	case CONTROL_STOP:
		daemon_stop_begin(t);
		break;
	default: /* the server's */
		break;
	}
	return true;
}

/* The last worker alone knew where it was in what libpcap shares. */
static void
hear_anew(struct client *c)
{
	if (c->attempts.on) {
		attempts_close(&c->attempts);
		attempts_open(&c->attempts, c->options->task != NULL);
	}
}

static void
recover(void *context, bool sound)
{
	struct client *c = context;

	(void)sound;
	c->backend->recover(c);
	hear_anew(c);
}

static const char *
path_of(const struct client *c)
{
	return c->options->path ? c->options->path : CLIENT_CONF_FILE;
}

static int
read_files(void *context)
{
	const struct client *c = context;
	char ignored[CONF_ERROR_MAX];

	client_conf_free(client_conf_load(c->options->path, NULL, ignored));
	return 0;
}

static bool
load(void *context)
{
	struct client *c = context;
	char err[CONF_ERROR_MAX];

	daemon_reload_start(&c->reloading);
	c->next = daemon_files_answer(read_files, c, path_of(c), err)
		? client_conf_load(c->options->path, NULL, err)
		: NULL;
	if (!c->next) {
		daemon_reload_refuse(&c->reloading, c->control, err);
		return false;
	}
	client_conf_keep(c->next, c->conf);
	return true;
}

/* Put the new configuration in place, or keep the old one. */
static int
take_up(struct client *c, struct client_conf *conf, char *err)
{
	struct plan plan = { 0 };
	int rc = plan_client(&plan, conf);

	plan.fw.cgroup = c->plan.fw.cgroup;
	plan.fw.user = c->plan.fw.user;
	if (rc < 0) {
		snprintf(err, CONF_ERROR_MAX, "out of memory");
	} else {
		rc = c->backend->replace(c, conf, &plan.fw, err);
	}
	if (rc < 0) {
		plan_free(&plan);
		return -1;
	}
	plan_free(&c->plan);
	c->plan = plan;
	return 0;
}

/* The same configuration, with other addresses, or at other devices. */
static void
change_addresses(struct client *c)
{
	char err[CONF_ERROR_MAX];

	names_apply(&c->names);
	if (take_up(c, c->conf, err) < 0) {
		log_say(LOG_LEVEL_ERROR, "addresses: %s", err);
		names_failed(&c->names);
		if (c->backend->stay) {
			c->backend->stay(c);
		}
	} else {
		client_egress_change(&c->egress, c->conf);
	}
}

static void
change(void *context)
{
	struct client *c = context;
	struct client_conf *conf = c->next;
	char err[CONF_ERROR_MAX] = "out of memory", line[64];

	c->next = NULL;
	hear_anew(c);
	if (!conf) {
		change_addresses(c);
		return;
	}
	if (names_follow(&c->names, conf, c->shared->asked) < 0 ||
	    take_up(c, conf, err) < 0) {
		if (names_follow(&c->names, c->conf, c->shared->asked) < 0) {
			names_close(&c->names);
		}
		daemon_reload_refuse(&c->reloading, c->control, err);
		client_conf_free(conf);
		if (c->backend->stay) {
			c->backend->stay(c);
		}
		return;
	}
	client_conf_free(c->conf);
	c->conf = conf;
	/* Once the keys of before are wiped, which no reader is to have. */
	(void)guest_readers_follow(&c->guest_readers, conf);
	/* The new rules queue everything until the next tick. */
	client_egress_change(&c->egress, conf);
	log_configure(&conf->settings);
	snprintf(line, sizeof line, "reloaded: %zu rule%s", conf->rules_count,
		 text_s(conf->rules_count));
	daemon_reload_done(&c->reloading, c->control, line);
}

static void
asked(void *context)
{
	struct client *c = context;

	daemon_answer(c->control, answer, c);
}

/* The worker: SYNs, until told to stop. */
static int
work(void *context, int to_monitor)
{
	struct client *c = context;

	if (c->options->task) {
		child_leave(c->options->task);
	}
	c->outbound.conf = c->conf;
	c->netfilter.to_monitor = c->netfilter.way.to_monitor = to_monitor;
	c->netfilter.way.own_mark = c->conf->settings.mark;
	c->guest_holds->context = &c->netfilter.to_monitor;
	c->guest_holds->reader = guest_readers_ask;
	egress_leave(&c->egress.egress);
	monitor_ready(to_monitor, 0);
	guest_holds_open(c->guest_holds,
			 c->conf->by_guest ? c->conf->guests.count : 0);
	for (;;) {
		struct pollfd fds[BACKEND_FDS + 3 + GUEST_CONF_MAX];
		const size_t count = c->backend->fds(c, fds);

		fds[count] =
			(struct pollfd){ .fd = c->signals, .events = POLLIN };
		fds[count + 1] = client_egress_fd(&c->egress);
		fds[count + 2] = (struct pollfd){ .fd = c->attempts.cap.fd,
						  .events = POLLIN };
		__atomic_fetch_add(&c->shared->monitor.beats, 1,
				   __ATOMIC_RELAXED);
		/* Reserve source ports now, while no SYN waits for them. */
		log_gather();
		ports_refill(&c->outbound.ports);
		client_egress_serve(&c->egress, &c->outbound);
		log_flush();
		if (guest_holds_poll(c->guest_holds, fds, count + 3,
				     MONITOR_BEAT_MS) < 0 &&
		    errno != EINTR) {
			log_say(LOG_LEVEL_ERROR, "poll: %s", strerror(errno));
			return TAP_SYSTEM;
		}
		log_gather();
		if (!c->backend->serve(c, fds)) {
			return TAP_SYSTEM;
		}
		if (fds[count + 2].revents) {
			attempts_serve(&c->attempts);
		}
		if (fds[count].revents &&
		    daemon_signal(c->signals, NULL) == DAEMON_STOP) {
			attempts_end(&c->attempts);
			if (c->backend->leave) {
				c->backend->leave(c);
			}
			return TAP_OK;
		}
	}
}

static void
note_attempt(void *context, const struct packet *syn, uint16_t key_no)
{
	attempts_note(context, syn, key_no);
}

/* See what comes back, where somebody waits to be told. */
static void
watch_attempts(struct client *c)
{
	c->attempts.cap.fd = -1;
	if (!c->options->task && !log_is_verbose()) {
		return;
	}
	attempts_open(&c->attempts, c->options->task != NULL);
	c->outbound.note = note_attempt;
	c->outbound.note_context = &c->attempts;
	c->outbound.note_alone = c->options->task != NULL;
}

static int
open_all(struct client *c)
{
	char name[32];
	int status, rc;

	c->shared = monitor_memory(sizeof *c->shared);
	c->guest_holds = monitor_worker_memory(sizeof *c->guest_holds);
	if (!c->shared || !c->guest_holds) {
		return log_fail("memory", -ENOMEM);
	}
	if (guest_readers_follow(&c->guest_readers, c->conf) < 0) {
		return TAP_SYSTEM; /* it is told */
	}
	c->signals = daemon_signals();
	if (c->signals < 0) {
		return log_fail("signals", c->signals);
	}
	c->outbound.counters = &c->shared->counters;
	c->outbound.asked = c->shared->asked;
	status = c->backend->open(c);
	if (status != TAP_OK) {
		return status;
	}
	watch_attempts(c);
	c->drops = nfq_open_drops();
	rc = sock_diag_open(&c->diag);
	if (rc < 0) {
		return log_fail("sock_diag", rc);
	}
	snprintf(name, sizeof name, "tap-client-%u", c->conf->settings.queue);
	/* Few ask for one command, and its user may have no place for it. */
	c->control =
		c->options->task ? control_listen(name) : daemon_control(name);
	return TAP_OK;
}

static void
close_all(struct client *c)
{
	/* Before the queue: a successor then finds the name free. */
	if (c->control >= 0) {
		control_close(c->control);
	}
	plan_free(&c->plan);
	client_conf_free(c->conf);
	names_close(&c->names);
	watchdog_close(&c->watchdog);
	nfq_close(&c->syns);
	client_egress_close(&c->egress);
	outbound_close(&c->outbound);
	attempts_close(&c->attempts);
	netfilter_close(&c->netfilter);
	backend_pcap_close(&c->pcap);
	netlink_close(&c->diag);
	guest_readers_close(&c->guest_readers);
	netlink_close(&c->devices);
	if (c->drops >= 0) {
		close(c->drops);
	}
	if (c->signals >= 0) {
		close(c->signals);
	}
}

/*
 * No further SYN is the relay's: others, of which there may be many, need not
 * read our rules then, and nothing is left where we are killed.
 */
static void
do_without_rules(struct client *c)
{
	char err[FW_ERROR_MAX];

	if (fw_remove(&c->fw, err) == 0) {
		c->fw.tool = FW_NONE;
		watchdog_close(&c->watchdog);
	}
}

static enum monitor_next
tick(void *context)
{
	struct client *c = context;

	if (c->options->task && child_ended(c->options->task)) {
		return MONITOR_STOP;
	}
	if (c->options->task && child_is_connected(c->options->task)) {
		do_without_rules(c);
	}
	watchdog_look(&c->watchdog, &c->fw, &c->plan.fw);
	client_write_metrics(c);
	guest_readers_tick(&c->guest_readers, &c->fw, &c->plan.fw);
	if (!c->monitor.ready) {
		return MONITOR_GO_ON;
	}
	if (c->fw.tool != FW_NONE && !c->options->task) {
		marks_look(&c->marks, c->conf);
	}
	client_egress_tick(&c->egress, &c->fw, &c->plan, c->conf);
	if (c->backend->stale && c->backend->stale(c)) {
		return MONITOR_CHANGE;
	}
	return names_tick(&c->names) ? MONITOR_CHANGE : MONITOR_GO_ON;
}

/* Pass the signal on: the task decides what it means. */
static void
pass_signal(void *context, int number)
{
	struct client *c = context;

	if (number != 0) {
		child_signal(c->options->task, number);
	}
}

/* Match only the task's sockets: by its cgroup, or else by its user. */
static void
set_scope(struct client *c)
{
	struct child *task = c->options->task;
	int rc = cgroup_open(&task->scope);

	if (rc == 0) {
		c->plan.fw.cgroup = task->scope.name;
		/* What it authenticates is no other client's. */
		rc = cgroup_mark(&task->scope, c->conf->settings.mark);
		if (rc < 0) {
			log_say(LOG_LEVEL_DEBUG, "mark of sockets: %s",
				strerror(-rc));
		}
		return;
	}
	log_say(LOG_LEVEL_DEBUG, "control group: %s; by user instead",
		strerror(-rc));
	task->user = getuid();
	c->plan.fw.user = &task->user;
}

static bool
has_fastpath(void *context)
{
	struct client *c = context;

	client_egress_tick(&c->egress, &c->fw, &c->plan, c->conf);
	return client_egress_is_settled(&c->egress);
}

/* Rules and a worker are there: serve.  An exit status. */
static int
serve_until_told(struct client *c)
{
	struct child *task = c->options->task;
	int status, rc;

	watchdog_open(&c->watchdog, &c->fw);
	monitor_await(&c->monitor, has_fastpath, c, FASTPATH_READY_MS);
	log_say(LOG_LEVEL_INFO, "ready: %zu rule%s, queue %u",
		c->conf->rules_count, text_s(c->conf->rules_count),
		c->conf->settings.queue);
	if (task) {
		rc = child_start(task);
		if (rc < 0) {
			return log_fail("command", rc);
		}
	} else {
		notify_manager("READY=1");
	}
	status = monitor_run(&c->monitor);
	if (task) {
		status = status == TAP_NO ? task->status : status;
		if (!task->argv && status == TAP_NO &&
		    c->shared->counters.seen == 0) {
			log_say(LOG_LEVEL_WARNING,
				"no SYN of it came by our firewall rules: if "
				"one left, it was not authenticated");
		}
		return status;
	}
	notify_manager("STOPPING=1");
	return status;
}

/* The worker comes before the rules: no SYN is queued for nobody. */
static int
run(struct client *c)
{
	const struct settings *settings = &c->conf->settings;
	const struct monitor_job job = {
		.context = c,
		.role = PRIVILEGES_CLIENT,
		.user = c->user.name[0] ? c->user.name : NULL,
		.shared = &c->shared->monitor,
		.control = c->control,
		.work = work,
		.asked = asked,
		.watch = c->backend->has_rules ? &c->watchdog.poll
					       : &c->devices.fd,
		.tick = tick,
		.load = load,
		.change = change,
		.recover = recover,
		.question = answer_worker,
		.signalled = c->options->task ? pass_signal : NULL,
	};
	char err[FW_ERROR_MAX];
	int status = monitor_start(&c->monitor, &job, c->signals);

	if (status == TAP_OK && !c->monitor.stopping && c->backend->has_rules &&
	    settings->firewall != FIREWALL_NONE &&
	    fw_install(&c->fw, &c->plan.fw, plan_tool(settings), err) < 0) {
		log_say(LOG_LEVEL_ERROR, "%s", err);
		status = TAP_SYSTEM;
	} else if (status == TAP_OK && !c->monitor.stopping) {
		status = serve_until_told(c);
		/* Remove the kernel's program last. */
		if (fw_remove(&c->fw, err) < 0) {
			log_say(LOG_LEVEL_ERROR, "%s", err);
			status = TAP_SYSTEM;
		}
	}
	(void)monitor_end(&c->monitor);
	asked(c);
	daemon_reload_abandon(&c->reloading, c->control);
	return status;
}

/* What can be looked up in a moment; all else later. */
static int
find_names(struct client *c)
{
	int rc = names_follow(&c->names, c->conf, c->shared->asked);

	if (rc < 0) {
		return log_fail("names", rc);
	}
	names_await(&c->names);
	return TAP_OK;
}

static int
lend_to_tools(const struct backend *backend)
{
	const int rc = backend->has_rules ? privileges_lend(true) : 0;

	return rc < 0 ? log_fail("capabilities", rc) : TAP_OK;
}

int
client_run(struct client_conf *conf, const struct client_options *options)
{
	static struct client c;
	int status;

	log_never_wait();
	clock_note_namespace();
	c = (struct client){
		.conf = conf,
		.options = options,
		.backend = options->backend,
		.signals = -1,
		.control = -1,
	};
	/* Copied, because a reload frees the configuration. */
	c.user = conf->settings.user;
	watchdog_init(&c.watchdog);
	names_init(&c.names);
	c.syns.nl.fd = c.drops = c.diag.fd = c.devices.fd = -1;
	outbound_init(&c.outbound);
	netfilter_init(&c.netfilter);
	client_egress_init(&c.egress);
	c.metrics.path = options->metrics;
	c.metrics.prefix = "tap_client";
	c.started = clock_ms();
	status = lend_to_tools(c.backend);
	status = status == TAP_OK ? open_all(&c) : status;
	if (status == TAP_OK) {
		status = find_names(&c);
	}
	if (status == TAP_OK && plan_client(&c.plan, conf) < 0) {
		status = log_fail("rules", -ENOMEM);
	}
	if (status == TAP_OK && options->task) {
		set_scope(&c);
		child_part(options->task);
	}
	if (status == TAP_OK) {
		client_egress_open(&c.egress, conf,
				   options->task
					   ? "one command's alone"
					   : options->backend->no_fastpath);
		status = run(&c);
	}
	if (options->task) {
		cgroup_close(&options->task->scope);
	}
	metrics_remove(&c.metrics);
	close_all(&c);
	log_close();
	return status;
}
