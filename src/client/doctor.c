#include "client/doctor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/child.h"
#include "client/doctor_path.h"
#include "client/doctor_report.h"
#include "client/doctor_trial.h"
#include "client/names.h"
#include "client/unlock.h"
#include "conf/client_conf.h"
#include "conf/value.h"
#include "daemon/control_client.h"
#include "measure/connect.h"
#include "measure/icmp_text.h"
#include "measure/sntp.h"
#include "os/clock.h"
#include "os/route.h"
#include "tap.h"

/* A server's usual tolerance. */
#define TOLERANCE_MS 30000

struct doctor {
	const struct doctor_options *options;
	struct doctor_report report;
	struct client_conf *conf;
	const struct sender_rule *rule; /* that would match, or NULL */
	struct child to;                /* its addresses and port */
	struct host_addr dst;           /* the one that is tried */
	struct route route;
	char device[IF_NAMESIZE];
	bool running; /* a client is */
	struct doctor_trial trial;
	size_t frames; /* of the group that left */
	long key_no;   /* which it carries, or -1 */
	int asked_ntp; /* 0, with how far this clock is behind; or why not */
	int64_t behind;
	char why_ntp[WHY_MAX];
};

static void
check_clock(struct doctor *d)
{
	const char *ntp = d->options->ntp;

	if (!ntp && clock_is_synchronised()) {
		doctor_add(&d->report, "clock", CHECK_OK,
			   "synchronised, as far as the kernel knows");
	} else if (!ntp) {
		doctor_add(&d->report, "clock", CHECK_UNKNOWN,
			   "nobody keeps it right, as far as the kernel "
			   "knows; --ntp HOST compares it");
	} else if (d->asked_ntp < 0) {
		doctor_add(&d->report, "clock", CHECK_UNKNOWN, "%s",
			   d->why_ntp);
	} else {
		const int64_t off = d->behind < 0 ? -d->behind : d->behind;

		doctor_add(&d->report, "clock",
			   off > TOLERANCE_MS ? CHECK_WRONG : CHECK_OK,
			   "%lld.%03lld s %s that of %s%s",
			   (long long)off / 1000, (long long)off % 1000,
			   d->behind < 0 ? "ahead of" : "behind", ntp,
			   off > TOLERANCE_MS ? ": a server tolerates 30 s"
					      : "");
	}
}

/* The first address that there is a way to. */
static bool
check_route(struct doctor *d)
{
	char src[INET6_ADDRSTRLEN] = "";
	struct netlink nl;
	int rc = route_open(&nl);

	d->dst = d->to.to[0];
	for (size_t i = 0; rc == 0 && i < d->to.to_count; i++) {
		rc = route_find(&nl, &d->to.to[i].addr, d->to.to[i].device,
				&d->route);
		if (rc == 0) {
			d->dst = d->to.to[i];
			break;
		}
		rc = i + 1 < d->to.to_count ? 0 : rc;
	}
	netlink_close(&nl);
	if (rc < 0 || !if_indextoname(d->route.device, d->device)) {
		doctor_add(&d->report, "route", CHECK_WRONG, "none to %s: %s",
			   d->options->to, strerror(rc < 0 ? -rc : errno));
		return false;
	}
	inet_ntop(d->route.src.family == 4 ? AF_INET : AF_INET6,
		  d->route.src.bytes, src, sizeof src);
	doctor_add(&d->report, "route", CHECK_OK, "%s, from %s", d->device,
		   src);
	return true;
}

/* A rule that would match, were it not for who connects, and how. */
static const struct sender_rule *
nearest_rule(const struct doctor *d)
{
	for (size_t i = 0; i < d->conf->rules_count; i++) {
		const struct sender_rule *rule = &d->conf->rules[i];

		if (sender_goes_to(rule, &d->dst.addr, d->to.port)) {
			return rule;
		}
	}
	return NULL;
}

static void
check_rule(struct doctor *d)
{
	const char *path =
		d->options->conf ? d->options->conf : CLIENT_CONF_FILE;
	const struct packet syn = {
		.src = d->route.src,
		.dst = d->dst.addr,
		.dport = d->to.port,
		.flags = PACKET_SYN,
	};
	const struct sender_packet about = {
		.packet = &syn,
		.outdev = d->device[0] ? d->device : NULL,
		.has_uid = true,
		.uid = getuid(),
	};
	const struct sender_rule *near = nearest_rule(d);

	d->rule = sender_rule_for(d->conf->rules, d->conf->rules_count, &about);
	if (!near) {
		doctor_add(&d->report, "rule", CHECK_WRONG,
			   "%s has none for %s: its SYNs go as they are", path,
			   d->options->to);
	} else if (!d->rule) {
		doctor_add(&d->report, "rule", CHECK_WRONG,
			   "%s: that of line %u is for another user, program, "
			   "device or source",
			   path, near->line);
	} else if (!acl_key_valid_at(&d->rule->key, clock_instant())) {
		doctor_add(&d->report, "rule", CHECK_WRONG,
			   "%s: key %u of line %u is not valid now", path,
			   d->rule->key.no, d->rule->line);
	} else {
		doctor_add(&d->report, "rule", CHECK_OK,
			   "%s, line %u: key %u%s%s", path, d->rule->line,
			   d->rule->key.no, d->rule->key.name[0] ? ", " : "",
			   d->rule->key.name);
	}
}

static void
check_client(struct doctor *d)
{
	const uint16_t queue = d->options->queue >= 0
		? (uint16_t)d->options->queue
		: d->conf->settings.queue;
	int pid = ask_process("client", queue);

	d->running = pid > 0;
	if (d->running) {
		doctor_add(&d->report, "client", CHECK_OK,
			   "process %d, queue %u", pid, queue);
	} else {
		doctor_add(&d->report, "client",
			   pid == -ECONNREFUSED ? CHECK_WRONG : CHECK_UNKNOWN,
			   pid == -ECONNREFUSED
				   ? "none runs with queue %u: start 'tap "
				     "client'"
				   : "that of queue %u can't be asked",
			   queue);
	}
}

static void
check_sent(struct doctor *d)
{
	const struct sender_rule *rule = d->rule;
	const unsigned wanted =
		rule ? FRAME_BASE + rule->key.mac.extra : FRAME_BASE;

	d->frames = doctor_trial_group(&d->trial, &d->key_no);
	if (d->frames == 0) {
		doctor_add(&d->report, "sent", CHECK_WRONG,
			   "no SYN left by %s: this host's firewall drops it, "
			   "or sends it another way",
			   d->device);
	} else if (d->frames == 1) {
		doctor_add(&d->report, "sent", CHECK_WRONG,
			   "one SYN left by %s, and no group%s", d->device,
			   d->running ? ": 'tap client --status' counts why"
				      : "");
	} else if (d->frames < wanted) {
		doctor_add(&d->report, "sent", CHECK_WRONG,
			   "%zu of %u frames left by %s: this host's firewall "
			   "drops the others, or sends them another way",
			   d->frames, wanted, d->device);
	} else if (rule && d->key_no >= 0 && d->key_no != rule->key.no) {
		doctor_add(&d->report, "sent", CHECK_WRONG,
			   "a group by key %ld, not %u: 'tap client --reload'",
			   d->key_no, rule->key.no);
	} else {
		doctor_add(&d->report, "sent", CHECK_OK,
			   "a group of %zu SYNs left by %s, by key %ld",
			   d->frames, d->device, d->key_no);
	}
}

static void
check_answer(struct doctor *d)
{
	const struct attempt *at = &d->trial.heard.at[0];
	char words[DOCTOR_TEXT_MAX], router[INET6_ADDRSTRLEN] = "";
	struct text t = text_over(words, sizeof words);

	if (d->trial.error == 0) {
		doctor_add(&d->report, "answer", CHECK_OK, "connected");
		return;
	}
	switch (at->heard) {
	case ATTEMPT_NUMBER:
		doctor_add(&d->report, "answer", CHECK_WRONG,
			   "a SYN/ACK for a number that was not sent: "
			   "something on the way rewrites them");
		break;
	case ATTEMPT_RESET:
		doctor_add(&d->report, "answer", CHECK_UNKNOWN,
			   "a reset: not admitted, or nothing listens there");
		break;
	case ATTEMPT_ICMP:
		inet_ntop(at->router.family == 4 ? AF_INET : AF_INET6,
			  at->router.bytes, router, sizeof router);
		icmp_text(&t, at->router.family, at->type, at->code);
		doctor_add(&d->report, "answer", CHECK_WRONG,
			   "ICMP from %s: %s", router, words);
		break;
	case ATTEMPT_CONNECTED:
		doctor_add(&d->report, "answer", CHECK_WRONG,
			   "a SYN/ACK, which this host did not take: its own "
			   "firewall may drop it");
		break;
	default:
		doctor_add(&d->report, "answer", CHECK_UNKNOWN, "nothing");
		break;
	}
}

static void
check_path(struct doctor *d)
{
	struct doctor_path path;
	char address[INET6_ADDRSTRLEN + 1 + IF_NAMESIZE] = "";

	inet_ntop(d->dst.addr.family == 4 ? AF_INET : AF_INET6,
		  d->dst.addr.bytes, address, sizeof address);
	if (d->dst.device != 0) {
		const size_t len = strlen(address);

		snprintf(address + len, sizeof address - len, "%%%s",
			 d->device);
	}
	if (!doctor_path_ask(&path, &d->dst, address)) {
		doctor_add(&d->report, "path", CHECK_UNKNOWN,
			   "no far side answers: start 'tap probe-path "
			   "--listen' on the server");
		return;
	}
	if (!path.passes) {
		doctor_add(&d->report, "path", CHECK_WRONG, "%s",
			   path.text[0] ? path.text : "tap probe-path fails");
	} else if (path.service_port != 0 && d->rule &&
		   d->rule->service_port != path.service_port) {
		doctor_add(&d->report, "path", CHECK_WRONG,
			   "a port forward leads to port %u: the rule in line "
			   "%u lacks the server's port, service_port=",
			   path.service_port, d->rule->line);
	} else {
		doctor_add(&d->report, "path", CHECK_OK, "%s", path.text);
	}
}

/* The line for whoever can read the server's log. */
static void
put_line(struct doctor *d)
{
	const struct attempt *at = &d->trial.heard.at[0];
	char src[INET6_ADDRSTRLEN] = "", when[VALUE_TIME_MAX];
	struct text t = text_over(d->report.line, sizeof d->report.line);

	if (at->groups == 0) {
		return;
	}
	inet_ntop(d->route.src.family == 4 ? AF_INET : AF_INET6,
		  d->route.src.bytes, src, sizeof src);
	value_time_text(when, at->first_ns / 1000000000u << 8);
	text_put(&t, "%s from %s to %s", when, src, d->options->to);
	if (d->key_no >= 0) {
		text_put(&t, " by key %ld", d->key_no);
	}
	text_put(&t, ": %zu SYN%s left, %s", d->frames, text_s(d->frames),
		 d->trial.error == 0                    ? "connected"
			 : at->heard == ATTEMPT_NOTHING ? "nothing came back"
			 : at->heard == ATTEMPT_RESET   ? "a reset came back"
							: "no connection");
}

static void
conclude(struct doctor *d)
{
	const struct doctor_check *wrong = doctor_wrong(&d->report);

	put_line(d);
	if (d->trial.error == 0 && d->trial.sport != 0) {
		doctor_conclude(&d->report, "works", "it works%s",
				wrong ? ", whatever is wrong above" : "");
	} else if (wrong) {
		doctor_conclude(&d->report, wrong->name, "%s: %s", wrong->name,
				wrong->text);
	} else {
		doctor_conclude(
			&d->report, "not-admitted",
			"nothing wrong is seen from here: the server does not "
			"admit key %u (another secret there, its end, the "
			"access list, the server's clock), service_port= is "
			"missing behind a port forward, or the way is cut",
			d->rule->key.no);
	}
}

static int
examine(struct doctor *d)
{
	char why[WHY_MAX];
	int rc;

	names_find(d->conf);
	check_clock(d);
	d->trial.error = DIAL_WAITING;
	if (check_route(d)) {
		check_rule(d);
		check_client(d);
		rc = doctor_trial_run(&d->trial, d->device, &d->dst, d->to.port,
				      why);
		if (rc < 0) {
			fprintf(stderr, "tap client: --doctor: %s\n", why);
			return TAP_SYSTEM;
		}
		check_sent(d);
		check_answer(d);
		if (d->trial.error != 0) {
			check_path(d);
		}
	} else {
		check_rule(d);
		check_client(d);
	}
	conclude(d);
	return d->trial.error == 0 ? TAP_OK : TAP_NO;
}

int
client_doctor(const struct doctor_options *o)
{
	static struct doctor d;
	struct client_conf *conf;
	char why[WHY_MAX];
	int status;
	int rc = child_resolve(&d.to, o->to, why);

	if (rc < 0) {
		fprintf(stderr, "tap client: --doctor: %s\n", why);
		return conf_status(rc);
	}
	/* Of others, all is asked before the keys are here. */
	d.asked_ntp = o->ntp ? sntp_ask(o->ntp, &d.behind, d.why_ntp) : 0;
	conf = unlock_client(o->conf ? o->conf : CLIENT_CONF_FILE,
			     o->passphrase_fd);
	if (!conf) {
		return conf_status(-errno);
	}
	d.options = o;
	d.conf = conf;
	doctor_begin(&d.report, o->json);
	status = examine(&d);
	doctor_end(&d.report);
	client_conf_free(conf);
	return status;
}
