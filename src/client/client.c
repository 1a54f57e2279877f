#include "client/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "client/backend_netfilter.h"
#include "client/client_parts.h"
#include "client/fastpath.h"
#include "client/status.h"
#include "os/clock.h"
#include "daemon/signals.h"
#include "fastpath/egress.h"
#include "client/outbound.h"
#include "client/backend_pcap.h"
#include "firewall/firewall.h"
#include "firewall/watchdog.h"
#include "daemon/log.h"
#include "daemon/monitor.h"
#include "os/nfqueue.h"
#include "daemon/sd_notify.h"
#include "client/socket_owner.h"
#include "firewall/plan.h"
#include "daemon/open_queue.h"
#include "daemon/stats.h"
#include "tap.h"

#define QUEUE_LENGTH 4096u /* connections begun at the same moment */
/*
 * Batches of SYNs taken before anything else gets its turn: who connects
 * as fast as he can does not keep the worker from all else.
 */
#define BATCHES_MAX 64

/* The monitor's part of it. */
static size_t
answer_program(void *context, const void *question, size_t len, void *answer)
{
	struct client *c = context;

	return socket_owner_answer(&c->diag, question, len, answer);
}

static void
handle(struct client *c, const struct nfq_packet *q)
{
	const struct outbound_syn in = {
		.bytes = q->bytes,
		.len = q->len,
		.wire_len = q->wire_len,
		.outdev = q->outdev,
		.device = c->conf->by_device
			? ifname_name(&c->carrier.links, q->outdev)
			: NULL,
		.mark = q->mark | c->conf->settings.mark,
		.has_uid = q->has_uid,
		.uid = q->uid,
	};
	uint8_t syn0[NFQ_COPY];
	enum outbound_fate fate = outbound_syn(&c->outbound, &in, syn0);

	nfq_decide(&c->syns, q->id,
		   fate == OUTBOUND_DROP ? NFQ_DROP : NFQ_ACCEPT,
		   fate == OUTBOUND_SYN0 ? syn0 : NULL, q->len);
}

static bool
serve(struct client *c)
{
	for (int batch = 0; batch < BATCHES_MAX; batch++) {
		int count = nfq_receive(&c->syns);
		int rc = 0;

		if (count < 0) {
			log_say(LOG_LEVEL_ERROR, "queue %u: %s", c->syns.queue,
				strerror(-count));
			return false;
		}
		if (count == 0) {
			return true;
		}
		for (int i = 0; i < count && rc == 0; i++) {
			handle(c, &c->syns.packets[i]);
			rc = nfq_flush(&c->syns);
		}
		if (rc < 0) {
			log_say(LOG_LEVEL_ERROR, "queue %u: verdicts: %s",
				c->syns.queue, strerror(-rc));
			return false;
		}
	}
	return true;
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
	case CONTROL_RELOAD:
		/* The task would get the signal. */
		if (!c->options->task) {
			return daemon_reload_begin(&c->reloading, peer, t);
		}
		text_put(t, "%dit serves one command, and has no file\n",
			 TAP_NO);
		break;
	case CONTROL_STOP:
		daemon_stop_begin(t);
		break;
	case CONTROL_CONFIRM:
	case CONTROL_LEAVE:
		break;
	}
	return true;
}

/*
 * Follow the devices that a configuration names, or still those of before.
 * For each worker anew: where the last one was in what libpcap shares with
 * the kernel, it alone knew.
 */
static int
follow_anew(struct client *c, const struct client_conf *conf)
{
	struct backend_pcap before = c->follower;

	if (backend_pcap_open(&c->follower, &c->outbound, conf) != TAP_OK) {
		c->follower = before;
		return -1;
	}
	backend_pcap_close(&before);
	return 0;
}

static void
recover(void *context, bool sound)
{
	struct client *c = context;

	(void)sound;
	if (c->options->wire) {
		/* Without devices the next worker ends at once. */
		if (follow_anew(c, c->conf) < 0) {
			backend_pcap_close(&c->follower);
		}
	} else {
		nfq_drop_waiting(&c->syns);
	}
}

static void
refuse_reload(struct client *c, const char *err)
{
	char line[CONF_ERROR_MAX + 64];

	snprintf(line, sizeof line, "%s; still with the old configuration",
		 err);
	log_say(LOG_LEVEL_ERROR, "%s", line);
	snprintf(c->refused, sizeof c->refused, "%s", err);
	daemon_reload_end(&c->reloading, c->control, TAP_USAGE, line);
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
		refuse_reload(c, err);
		return false;
	}
	client_conf_keep(c->next, c->conf);
	return true;
}

/* It takes the place of the old one, or nothing does. */
static int
take_up(struct client *c, struct client_conf *conf, char *err)
{
	struct plan plan = { 0 };
	int rc = plan_client(&plan, conf);

	if (rc < 0) {
		snprintf(err, CONF_ERROR_MAX, "out of memory");
	} else if (c->options->wire) {
		snprintf(err, CONF_ERROR_MAX,
			 "these rules cannot be used with --backend pcap");
		rc = follow_anew(c, conf);
	} else {
		rc = fw_replace(&c->fw, &c->plan.fw, &plan.fw, err);
	}
	if (rc < 0) {
		plan_free(&plan);
		return -1;
	}
	plan_free(&c->plan);
	c->plan = plan;
	return 0;
}

static void
change(void *context)
{
	struct client *c = context;
	struct client_conf *conf = c->next;
	char err[CONF_ERROR_MAX], line[64];

	c->next = NULL;
	if (take_up(c, conf, err) < 0) {
		refuse_reload(c, err);
		client_conf_free(conf);
		if (c->options->wire) {
			recover(c, true);
		}
		return;
	}
	client_conf_free(c->conf);
	c->conf = conf;
	/* The new rules have all queued until the next tick. */
	client_egress_change(&c->egress, conf);
	log_configure(&conf->settings);
	snprintf(line, sizeof line, "reloaded: %zu rule%s", conf->rules_count,
		 text_s(conf->rules_count));
	log_say(LOG_LEVEL_INFO, "%s", line);
	c->refused[0] = '\0';
	daemon_reload_end(&c->reloading, c->control, TAP_OK, line);
}

static void
asked(void *context)
{
	struct client *c = context;

	daemon_answer(c->control, answer, c);
}

_Static_assert(MONITOR_BEAT_MS <= BACKEND_PCAP_WAIT_MS,
	       "devices that are removed are looked for often enough");

/* The worker without netfilter. */
static int
work_by_wire(void *context, int to_monitor)
{
	struct client *c = context;

	c->outbound.conf = c->conf;
	monitor_ready(to_monitor, 0);
	for (;;) {
		struct pollfd fds[BACKEND_PCAP_FDS + 1];
		size_t count = backend_pcap_fds(&c->follower, fds);
		const char *failed;

		if (count == 0) {
			return TAP_SYSTEM;
		}
		fds[count] =
			(struct pollfd){ .fd = c->signals, .events = POLLIN };
		__atomic_fetch_add(&c->shared->monitor.beats, 1,
				   __ATOMIC_RELAXED);
		ports_refill(&c->outbound.ports);
		log_flush();
		if (poll(fds, (nfds_t)count + 1, MONITOR_BEAT_MS) < 0 &&
		    errno != EINTR) {
			log_say(LOG_LEVEL_ERROR, "poll: %s", strerror(errno));
			return TAP_SYSTEM;
		}
		log_gather();
		failed = backend_pcap_serve(&c->follower);
		if (failed) {
			log_say(LOG_LEVEL_ERROR, "%s: it is gone, or down",
				failed);
			return TAP_SYSTEM;
		}
		if (fds[count].revents &&
		    daemon_signal(c->signals, NULL) == DAEMON_STOP) {
			return TAP_OK;
		}
	}
}

/* The worker: SYNs, until told to stop. */
static int
work(void *context, int to_monitor)
{
	struct client *c = context;

	c->outbound.conf = c->conf;
	c->carrier.to_monitor = to_monitor;
	egress_leave(&c->egress.egress);
	monitor_ready(to_monitor, 0);
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = c->syns.nl.fd, .events = POLLIN },
			{ .fd = c->signals, .events = POLLIN },
			{ .fd = c->carrier.links.nl.fd, .events = POLLIN },
			client_egress_fd(&c->egress),
		};

		__atomic_fetch_add(&c->shared->monitor.beats, 1,
				   __ATOMIC_RELAXED);
		/* While nothing waits, get ports ready for the next SYNs. */
		log_gather();
		ports_refill(&c->outbound.ports);
		client_egress_serve(&c->egress, &c->outbound);
		log_flush();
		if (poll(fds, sizeof fds / sizeof fds[0], MONITOR_BEAT_MS) <
			    0 &&
		    errno != EINTR) {
			log_say(LOG_LEVEL_ERROR, "poll: %s", strerror(errno));
			return TAP_SYSTEM;
		}
		log_gather();
		if (fds[2].revents) {
			ifname_update(&c->carrier.links);
		}
		if (fds[0].revents && !serve(c)) {
			return TAP_SYSTEM;
		}
		if (fds[1].revents &&
		    daemon_signal(c->signals, NULL) == DAEMON_STOP) {
			return TAP_OK;
		}
	}
}

static int
open_all(struct client *c)
{
	struct settings *settings = &c->conf->settings;
	char name[32];
	int status;
	int rc;

	c->shared = monitor_memory(sizeof *c->shared);
	if (!c->shared) {
		return log_fail("memory", -ENOMEM);
	}
	c->signals = daemon_signals();
	if (c->signals < 0) {
		return log_fail("signals", c->signals);
	}
	status = c->options->wire ? TAP_OK
		: c->options->task
		? queue_open_free(&c->syns, settings->queue + 1u, QUEUE_LENGTH,
				  true)
		: queue_open(&c->syns, settings->queue, QUEUE_LENGTH, true);
	if (status != TAP_OK) {
		return status;
	}
	if (!c->options->wire) {
		settings->queue = c->syns.queue;
	}
	c->outbound.counters = &c->shared->counters;
	if (c->options->wire) {
		status = backend_pcap_open(&c->follower, &c->outbound, c->conf);
		if (status != TAP_OK) {
			return status;
		}
	} else {
		rc = netfilter_open(&c->carrier, &c->outbound);
		if (rc < 0) {
			return log_fail("raw socket", rc);
		}
	}
	c->drops = nfq_open_drops();
	rc = sock_diag_open(&c->diag);
	if (rc < 0) {
		return log_fail("sock_diag", rc);
	}
	snprintf(name, sizeof name, "tap-client-%u", settings->queue);
	c->control = daemon_control(name);
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
	watchdog_close(&c->watchdog);
	nfq_close(&c->syns);
	client_egress_close(&c->egress);
	outbound_close(&c->outbound);
	netfilter_close(&c->carrier);
	backend_pcap_close(&c->follower);
	netlink_close(&c->diag);
	if (c->drops >= 0) {
		close(c->drops);
	}
	if (c->signals >= 0) {
		close(c->signals);
	}
}

static enum monitor_next
tick(void *context)
{
	struct client *c = context;

	if (c->options->task && child_ended(c->options->task)) {
		return MONITOR_STOP;
	}
	watchdog_look(&c->watchdog, &c->fw, &c->plan.fw);
	if (c->monitor.ready) {
		client_egress_tick(&c->egress, &c->fw, &c->plan, c->conf);
	}
	return MONITOR_GO_ON;
}

/* The task decides what a signal means, not we. */
static void
pass_signal(void *context, int number)
{
	struct client *c = context;

	if (number != 0) {
		child_signal(c->options->task, number);
	}
}

/* Its sockets alone: by their group, or else those of its user. */
static void
set_scope(struct client *c)
{
	struct child *task = c->options->task;
	int rc = cgroup_open(&task->scope);

	if (rc == 0) {
		c->plan.fw.cgroup = task->scope.name;
		return;
	}
	log_say(LOG_LEVEL_DEBUG, "control group: %s; by user instead",
		strerror(-rc));
	for (size_t i = 0; i < c->conf->rules_count; i++) {
		c->conf->rules[i].has_user = true;
		c->conf->rules[i].uid = getuid();
	}
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
	int status;
	int rc;

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
		return status == TAP_NO ? task->status : status;
	}
	notify_manager("STOPPING=1");
	return status;
}

/* First the worker, and then the rules: what nobody serves is not queued. */
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
		.work = c->options->wire ? work_by_wire : work,
		.asked = asked,
		.watch = &c->watchdog.poll,
		.tick = tick,
		.load = load,
		.change = change,
		.recover = recover,
		.question = answer_program,
		.signalled = c->options->task ? pass_signal : NULL,
	};
	char err[FW_ERROR_MAX];
	int status = monitor_start(&c->monitor, &job, c->signals);

	if (status == TAP_OK && !c->monitor.stopping && !c->options->wire &&
	    settings->firewall != FIREWALL_NONE &&
	    fw_install(&c->fw, &c->plan.fw, plan_tool(settings), err) < 0) {
		log_say(LOG_LEVEL_ERROR, "%s", err);
		status = TAP_SYSTEM;
	} else if (status == TAP_OK && !c->monitor.stopping) {
		status = serve_until_told(c);
		/* The program goes last. */
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

int
client_run(struct client_conf *conf, const struct client_options *options)
{
	static struct client c;
	int status;

	log_never_wait();
	clock_note_namespace();
	c = (struct client){
		.conf = conf, .options = options, .signals = -1, .control = -1
	};
	/* A reload frees the configuration. */
	c.user = conf->settings.user;
	watchdog_init(&c.watchdog);
	c.syns.nl.fd = c.drops = c.diag.fd = -1;
	outbound_init(&c.outbound);
	netfilter_init(&c.carrier);
	client_egress_init(&c.egress);
	c.started = clock_ms();
	status = open_all(&c);
	if (status == TAP_OK && plan_client(&c.plan, conf) < 0) {
		status = log_fail("rules", -ENOMEM);
	}
	if (status == TAP_OK && options->task) {
		set_scope(&c);
	}
	if (status == TAP_OK) {
		client_egress_open(&c.egress, conf,
				   options->task ? "one command's alone"
					   : options->wire ? "backend=pcap"
							   : NULL);
		status = run(&c);
	}
	if (options->task) {
		cgroup_close(&options->task->scope);
	}
	close_all(&c);
	log_close();
	return status;
}
