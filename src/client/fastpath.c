#include "client/fastpath.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fastpath/egress_tables.h"
#include "daemon/log.h"
#include "fastpath/bpf_addr.h"

void
client_egress_init(struct client_egress *c)
{
	memset(c, 0, sizeof *c);
	egress_init(&c->egress);
	egress_ports_init(&c->pool);
}

/* Say why there is none: a warning where it was asked for. */
static void
say(const struct client_egress *c, enum settings_fastpath wanted,
    enum log_level otherwise)
{
	const bool asked =
		wanted == FASTPATH_GENERIC || wanted == FASTPATH_NATIVE;

	log_say(asked ? LOG_LEVEL_WARNING : otherwise, "fast path: off, %s",
		c->egress.why);
}

/* Why there is to be none with this configuration, or NULL. */
static const char *
obstacle(const struct client_conf *conf)
{
	switch (conf->settings.fastpath) {
	case FASTPATH_OFF:
		return "fastpath=off";
	case FASTPATH_NATIVE:
		return "no driver makes groups";
	default:
		break;
	}
	return conf->settings.firewall == FIREWALL_NONE ? "firewall=none"
							: NULL;
}

/* Begin; -errno or -1 and the reason, or -EINPROGRESS. */
static int
begin(struct client_egress *c, const struct client_conf *conf)
{
	static struct egress_plan plan;
	int rc;

	if (!egress_ports_fits()) {
		egress_explain(&c->egress, "ip_local_port_range is too small");
		return -1;
	}
	egress_tables_make(&plan, conf);
	rc = egress_open(&c->egress, &plan.tables);
	egress_tables_wipe(&plan);
	return rc < 0 ? rc : egress_load(&c->egress);
}

void
client_egress_open(struct client_egress *c, const struct client_conf *conf,
		   const char *cannot)
{
	cannot = cannot ? cannot : obstacle(conf);
	if (cannot) {
		egress_explain(&c->egress, "%s", cannot);
		say(c, conf->settings.fastpath, LOG_LEVEL_DEBUG);
	} else if (begin(c, conf) != -EINPROGRESS) {
		say(c, conf->settings.fastpath, LOG_LEVEL_INFO);
		client_egress_close(c);
	}
}

void
client_egress_close(struct client_egress *c)
{
	egress_close(&c->egress);
	egress_ports_close(&c->pool);
	c->loaded = false;
	c->count = 0;
}

void
client_egress_change(struct client_egress *c, const struct client_conf *conf)
{
	static struct egress_plan plan;
	int rc;

	if (!c->egress.config) {
		return;
	}
	egress_tables_make(&plan, conf);
	rc = egress_change(&c->egress, &plan.tables);
	egress_tables_wipe(&plan);
	c->loaded = false;
	c->count = 0;
	if (rc < 0) {
		egress_explain(&c->egress, "bpf: %s", strerror(-rc));
		say(c, conf->settings.fastpath, LOG_LEVEL_INFO);
		client_egress_close(c);
	}
}

/* Rules for these devices, with what conf asks for. */
static int
replace_rules(struct fw *fw, struct plan *plan, const struct client_conf *conf,
	      const char (*devices)[IF_NAMESIZE], size_t count, char *err)
{
	struct plan next;

	if (plan_client(&next, conf) < 0 ||
	    plan_mark(&next, devices, count) < 0) {
		snprintf(err, FW_ERROR_MAX, "out of memory");
		plan_free(&next);
		return -1;
	}
	if (fw_replace(fw, &plan->fw, &next.fw, err) < 0) {
		plan_free(&next);
		return -1;
	}
	plan_free(plan);
	*plan = next;
	return 0;
}

/* Rules follow the devices; if that fails, the queue gets everything. */
static void
set_rules(struct client_egress *c, struct fw *fw, struct plan *plan,
	  const struct client_conf *conf, size_t count)
{
	const unsigned next = !c->current;
	char err[FW_ERROR_MAX];

	if (count == c->count &&
	    memcmp(c->devices[0], c->devices[1], count * IF_NAMESIZE) == 0) {
		return;
	}
	if (replace_rules(fw, plan, conf, c->devices[next], count, err) == 0) {
		c->current = next;
		c->count = count;
		return;
	}
	egress_explain(&c->egress, "%.200s", err);
	if (replace_rules(fw, plan, conf, NULL, 0, err) == 0) {
		say(c, conf->settings.fastpath, LOG_LEVEL_INFO);
		client_egress_close(c);
	}
}

static void
look_at_devices(struct client_egress *c, struct fw *fw, struct plan *plan,
		const struct client_conf *conf)
{
	const unsigned next = !c->current;
	size_t count;

	memset(c->devices[next], 0, sizeof c->devices[next]);
	count = egress_attach(&c->egress, c->devices[next]);
	set_rules(c, fw, plan, conf, count);
	egress_settle(&c->egress);
	if (count == 0 && c->egress.why[0] == '\0') {
		egress_explain(&c->egress, "no device for it");
	}
}

/* The worker reserves them when it begins. */
static bool
has_ports(const struct client_egress *c)
{
	for (size_t i = 0; i < EGRESS_PORTS; i++) {
		if (__atomic_load_n(&c->egress.ports->port[i],
				    __ATOMIC_RELAXED) == 0) {
			return false;
		}
	}
	return true;
}

void
client_egress_tick(struct client_egress *c, struct fw *fw, struct plan *plan,
		   const struct client_conf *conf)
{
	bool stale;
	int rc;

	if (!c->egress.config) {
		return;
	}
	egress_set_clock(&c->egress);
	if (!has_ports(c)) {
		return;
	}
	rc = c->egress.program < 0 ? egress_load(&c->egress) : 0;
	if (rc == -EINPROGRESS) {
		return;
	}
	if (rc < 0) {
		say(c, conf->settings.fastpath, LOG_LEVEL_INFO);
		client_egress_close(c);
		return;
	}
	stale = egress_is_stale(&c->egress);
	if (stale || !c->loaded) {
		c->loaded = true;
		look_at_devices(c, fw, plan, conf);
	}
}

bool
client_egress_is_settled(const struct client_egress *c)
{
	return !c->egress.config || c->loaded;
}

/* Map the program's result to the outbound's. */
static enum outbound_news
news_of(const struct egress_event *event)
{
	switch (event->what) {
	case EGRESS_UNANSWERED:
		return OUTBOUND_UNANSWERED;
	case EGRESS_DATA:
		return OUTBOUND_DATA;
	case EGRESS_SIGNATURE:
		return OUTBOUND_SIGNATURE;
	case EGRESS_KEY:
		return OUTBOUND_KEY;
	case EGRESS_PORT:
		return OUTBOUND_NO_PORT;
	case EGRESS_DEVICE:
		return OUTBOUND_NOT_SENT;
	case EGRESS_NO_RULE:
		return OUTBOUND_NO_RULE;
	default:
		return OUTBOUND_AUTHENTICATED;
	}
}

void
client_egress_serve(struct client_egress *c, struct outbound *outbound)
{
	const struct egress_event *event;

	if (!c->egress.config) {
		return;
	}
	egress_ports_refill(&c->pool, c->egress.ports);
	egress_events_turn(&c->egress);
	while ((event = egress_event(&c->egress)) != NULL) {
		const struct packet syn = {
			.src = ingress_addr_read(&event->src, event->family),
			.dst = ingress_addr_read(&event->dst, event->family),
			.seq = event->seq,
			.sport = event->sport,
			.dport = event->dport,
		};

		outbound_tell(outbound, news_of(event), &syn, event->key_no);
		egress_event_done(&c->egress);
	}
}

struct pollfd
client_egress_fd(const struct client_egress *c)
{
	return (struct pollfd){ .fd = egress_event_fd(&c->egress),
				.events = POLLIN };
}

void
client_egress_count(const struct client_egress *c,
		    struct outbound_counters *counted)
{
	uint64_t n[EGRESS_COUNTS];

	egress_counts(&c->egress, n);
	counted->seen += n[EGRESS_SEEN];
	counted->authenticated += n[EGRESS_AUTHENTICATED];
	counted->passed += n[EGRESS_NO_RULE];
	counted->data += n[EGRESS_DATA];
	counted->signature += n[EGRESS_SIGNATURE];
	counted->failed += n[EGRESS_KEY] + n[EGRESS_PORT] + n[EGRESS_DEVICE];
}

void
client_egress_stats(const struct client_egress *c, struct stats *s)
{
	char devices[32];
	uint64_t n[EGRESS_COUNTS];

	egress_counts(&c->egress, n);
	snprintf(devices, sizeof devices, c->count ? "%zu device%s" : "not yet",
		 c->count, text_s(c->count));
	stat_text(s, "fastpath", "fast path", c->count > 0 ? "generic" : "off");
	stat_text(s, "fastpath_reason", "fast path reason",
		  c->egress.why[0] ? c->egress.why : devices);
	stat_count(s, "fastpath_syns", "fast path: SYNs", n[EGRESS_SEEN],
		   "SYNs that the program in the kernel handled");
}
