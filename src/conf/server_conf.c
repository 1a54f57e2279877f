#include "conf/server_conf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"

#define FRAMES_PER_GROUP 4u /* what a group of the papers has */

/* filtered, closed, or decoy:ADDR:PORT; the address may be in brackets. */
static int
take_hide(void *into, const char *value, char *why)
{
	static const char decoy[] = "decoy:";
	struct acl_rule *rule = into;
	struct acl_net net;
	char addr[64];
	const char *port;
	int rc;

	rule->hide = ACL_FILTERED;
	rule->decoy = (struct packet_addr){ 0 };
	if (strcmp(value, "filtered") == 0) {
		return 0;
	}
	if (strcmp(value, "closed") == 0) {
		rule->hide = ACL_CLOSED;
		return 0;
	}
	port = strrchr(value, ':');
	if (strncmp(value, decoy, sizeof decoy - 1) != 0 ||
	    port < value + sizeof decoy ||
	    (size_t)(port - value) >= sizeof addr) {
		return value_fail(why,
				  "'%.64s' is none of filtered closed "
				  "decoy:ADDR:PORT",
				  value);
	}
	snprintf(addr, sizeof addr, "%.*s",
		 (int)(port - value - (ptrdiff_t)sizeof decoy + 1),
		 value + sizeof decoy - 1);
	rc = value_net(addr, &net, why);
	if (rc == 0) {
		rc = value_port(port + 1, &rule->decoy_port, why);
	}
	if (rc < 0) {
		return rc;
	}
	/* Masks are contiguous, so the last byte is enough. */
	if (net.mask[net.addr.family == 6 ? 15 : 3] != 0xff) {
		return value_fail(why, "'%.64s' is not one address", addr);
	}
	if (value_is_unreachable(&net.addr)) {
		return value_fail(why,
				  "'%.64s' can't be reached from a network; "
				  "name another address of this host",
				  addr);
	}
	rule->hide = ACL_DECOY;
	rule->decoy = net.addr;
	return 0;
}

static int
take_ports(void *into, const char *value, char *why)
{
	struct acl_rule *rule = into;

	if (strcmp(value, "ANY") == 0) {
		return 0;
	}
	return value_ranges(value, true, &rule->ports, &rule->ports_count, why);
}

/* Words of rules, which as settings hold for all that say nothing else. */
#define WINDOW CONF_CHOICE("strict loose")
#define TOLERANCE CONF_NUMBER(1, 600, 30) /* seconds */

#define RULE(name, member) CONF_WORD(name, struct acl_rule, member)
#define CONF(name, member) CONF_WORD(name, struct server_conf, member)

static const struct conf_word_type rule_words[] = {
	{ RULE("indev", indev), CONF_DEVICE },
	{ RULE("outdev", outdev), CONF_DEVICE },
	{ RULE("src_host", src), CONF_NET },
	{ RULE("dst_host", dst), CONF_NET },
	{ .name = "dst_port", CONF_OWN(take_ports) },
	{ RULE("type", type), CONF_CHOICE("LOCAL ROUTER BRIDGE") },
	{ RULE("window", window_loose), WINDOW },
	{ RULE("tolerance", tolerance), TOLERANCE },
	{ .name = "hide", CONF_OWN(take_hide) },
	{ .name = "decoy", CONF_OWN(switch_conf_decoy) },
	{ RULE("switch", switches), CONF_CHOICE("never mirror next") },
	{ RULE("switch_open", switch_keeps), CONF_CHOICE("reset keep") },
};
static_assert(sizeof rule_words / sizeof rule_words[0] == 12,
	      "of a new word ingress_tables_serves() has to know, too");

static int
take_replay_file(void *into, const char *value, char *why)
{
	size_t len = strlen(value);

	if (len >= CONF_PATH_MAX) {
		return value_fail(why, "path longer than %d bytes",
				  CONF_PATH_MAX - 1);
	}
	if (value[0] != '/' && strcmp(value, "none") != 0) {
		return value_fail(why,
				  "'%.64s' is neither a path from / on "
				  "nor none",
				  value);
	}
	memcpy(into, value, len + 1);
	return 0;
}

static const struct conf_word_type setting_words[] = {
	{ CONF("fastpath_mark", fastpath_mark), CONF_BIT,
	  .usual = SERVER_CONF_FASTPATH_MARK, .at_restart = true },
	{ CONF("tolerance", usual.tolerance), TOLERANCE },
	{ CONF("window", usual.window_loose), WINDOW },
	{ CONF("hide", usual), CONF_OWN(take_hide) },
	{ CONF("loopback", hide_loopback), CONF_CHOICE("open hide"),
	  .usual = 1 },
	{ CONF("tracking", track_always), CONF_CHOICE("auto on") },
	/*
	 * A group not complete after a second never will be: TCP's first
	 * retransmission, with a group of its own, comes then (papers: 000,
	 * 3.6).
	 */
	{ CONF("assembly", limits.assembly_ms), CONF_NUMBER(10, 10000, 1000),
	  .at_restart = true },
	{ CONF("groups", limits.reassembly.groups),
	  CONF_NUMBER(16, 1u << 22, 16384), .at_restart = true },
	{ CONF("held", limits.reassembly.held), CONF_NUMBER(1, 32768, 4096),
	  .at_restart = true },
	{ CONF("flood", limits.flood_per_second),
	  CONF_NUMBER(0, 1u << 30, 20000), .at_restart = true },
	{ CONF("replays", limits.replays),
	  CONF_NUMBER(REPLAY_CAPACITY_MIN, REPLAY_CAPACITY_MAX, 262144),
	  .at_restart = true },
	{ CONF("replay_file", replay_file), CONF_OWN(take_replay_file),
	  .at_restart = true },
	{ CONF("replay_share", share), CONF_OWN(share_conf_engine),
	  .at_restart = true },
	/* What it says is in the row above. */
	{ CONF("share_login", share_login), CONF_OWN(share_conf_file) },
	{ CONF("share_ca", share.ca), CONF_OWN(share_conf_file),
	  .at_restart = true },
	/* Below TCP's first retransmission, which asks again. */
	{ CONF("share_wait", share_wait), CONF_NUMBER(1, 1000, 100) },
	{ CONF("share_fail", share_fail), CONF_CHOICE("closed local") },
	{ CONF("switch_mark", switch_mark), CONF_BIT,
	  .usual = SERVER_CONF_SWITCH_MARK, .at_restart = true },
	{ CONF("mirror_buffer", switching.buffer), CONF_OWN(switch_conf_buffer),
	  .usual = SWITCH_CONF_BUFFER },
	{ CONF("switch_wait", switching.wait_ms), CONF_OWN(switch_conf_wait),
	  .usual = SWITCH_CONF_WAIT },
	{ CONF("decoy_source", switching.own_source),
	  CONF_CHOICE("client own") },
	{ CONF("record", switching.record), CONF_OWN(switch_conf_record),
	  .at_restart = true },
	{ CONF("alarm_file", switching), CONF_OWN(switch_conf_file),
	  .repeats = true },
	{ CONF("alarm_score", switching.score),
	  CONF_NUMBER(1, SWITCH_CONF_SCORE_MAX, SWITCH_CONF_SCORE) },
	{ CONF("alarm_severity", switching.alerts),
	  CONF_OWN(switch_conf_severities) },
	{ CONF("alarm_sid", switching.alerts), CONF_OWN(switch_conf_sids) },
	SETTINGS(SETTINGS_WORD, struct server_conf)
};

static int add_rule(void *into, const struct conf_file *file,
		    const struct conf_line *line, char *err);

static const struct conf_form form = {
	.settings = CONF_WORDS(setting_words),
	.rules = CONF_WORDS(rule_words),
	.rule = add_rule,
};

/* Make room for one more rule. */
static struct acl_rule *
new_rule(struct acl *acl)
{
	return grow(&acl->rules, acl->rules_count, &acl->rules_room,
		    sizeof *acl->rules) < 0
		? NULL
		: &acl->rules[acl->rules_count++];
}

static int
add_rule(void *into, const struct conf_file *file, const struct conf_line *line,
	 char *err)
{
	struct server_conf *conf = into;
	struct acl *acl = &conf->acl;
	const char *wrong;
	struct acl_rule *rule;
	int rc;

	if (acl->rules_count == ACL_RULES_MAX) {
		return conf_fail(err, file, line->line, "more than %u rules",
				 ACL_RULES_MAX);
	}
	/* Counted before it is parsed: its ports are freed with the rest. */
	rule = new_rule(acl);
	if (!rule) {
		return conf_no_memory(err, file, line->line);
	}
	*rule = conf->usual;
	rule->line = line->line;
	rule->file = conf_included(file);
	rc = conf_apply(file, line, &form.rules, rule, NULL, err);
	if (rc < 0) {
		return rc;
	}
	if (rule->src.addr.family && rule->dst.addr.family &&
	    rule->src.addr.family != rule->dst.addr.family) {
		return conf_fail(err, file, line->line,
				 "src_host and dst_host are of different IP "
				 "versions");
	}
	if (rule->type == ACL_LOCAL && rule->outdev[0] != '\0') {
		return conf_fail(err, file, line->line,
				 "outdev: a packet for this host "
				 "(type=LOCAL) leaves by none");
	}
	if (rule->type != ACL_LOCAL && rule->hide == ACL_CLOSED) {
		return conf_fail(err, file, line->line,
				 "hide=closed: only this host's own closed "
				 "ports can be imitated (type=LOCAL)");
	}
	if (rule->outdev[0] != '\0' && rule->hide == ACL_DECOY) {
		return conf_fail(err, file, line->line,
				 "hide=decoy: outdev is known only when the "
				 "address can't be translated any more");
	}
	if (rule->type == ACL_BRIDGE && rule->hide == ACL_DECOY) {
		return conf_fail(err, file, line->line,
				 "hide=decoy: a bridge can't lead packets to "
				 "another address");
	}
	wrong = switch_conf_rule_error(rule, conf->hide_loopback);
	return wrong ? conf_fail(err, file, line->line, "%s", wrong) : 0;
}

static void
count_frames(struct reassembly_limits *limits)
{
	limits->frames = limits->groups * FRAMES_PER_GROUP;
}

void
server_conf_defaults(struct server_conf *conf)
{
	conf->settings.queue = SERVER_CONF_QUEUE;
	conf->settings.mark = SERVER_CONF_MARK;
	conf->limits.guesses = GUESS_CELLS;
	conf_defaults(&form.settings, conf);
	count_frames(&conf->limits.reassembly);
}

/* Two of the marks that are the same bit, or NULL. */
static const char *
same_marks(const struct server_conf *conf)
{
	const uint32_t mark = conf->settings.mark;

	return mark == conf->fastpath_mark  ? "mark and fastpath_mark"
		: mark == conf->switch_mark ? "mark and switch_mark"
		: conf->fastpath_mark == conf->switch_mark
		? "fastpath_mark and switch_mark"
		: NULL;
}

int
server_conf_keep(struct server_conf *conf, const struct server_conf *before,
		 char *err)
{
	const char *same;

	conf_keep(&form.settings, conf, before);
	count_frames(&conf->limits.reassembly);
	same = same_marks(conf);
	return same ? why_set(err, -1,
			      "%s, as in use, would be the same bit: restart "
			      "to change both",
			      same)
		    : 0;
}

int
server_conf_read(struct server_conf *conf, struct conf_file *file, char *err)
{
	int rc = conf_read(file, &form, conf, err);
	const char *same = same_marks(conf);

	if (rc == 0 && same) {
		return conf_fail(err, file, 0, "%s are the same bit", same);
	}
	if (rc == 0 && conf->share.tls != (conf->share.ca[0] != '\0')) {
		return conf_fail(err, file, 0,
				 "share_ca and replay_share=rediss:// go "
				 "together");
	}
	if (rc == 0 && conf->share_login[0] && !conf->share.engine[0]) {
		return conf_fail(err, file, 0,
				 "share_login without replay_share");
	}
	count_frames(&conf->limits.reassembly);
	return rc;
}

int
server_conf_read_path(struct server_conf *conf, const char *path, char *err)
{
	struct conf_file file;
	int rc = conf_open(&file, path, CONF_PUBLIC, err);

	if (rc < 0) {
		return rc;
	}
	rc = server_conf_read(conf, &file, err);
	conf_close(&file);
	return rc;
}

int
server_conf_one_rule(struct server_conf *conf, const char *ports, char *err)
{
	struct conf_file file = { .path = "--port" };
	struct acl_rule *rule = new_rule(&conf->acl);
	char why[VALUE_WHY_MAX];
	int rc;

	if (!rule) {
		return conf_no_memory(err, &file, 0);
	}
	*rule = conf->usual;
	rc = value_ranges(ports, true, &rule->ports, &rule->ports_count, why);
	if (rc < 0) {
		conf_fail(err, &file, 0, "%s", why);
	}
	return rc;
}
