#include "server.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "plan.h"
#include "queue.h"
#include "conntrack.h"
#include "control.h"
#include "daemon.h"
#include "diag.h"
#include "fw.h"
#include "gate.h"
#include "links.h"
#include "log.h"
#include "nfq.h"
#include "notify.h"
#include "stat.h"
#include "store.h"
#include "tap.h"

/*
 * The kernel's queue of SYNs has to take a burst beyond those held, the
 * other one what its rate limit lets through in a second.
 */
#define QUEUE_SPARE 16384u
#define QUEUE_REST (2u * FW_REST_PER_SECOND)
/* Batches of SYNs taken before anything else gets its turn. */
#define BATCHES_MAX 64

struct server {
	struct conf_server *conf;
	const struct conf_server_from *from;
	struct plan plan;
	struct fw fw;
	struct nfq syns, rest;
	struct netlink diag;
	struct links links;
	int signals, control;
	struct gate *gate;
	void *gate_memory;
	struct store store;
	struct log_limit refusals;
	uint64_t started;	   /* ms */
	uint64_t rest_passed, rest_dropped; /* packets of no known connection */
};

static void
log_event(struct server *s, const struct gate_event *event, uint64_t ms)
{
	bool accepted = event->reason == MATCH_ACCEPTED;
	struct log_record r;

	if (!accepted && !log_limit_allows(&s->refusals, ms)) {
		return;
	}
	log_begin(&r, LOG_LEVEL_INFO, accepted ? "accepted" : "refused");
	if (!accepted) {
		log_text(&r, "reason", gate_reason_name(event->reason));
	}
	if (event->key_no >= 0) {
		log_number(&r, "key", event->key_no);
	}
	if (event->key && event->key->name[0]) {
		log_text(&r, "name", event->key->name);
	}
	log_address(&r, "src", &event->src, event->sport);
	log_address(&r, "dst", &event->dst, event->dport);
	if (event->key_no >= 0) {
		log_seconds(&r, "skew", event->skew);
	}
	if (!accepted && s->refusals.left_out > 0) {
		log_number(&r, "left_out", (long long)s->refusals.left_out);
		s->refusals.left_out = 0;
	}
	log_end(&r);
}

static enum nfq_verdict
verdict_of(enum gate_verdict verdict)
{
	return verdict == GATE_ACCEPT || verdict == GATE_PASS ? NFQ_ACCEPT :
								NFQ_DROP;
}

static void
apply(struct server *s, const struct gate_result *result, uint64_t ms)
{
	for (size_t i = 0; i < result->releases_count; i++) {
		nfq_decide(&s->syns, result->releases[i].id,
			   verdict_of(result->releases[i].verdict), NULL, 0);
	}
	for (size_t i = 0; i < result->events_count; i++) {
		log_event(s, &result->events[i], ms);
	}
}

static const char *
device_name(struct server *s, uint32_t index)
{
	return s->conf->acl.by_device ? links_name(&s->links, index) : NULL;
}

static void
judge_syn(struct server *s, const struct nfq_packet *q,
	  const struct gate_now *now)
{
	struct gate_result result;
	struct gate_packet in = { .id = q->id };
	struct packet p;
	int error = packet_parse(&p, q->bytes, q->len, q->wire_len);

	/* Only what a rule protects comes here: what is broken is dropped. */
	if (error) {
		s->gate->counters.syns++;
		s->gate->counters.by_reason[MATCH_MALFORMED]++;
		nfq_decide(&s->syns, q->id, NFQ_DROP, NULL, 0);
		return;
	}
	in.packet = &p;
	in.options = q->bytes + p.options_at;
	in.indev = device_name(s, q->indev);
	gate_input(s->gate, now, &in, &result);
	if (result.verdict != GATE_HOLD) {
		nfq_decide(&s->syns, q->id, verdict_of(result.verdict), NULL,
			   0);
	}
	apply(s, &result, now->ms);
}

static struct gate_now
read_clocks(void)
{
	return (struct gate_now){ clock_instant(), clock_ms() };
}

/* Returns false where the queue is beyond use. */
static bool
serve_syns(struct server *s)
{
	for (int batch = 0; batch < BATCHES_MAX; batch++) {
		struct gate_now now;
		int count = nfq_receive(&s->syns);

		if (count < 0) {
			log_say(LOG_LEVEL_ERROR, "queue %u: %s",
				s->syns.queue, strerror(-count));
			return false;
		}
		if (count == 0) {
			return true;
		}
		now = read_clocks();
		for (int i = 0; i < count; i++) {
			judge_syn(s, &s->syns.packets[i], &now);
		}
		nfq_flush(&s->syns);
	}
	return true;
}

/*
 * What is no SYN, and of a connection that the kernel does not track: it
 * passes if there is a socket for it, since established connections are
 * never touched.
 */
static bool
has_socket(struct server *s, const struct nfq_packet *q)
{
	struct diag_connection c;
	struct packet p;

	if (packet_parse(&p, q->bytes, q->len, q->wire_len) != PACKET_OK) {
		return false;
	}
	c = (struct diag_connection){ p.dst, p.src, p.dport, p.sport };
	return diag_exists(&s->diag, &c) == 1;
}

static void
serve_rest(struct server *s)
{
	int count = nfq_receive(&s->rest);

	for (int i = 0; i < count; i++) {
		const struct nfq_packet *q = &s->rest.packets[i];
		bool pass = has_socket(s, q);

		s->rest_passed += pass;
		s->rest_dropped += !pass;
		nfq_decide(&s->rest, q->id, pass ? NFQ_ACCEPT : NFQ_DROP, NULL,
			   0);
	}
	nfq_flush(&s->rest);
}

static void
expire(struct server *s)
{
	const struct gate_now now = read_clocks();
	struct gate_result result;

	while (gate_expire(s->gate, &now, &result)) {
		apply(s, &result, now.ms);
	}
	nfq_flush(&s->syns);
}

static void
write_status(void *context, bool json, struct text *t)
{
	struct server *s = context;
	const struct gate_counters *c = &s->gate->counters;
	struct nfq_drops drops = { 0 };
	uint64_t uptime = (clock_ms() - s->started) / 1000;
	const char *tool = s->fw.tool == FW_NFT	     ? "nft" :
			   s->fw.tool == FW_IPTABLES ? "iptables" :
						       "none";
	char duration[32];

	stat_duration(duration, uptime);
	nfq_read_drops(s->syns.queue, &drops);
#define REFUSED(REASON, name) \
	{ "refused." name, "refused: " name, NULL, c->by_reason[REASON] }
	const struct stat_item items[] = {
		{ "command", NULL, "server", 0 },
		{ "version", NULL, TAP_VERSION, 0 },
		{ "uptime", NULL, NULL, uptime },
		{ NULL, "up", duration, 0 },
		{ "queue", "queue", NULL, s->syns.queue },
		{ "firewall", "firewall", tool, 0 },
		{ "rules", "rules", NULL, s->conf->acl.rules_count },
		{ "keys", "keys", NULL, s->conf->acl.keys_count },
		{ "syns", "SYNs seen", NULL, c->syns },
		{ "groups", "groups completed", NULL, c->groups },
		{ "accepted", "accepted", NULL,
		  c->by_reason[MATCH_ACCEPTED] },
		REFUSED(MATCH_FLAGS, "flags"),
		REFUSED(MATCH_TIME, "time"),
		REFUSED(MATCH_KEY, "key"),
		REFUSED(MATCH_ACL, "acl"),
		REFUSED(MATCH_GUESS, "guess"),
		REFUSED(MATCH_MAC, "mac"),
		REFUSED(MATCH_REPLAY, "replay"),
		REFUSED(MATCH_MALFORMED, "malformed"),
		REFUSED(MATCH_INCOMPLETE, "incomplete"),
		{ "duplicates", "duplicate frames", NULL, c->duplicates },
		{ "evicted", "groups evicted", NULL, c->evicted },
		{ "held_dropped", "held SYNs dropped", NULL, c->held_early },
		{ "held", "held SYNs", NULL, s->gate->quad.held_used },
		{ "assembling", "groups in assembly", NULL,
		  s->gate->quad.groups_used },
		{ "replays", "replays remembered", NULL,
		  s->gate->replay.count },
		{ "stray_passed", "stray packets passed", NULL,
		  s->rest_passed },
		{ "stray_dropped", "stray packets dropped", NULL,
		  s->rest_dropped },
		{ "queue_drops", "queue drops", NULL,
		  drops.queue_full + drops.socket_full },
		{ "unreadable", NULL, NULL, s->syns.unreadable },
	};
#undef REFUSED
	stat_write(t, items, sizeof items / sizeof items[0], json);
}

/* A new configuration takes the place of the old one, or nothing does. */
static void
reload(struct server *s)
{
	char err[CONF_ERROR_MAX];
	struct conf_server *conf;
	struct plan plan;
	struct fw fw;

	notify_manager("RELOADING=1");
	conf = conf_server_load(s->from, err);
	if (!conf) {
		log_say(LOG_LEVEL_ERROR, "%s; still with the old configuration",
			err);
		return;
	}
	/* What sockets and memory were made for stays until a restart. */
	conf->settings.queue = s->conf->settings.queue;
	conf->settings.firewall = s->conf->settings.firewall;
	if (plan_server(&plan, conf) < 0) {
		log_say(LOG_LEVEL_ERROR,
			"out of memory; still with the old configuration");
		conf_server_free(conf);
		return;
	}
	if (s->fw.tool != FW_NONE) {
		if (fw_install(&fw, &plan.fw, s->fw.tool, err) < 0) {
			log_say(LOG_LEVEL_ERROR,
				"%s; still with the old configuration", err);
			plan_free(&plan);
			conf_server_free(conf);
			return;
		}
		memcpy(fw.table_is_ours, s->fw.table_is_ours,
		       sizeof fw.table_is_ours);
		s->fw = fw;
	}
	gate_set_acl(s->gate, &conf->acl);
	plan_free(&s->plan);
	conf_server_free(s->conf);
	s->conf = conf;
	s->plan = plan;
	log_say(LOG_LEVEL_INFO, "reloaded: %zu rules, %zu keys",
		conf->acl.rules_count, conf->acl.keys_count);
}

static int
loop(struct server *s)
{
	for (;;) {
		const struct gate_now now = read_clocks();
		struct pollfd fds[] = {
			{ .fd = s->syns.nl.fd, .events = POLLIN },
			{ .fd = s->rest.nl.fd, .events = POLLIN },
			{ .fd = s->signals, .events = POLLIN },
			{ .fd = s->control, .events = POLLIN },
			{ .fd = s->links.nl.fd, .events = POLLIN },
		};
		enum daemon_signal signal = DAEMON_NOTHING;

		if (poll(fds, sizeof fds / sizeof fds[0],
			 (int)gate_wait(s->gate, &now)) < 0 &&
		    errno != EINTR) {
			log_say(LOG_LEVEL_ERROR, "poll: %s", strerror(errno));
			return TAP_SYSTEM;
		}
		/* Names first: the packets may come from a new device. */
		if (fds[4].revents) {
			links_update(&s->links);
		}
		if (fds[0].revents && !serve_syns(s)) {
			return TAP_SYSTEM;
		}
		if (fds[1].revents) {
			serve_rest(s);
		}
		expire(s);
		if (fds[3].revents) {
			daemon_answer(s->control, write_status, s);
		}
		if (fds[2].revents) {
			signal = daemon_signal(s->signals);
		}
		if (signal == DAEMON_RELOAD) {
			reload(s);
			notify_manager("READY=1");
		} else if (signal == DAEMON_STOP) {
			return TAP_OK;
		}
	}
}

static int
fail(const char *what, int rc)
{
	log_say(LOG_LEVEL_ERROR, "%s: %s", what, strerror(-rc));
	return TAP_SYSTEM;
}

/* Open the memory of replays, and say what became of it. */
static int
open_store(struct server *s)
{
	const char *path = s->conf->replay_file;
	char usual[64], why[STORE_WHY_MAX];

	if (path[0] == '\0') {
		mkdir("/var/lib/tap", 0700);
		snprintf(usual, sizeof usual, CONF_SERVER_REPLAYS,
			 s->conf->settings.queue);
		path = usual;
	} else if (strcmp(path, "none") == 0) {
		path = NULL;
	}
	if (store_open(&s->store, path, s->conf->limits.replays, why) < 0) {
		return fail("replay memory", -ENOMEM);
	}
	if (why[0]) {
		log_say(LOG_LEVEL_WARNING, "%s", why);
	} else if (s->store.state == STORE_LOST) {
		log_say(LOG_LEVEL_WARNING,
			"%s: no replay memory of this host and size; groups "
			"from before now are refused", path);
	}
	return TAP_OK;
}

static int
make_gate(struct server *s)
{
	const struct gate_limits *limits = &s->conf->limits;
	const struct gate_now now = read_clocks();
	struct hash_key key;
	uint32_t damaged;

	if (getrandom(&key, sizeof key, 0) != sizeof key) {
		return fail("getrandom", -errno);
	}
	s->gate = calloc(1, sizeof *s->gate);
	s->gate_memory = malloc(gate_size(limits));
	if (!s->gate || !s->gate_memory) {
		return fail("memory", -ENOMEM);
	}
	if (open_store(s) != TAP_OK) {
		return TAP_SYSTEM;
	}
	damaged = gate_init(s->gate, s->gate_memory, s->store.replay, limits,
			    &s->conf->acl, &key);
	if (damaged > 0) {
		log_say(LOG_LEVEL_WARNING,
			"replay memory: %u places damaged; groups from before "
			"now are refused", damaged);
	}
	if (damaged > 0 || s->store.state != STORE_KEPT) {
		gate_begin_unknown(s->gate, &now);
	}
	return TAP_OK;
}

static int
open_all(struct server *s)
{
	uint16_t queue = s->conf->settings.queue;
	char name[32];
	int status;
	int rc;

	s->signals = daemon_signals();
	if (s->signals < 0) {
		return fail("signals", s->signals);
	}
	status = queue_open(&s->syns, queue,
				s->conf->limits.quad.held + QUEUE_SPARE, false);
	if (status == TAP_OK) {
		status = queue_open(&s->rest, (uint16_t)(queue + 1),
					QUEUE_REST, false);
	}
	if (status != TAP_OK) {
		return status;
	}
	rc = diag_open(&s->diag);
	if (rc < 0) {
		return fail("sock_diag", rc);
	}
	rc = links_open(&s->links);
	if (rc < 0) {
		return fail("rtnetlink", rc);
	}
	snprintf(name, sizeof name, "tap-server-%u", queue);
	s->control = control_listen(name);
	if (s->control < 0) {
		return fail("control socket", s->control);
	}
	return make_gate(s);
}

struct adoption {
	struct server *s;
	struct netlink *conntrack;
	int error;
};

static void
adopt_one(void *context, const struct diag_connection *c)
{
	struct adoption *a = context;
	const struct packet p = {
		.src = c->remote,
		.dst = c->local,
		.sport = c->remote_port,
		.dport = c->local_port,
	};

	/* Which device it came by is not known; one too many does no harm. */
	for (size_t i = 0; i < a->s->conf->acl.rules_count; i++) {
		const struct acl_rule *rule = &a->s->conf->acl.rules[i];

		if (acl_ports_have(rule->ports, rule->ports_count, p.dport) &&
		    acl_net_has(&rule->src, &p.src) &&
		    acl_net_has(&rule->dst, &p.dst)) {
			int rc = conntrack_add(a->conntrack, c);

			a->error = rc < 0 ? rc : a->error;
			return;
		}
	}
}

/*
 * Connections that were there before the rules: the kernel is to track
 * them from now on, so that they go on even without the daemon.
 */
static void
adopt_connections(struct server *s)
{
	struct netlink conntrack;
	struct netlink diag;
	struct adoption a = { .s = s, .conntrack = &conntrack };
	int rc = conntrack_open(&conntrack);

	if (rc == 0) {
		rc = diag_open(&diag);
		if (rc == 0) {
			rc = diag_each(&diag, adopt_one, &a);
			netlink_close(&diag);
		}
		netlink_close(&conntrack);
	}
	rc = rc < 0 ? rc : a.error;
	if (rc < 0) {
		log_say(LOG_LEVEL_WARNING,
			"connection tracking: %s; connections made before the "
			"start live only as long as this process",
			strerror(-rc));
	}
}

static void
close_all(struct server *s)
{
	free(s->gate);
	free(s->gate_memory);
	store_close(&s->store);
	plan_free(&s->plan);
	conf_server_free(s->conf);
	nfq_close(&s->syns);
	nfq_close(&s->rest);
	netlink_close(&s->diag);
	links_close(&s->links);
	if (s->control >= 0) {
		close(s->control);
	}
	if (s->signals >= 0) {
		close(s->signals);
	}
}

int
server_run(struct conf_server *conf, const struct conf_server_from *from)
{
	static struct server s;
	char err[FW_ERROR_MAX];
	int status;

	s = (struct server){ .conf = conf, .from = from, .control = -1 };
	s.store.fd = -1;
	s.syns.nl.fd = s.rest.nl.fd = s.diag.fd = s.links.nl.fd = -1;
	s.started = clock_ms();
	status = open_all(&s);
	if (status == TAP_OK && plan_server(&s.plan, conf) < 0) {
		status = fail("rules", -ENOMEM);
	}
	if (status == TAP_OK) {
		adopt_connections(&s);
	}
	if (status == TAP_OK && conf->settings.firewall != FIREWALL_NONE &&
	    fw_install(&s.fw, &s.plan.fw, plan_tool(&conf->settings),
		       err) < 0) {
		log_say(LOG_LEVEL_ERROR, "%s", err);
		status = TAP_SYSTEM;
	}
	if (status == TAP_OK) {
		log_say(LOG_LEVEL_INFO, "ready: %zu rules, %zu keys, queue %u",
			conf->acl.rules_count, conf->acl.keys_count,
			conf->settings.queue);
		notify_manager("READY=1");
		status = loop(&s);
		notify_manager("STOPPING=1");
		/* After a failure the rules stay: the service is hidden. */
		if (status == TAP_OK && fw_remove(&s.fw, err) < 0) {
			log_say(LOG_LEVEL_ERROR, "%s", err);
			status = TAP_SYSTEM;
		}
	}
	close_all(&s);
	return status;
}
