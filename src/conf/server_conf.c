#include "conf/server_conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/hints.h"
#include "conf/acl_conf.h"
#include "conf/keyfile.h"

#define RULES_FIRST 16u /* room for them, which doubles */

/* The settings of a file, some of them defaults for its rules. */
struct setting_words {
	struct server_conf *conf;
	struct acl_rule defaults; /* of rules that say nothing else */
};

static int
set_tolerance(uint16_t *tolerance, const char *value, char *why)
{
	unsigned long seconds;

	if (value_number(value, 1, 600, &seconds, why) < 0) {
		return -1;
	}
	*tolerance = (uint16_t)seconds;
	return 0;
}

/* The kernel takes no packet of a network for it. */
static bool
is_loopback(const struct packet_addr *addr)
{
	static const uint8_t one[16] = { [15] = 1 };

	return addr->family == 4 ? addr->bytes[0] == 127
				 : memcmp(addr->bytes, one, sizeof one) == 0;
}

/* filtered, closed, or decoy:ADDR:PORT; the address may be in brackets. */
static int
set_hide(struct acl_rule *rule, const char *value, char *why)
{
	static const char decoy[] = "decoy:";
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
	/* Masks have no holes: their last byte tells. */
	if (net.mask[net.addr.family == 6 ? 15 : 3] != 0xff) {
		return value_fail(why, "'%.64s' is not one address", addr);
	}
	if (is_loopback(&net.addr)) {
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
set_window(bool *loose, const char *value, char *why)
{
	static const char *const words[] = { "strict", "loose", NULL };
	int choice;

	if (value_choice(value, words, &choice, why) < 0) {
		return -1;
	}
	*loose = choice == 1;
	return 0;
}

static int
rule_indev(void *into, const char *value, char *why)
{
	struct acl_rule *rule = into;

	return value_device(value, rule->indev, why);
}

static int
rule_outdev(void *into, const char *value, char *why)
{
	struct acl_rule *rule = into;

	return value_device(value, rule->outdev, why);
}

static int
rule_src(void *into, const char *value, char *why)
{
	struct acl_rule *rule = into;

	return value_net(value, &rule->src, why);
}

static int
rule_dst(void *into, const char *value, char *why)
{
	struct acl_rule *rule = into;

	return value_net(value, &rule->dst, why);
}

static int
rule_port(void *into, const char *value, char *why)
{
	struct acl_rule *rule = into;

	if (strcmp(value, "ANY") == 0) {
		return 0;
	}
	return value_ranges(value, true, &rule->ports, &rule->ports_count, why);
}

static int
rule_type(void *into, const char *value, char *why)
{
	static const char *const words[] = { "LOCAL", "ROUTER", "BRIDGE",
					     NULL };
	struct acl_rule *rule = into;
	int choice;

	if (value_choice(value, words, &choice, why) < 0) {
		return -1;
	}
	rule->type = (enum acl_type)choice;
	return 0;
}

static int
rule_tolerance(void *into, const char *value, char *why)
{
	struct acl_rule *rule = into;

	return set_tolerance(&rule->tolerance, value, why);
}

static int
rule_window(void *into, const char *value, char *why)
{
	struct acl_rule *rule = into;

	return set_window(&rule->window_loose, value, why);
}

static int
rule_hide(void *into, const char *value, char *why)
{
	return set_hide(into, value, why);
}

static const struct conf_option rule_options[] = {
	{ "indev", rule_indev },   { "outdev", rule_outdev },
	{ "src_host", rule_src },  { "dst_host", rule_dst },
	{ "dst_port", rule_port }, { "type", rule_type },
	{ "window", rule_window }, { "tolerance", rule_tolerance },
	{ "hide", rule_hide },
};

/* One rule more, whatever is in it. */
static struct acl_rule *
new_rule(struct acl *acl)
{
	if (acl->rules_count == acl->rules_room) {
		size_t room =
			acl->rules_room ? acl->rules_room * 2 : RULES_FIRST;
		struct acl_rule *rules =
			reallocarray(acl->rules, room, sizeof *rules);

		if (!rules) {
			return NULL;
		}
		acl->rules = rules;
		acl->rules_room = room;
	}
	return &acl->rules[acl->rules_count++];
}

static int
add_rule(const struct conf_file *file, const struct conf_line *line,
	 const struct setting_words *defaults, char *err)
{
	struct acl *acl = &defaults->conf->acl;
	struct acl_rule *rule;
	uint64_t seen = 0;
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
	*rule = defaults->defaults;
	rule->line = line->line;
	rule->file = conf_included(file);
	rc = conf_apply(file, line, rule_options,
			sizeof rule_options / sizeof rule_options[0], rule,
			&seen, err);
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
	return 0;
}

static int
setting_tolerance(void *into, const char *value, char *why)
{
	struct setting_words *words = into;

	return set_tolerance(&words->defaults.tolerance, value, why);
}

static int
setting_window(void *into, const char *value, char *why)
{
	struct setting_words *words = into;

	return set_window(&words->defaults.window_loose, value, why);
}

static int
setting_hide(void *into, const char *value, char *why)
{
	struct setting_words *words = into;

	return set_hide(&words->defaults, value, why);
}

static int
setting_mark(void *into, const char *value, char *why)
{
	struct setting_words *words = into;

	return settings_mark(&words->conf->settings, value, why);
}

static int
setting_log(void *into, const char *value, char *why)
{
	struct setting_words *words = into;

	return settings_log(&words->conf->settings, value, why);
}

static int
setting_queue(void *into, const char *value, char *why)
{
	struct setting_words *words = into;

	return settings_queue(&words->conf->settings, value, why);
}

static int
setting_firewall(void *into, const char *value, char *why)
{
	struct setting_words *words = into;

	return settings_firewall(&words->conf->settings, value, why);
}

static int
setting_fastpath(void *into, const char *value, char *why)
{
	struct setting_words *words = into;

	return settings_fastpath(&words->conf->settings, value, why);
}

static int
setting_fastpath_mark(void *into, const char *value, char *why)
{
	struct setting_words *words = into;

	return settings_fastpath_mark(&words->conf->settings, value, why);
}

static int
setting_user(void *into, const char *value, char *why)
{
	struct setting_words *words = into;

	return settings_user(&words->conf->settings, value, why);
}

static int
setting_loopback(void *into, const char *value, char *why)
{
	static const char *const choices[] = { "open", "hide", NULL };
	struct setting_words *words = into;
	int choice;

	if (value_choice(value, choices, &choice, why) < 0) {
		return -1;
	}
	words->conf->hide_loopback = choice == 1;
	return 0;
}

static int
set_u32(uint32_t *out, const char *value, unsigned long low, unsigned long high,
	char *why)
{
	unsigned long number;

	if (value_number(value, low, high, &number, why) < 0) {
		return -1;
	}
	*out = (uint32_t)number;
	return 0;
}

static int
setting_groups(void *into, const char *value, char *why)
{
	struct receiver_limits *limits =
		&((struct setting_words *)into)->conf->limits;

	/* Four frames for each: what a group of the papers has. */
	if (set_u32(&limits->reassembly.groups, value, 16, 1u << 22, why) < 0) {
		return -1;
	}
	limits->reassembly.frames = limits->reassembly.groups * 4;
	return 0;
}

static int
setting_held(void *into, const char *value, char *why)
{
	struct setting_words *words = into;

	return set_u32(&words->conf->limits.reassembly.held, value, 1, 32768,
		       why);
}

static int
setting_assembly(void *into, const char *value, char *why)
{
	struct setting_words *words = into;

	return set_u32(&words->conf->limits.assembly_ms, value, 10, 10000, why);
}

static int
setting_flood(void *into, const char *value, char *why)
{
	struct setting_words *words = into;

	return set_u32(&words->conf->limits.flood_per_second, value, 0,
		       1u << 30, why);
}

static int
setting_replays(void *into, const char *value, char *why)
{
	struct setting_words *words = into;

	return set_u32(&words->conf->limits.replays, value, REPLAY_CAPACITY_MIN,
		       REPLAY_CAPACITY_MAX, why);
}

static int
setting_replay_file(void *into, const char *value, char *why)
{
	struct setting_words *words = into;
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
	memcpy(words->conf->replay_file, value, len + 1);
	return 0;
}

static const struct conf_option setting_options[] = {
	{ "tolerance", setting_tolerance },
	{ "window", setting_window },
	{ "log", setting_log },
	{ "queue", setting_queue },
	{ "firewall", setting_firewall },
	{ "loopback", setting_loopback },
	{ "groups", setting_groups },
	{ "held", setting_held },
	{ "assembly", setting_assembly },
	{ "flood", setting_flood },
	{ "run_as", setting_user },
	{ "hide", setting_hide },
	{ "mark", setting_mark },
	{ "fastpath", setting_fastpath },
	{ "replays", setting_replays },
	{ "replay_file", setting_replay_file },
	{ "fastpath_mark", setting_fastpath_mark }
};

#define RULE_WORDS (sizeof rule_options / sizeof rule_options[0])
#define SETTINGS (sizeof setting_options / sizeof setting_options[0])

int
server_conf_read(struct server_conf *conf, struct conf_file *file, char *err)
{
	struct setting_words words = { .conf = conf, .defaults.tolerance = 30 };
	struct conf_line line;
	uint64_t seen = 0;
	int rc;

	while ((rc = conf_next(file, &line, err)) > 0) {
		if (line.is_rule) {
			rc = hint_place(err, file, &line, rule_options,
					RULE_WORDS, setting_options, SETTINGS)
				? -1
				: add_rule(file, &line, &words, err);
		} else if (conf->acl.rules_count > 0) {
			rc = conf_fail(err, file, line.line,
				       "settings stand before the rules; a "
				       "rule begins with RULE:");
		} else if (hint_place(err, file, &line, setting_options,
				      SETTINGS, rule_options, RULE_WORDS)) {
			rc = -1;
		} else {
			rc = conf_apply(file, &line, setting_options, SETTINGS,
					&words, &seen, err);
		}
		if (rc < 0) {
			return rc;
		}
	}
	if (rc == 0 && conf->acl.rules_count == 0) {
		return conf_fail(err, file, 0, "no rule in it");
	}
	if (rc == 0 && conf->settings.mark == conf->settings.fastpath_mark) {
		return conf_fail(err, file, 0,
				 "mark and fastpath_mark are the same bit");
	}
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
	*rule = (struct acl_rule){ .tolerance = 30 };
	rc = value_ranges(ports, true, &rule->ports, &rule->ports_count, why);
	if (rc < 0) {
		conf_fail(err, &file, 0, "%s", why);
	}
	return rc;
}
