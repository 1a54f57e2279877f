#include "conf/client_conf.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "conf/hints.h"
#include "conf/keyfile.h"
#include "base/secret.h"

#define RULES_MAX 4096u
#define RULES_FIRST 16u /* room for them, which doubles */

/* A rule in the making: its own words, and those of its key. */
struct rule_words {
	struct key_spec key; /* first: key.h's setters take it */
	struct sender_rule *rule;
};

static struct sender_rule *
rule_of(void *into)
{
	return ((struct rule_words *)into)->rule;
}

static int
rule_outdev(void *into, const char *value, char *why)
{
	return value_device(value, rule_of(into)->outdev, why);
}

static int
rule_src(void *into, const char *value, char *why)
{
	return value_net(value, &rule_of(into)->src, why);
}

static int
rule_dst(void *into, const char *value, char *why)
{
	return value_net(value, &rule_of(into)->dst, why);
}

static int
rule_port(void *into, const char *value, char *why)
{
	struct sender_rule *rule = rule_of(into);

	if (strcmp(value, "ANY") == 0) {
		return 0;
	}
	return value_ranges(value, true, &rule->ports, &rule->ports_count, why);
}

static int
rule_user(void *into, const char *value, char *why)
{
	struct sender_rule *rule = rule_of(into);
	const struct passwd *user;
	unsigned long uid;

	if (strcmp(value, "ANY") == 0) {
		return 0;
	}
	rule->has_user = true;
	if (value[0] >= '0' && value[0] <= '9') {
		if (value_number(value, 0, UINT32_MAX - 1ul, &uid, why) < 0) {
			return -1;
		}
		rule->uid = (uint32_t)uid;
		return 0;
	}
	errno = 0;
	user = getpwnam(value);
	if (!user) {
		return errno == ENOMEM
			? value_no_memory(why)
			: value_fail(why, "no user '%.64s'", value);
	}
	rule->uid = user->pw_uid;
	return 0;
}

static int
rule_exe(void *into, const char *value, char *why)
{
	struct sender_rule *rule = rule_of(into);
	size_t len = strlen(value);

	if (value[0] != '/' || len >= sizeof rule->exe) {
		return value_fail(why, "'%.64s' is no path from / on", value);
	}
	memcpy(rule->exe, value, len + 1);
	return 0;
}

static int
rule_service_port(void *into, const char *value, char *why)
{
	return value_port(value, &rule_of(into)->service_port, why);
}

static int
rule_type(void *into, const char *value, char *why)
{
	static const char *const words[] = { "LOCAL", NULL };
	int choice;

	(void)into;
	return value_choice(value, words, &choice, why);
}

static const struct conf_option rule_options[] = {
	{ "key_no", key_set_no },
	{ "key", key_set_secret },
	{ "alg", key_set_alg },
	{ "auth", key_set_auth },
	{ "realm", key_set_realm },
	{ "name", key_set_name },
	{ "not_before", key_set_not_before },
	{ "not_after", key_set_not_after },
	{ "outdev", rule_outdev },
	{ "user", rule_user },
	{ "src_host", rule_src },
	{ "dst_host", rule_dst },
	{ "dst_port", rule_port },
	{ "service_port", rule_service_port },
	{ "type", rule_type },
	{ "exe", rule_exe },
};

static int
fill_rule(const struct conf_file *file, const struct conf_line *line,
	  struct rule_words *words, char *err)
{
	struct sender_rule *rule = words->rule;
	char why[VALUE_WHY_MAX];
	uint64_t seen = 0;
	int rc = conf_apply(file, line, rule_options,
			    sizeof rule_options / sizeof rule_options[0], words,
			    &seen, err);

	if (rc < 0) {
		return rc;
	}
	if ((seen & 3) != 3) {
		return conf_fail(err, file, line->line, "%s is missing",
				 seen & 1 ? "key" : "key_no");
	}
	if (key_finish(&words->key, &rule->key, why) < 0) {
		return conf_fail(err, file, line->line, "%s", why);
	}
	if (rule->dst.addr.family == 0 && rule->ports_count == 0) {
		return conf_fail(err, file, line->line,
				 "neither dst_host nor dst_port: that is "
				 "every connection of this host");
	}
	if (rule->src.addr.family && rule->dst.addr.family &&
	    rule->src.addr.family != rule->dst.addr.family) {
		return conf_fail(err, file, line->line,
				 "src_host and dst_host are of different IP "
				 "versions");
	}
	return 0;
}

/* Room for one rule more. */
static int
make_room(struct client_conf *conf)
{
	size_t room = conf->rules_room ? conf->rules_room * 2 : RULES_FIRST;
	struct sender_rule *rules;

	if (conf->rules_count < conf->rules_room) {
		return 0;
	}
	rules = secret_resize(conf->rules, room * sizeof *rules);
	if (!rules) {
		return -1;
	}
	conf->rules = rules;
	conf->rules_room = room;
	return 0;
}

static int
add_rule(struct client_conf *conf, const struct conf_file *file,
	 const struct conf_line *line, char *err)
{
	struct rule_words words;
	int rc;

	if (conf->rules_count == RULES_MAX) {
		return conf_fail(err, file, line->line, "more than %u rules",
				 RULES_MAX);
	}
	if (make_room(conf) < 0) {
		return conf_no_memory(err, file, line->line);
	}
	words.rule = &conf->rules[conf->rules_count];
	key_spec_init(&words.key);
	words.rule->line = line->line;
	conf->rules_count++;
	rc = fill_rule(file, line, &words, err);
	conf->by_device |= words.rule->outdev[0] != '\0';
	conf->by_user |= words.rule->has_user;
	conf->by_exe |= words.rule->exe[0] != '\0';
	key_spec_wipe(&words.key);
	return rc;
}

static const struct conf_option setting_options[] = {
	{ "log", settings_log },           { "queue", settings_queue },
	{ "mark", settings_mark },         { "firewall", settings_firewall },
	{ "fastpath", settings_fastpath }, { "run_as", settings_user },
};

#define RULE_WORDS (sizeof rule_options / sizeof rule_options[0])
#define SETTINGS (sizeof setting_options / sizeof setting_options[0])

static int
load_file(struct client_conf *conf, struct conf_file *file, char *err)
{
	struct conf_line line;
	uint64_t seen = 0;
	int rc;

	while ((rc = conf_next(file, &line, err)) > 0) {
		if (line.is_rule) {
			rc = hint_place(err, file, &line, rule_options,
					RULE_WORDS, setting_options, SETTINGS)
				? -1
				: add_rule(conf, file, &line, err);
		} else if (conf->rules_count > 0) {
			rc = conf_fail(err, file, line.line,
				       "settings stand before the rules; a "
				       "rule begins with RULE:");
		} else if (hint_place(err, file, &line, setting_options,
				      SETTINGS, rule_options, RULE_WORDS)) {
			rc = -1;
		} else {
			rc = conf_apply(file, &line, setting_options, SETTINGS,
					&conf->settings, &seen, err);
		}
		if (rc < 0) {
			return rc;
		}
	}
	if (rc == 0 && conf->rules_count == 0) {
		return conf_fail(err, file, 0, "no rule in it");
	}
	return rc;
}

static struct client_conf *
client_conf_new(void)
{
	struct client_conf *conf = calloc(1, sizeof *conf);

	if (conf) {
		conf->settings.queue = CLIENT_CONF_QUEUE;
		conf->settings.mark = CLIENT_CONF_MARK;
	}
	return conf;
}

struct client_conf *
client_conf_read(struct conf_file *file, char *err)
{
	struct client_conf *conf = client_conf_new();
	int rc = conf ? load_file(conf, file, err)
		      : conf_no_memory(err, file, 0);

	if (rc < 0) {
		client_conf_free(conf);
		errno = -rc;
		return NULL;
	}
	return conf;
}

struct client_conf *
client_conf_for(const struct packet_addr *to, size_t count, uint16_t port,
		const struct acl_key *key)
{
	struct client_conf *conf = client_conf_new();

	for (size_t i = 0; conf && i < count; i++) {
		struct sender_rule *rule;

		if (make_room(conf) < 0) {
			client_conf_free(conf);
			return NULL;
		}
		rule = &conf->rules[conf->rules_count++];
		rule->dst.addr = to[i];
		memset(rule->dst.mask, 0xff, to[i].family == 4 ? 4 : 16);
		rule->key = *key;
		rule->ports = calloc(1, sizeof *rule->ports);
		if (!rule->ports) {
			client_conf_free(conf);
			return NULL;
		}
		rule->ports[0] = (struct acl_range){ port, port };
		rule->ports_count = 1;
	}
	return conf;
}

struct client_conf *
client_conf_load(const char *path, const struct sealed_passphrase *passphrase,
		 char *err)
{
	struct client_conf *conf;
	struct conf_file file;
	int rc;

	if (!path) {
		path = CLIENT_CONF_FILE;
	}
	if (!sealed_is(path)) {
		rc = conf_open(&file, path, CONF_SECRET, err);
	} else if (passphrase) {
		rc = sealed_open(&file, path, passphrase, err);
	} else {
		file = (struct conf_file){ .path = path };
		rc = conf_fail(err, &file, 0,
			       "is sealed with a passphrase, which is not "
			       "kept: a restart reads it again");
	}
	if (rc < 0) {
		errno = -rc;
		return NULL;
	}
	conf = client_conf_read(&file, err);
	rc = errno;
	conf_close(&file);
	errno = rc;
	return conf;
}

void
client_conf_free(struct client_conf *conf)
{
	if (!conf) {
		return;
	}
	for (size_t i = 0; i < conf->rules_count; i++) {
		free(conf->rules[i].ports);
	}
	secret_free(conf->rules);
	free(conf);
}
