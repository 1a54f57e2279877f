#include "conf/client_conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "conf/guest_rule.h"
#include "conf/keyfile.h"

#define RULES_MAX 4096u

/* A rule in the making: its own words, and those of its key. */
struct rule_words {
	struct key_spec spec;
	struct sender_rule rule;
	struct guest_rule of_guest;
	char host[SENDER_NAME_MAX]; /* of dst_host; or empty */
	char scope[ACL_IFNAME_MAX]; /* of an address in it; or empty */
};

static bool
is_link_local(const struct acl_net *net)
{
	return net->addr.family == 6 && net->addr.bytes[0] == 0xfe &&
		(net->addr.bytes[1] & 0xc0) == 0x80;
}

/* fe80::1%eth0, perhaps in brackets. */
static int
take_scoped(struct rule_words *words, const char *value, const char *percent,
	    char *why)
{
	const size_t scope_len = strcspn(percent + 1, "]");
	const bool bracket = value[0] == '[';
	char text[INET6_ADDRSTRLEN], scope[ACL_IFNAME_MAX];
	const size_t len = (size_t)(percent - value) - bracket;

	if (len >= sizeof text || scope_len >= sizeof scope ||
	    strlen(percent + 1) != scope_len + bracket) {
		return value_fail(why, "'%.64s' is not an address", value);
	}
	memcpy(text, value + bracket, len);
	text[len] = '\0';
	memcpy(scope, percent + 1, scope_len);
	scope[scope_len] = '\0';
	if (value_net(text, &words->rule.dst, why) < 0 ||
	    value_device(scope, words->scope, why) < 0) {
		return -1;
	}
	return is_link_local(&words->rule.dst) && words->scope[0]
		? 0
		: value_fail(why,
			     "'%.64s': a device goes with a link-local "
			     "address",
			     value);
}

static int
take_dst(void *into, const char *value, char *why)
{
	struct rule_words *words = into;
	const char *percent = strchr(value, '%');

	if (percent) {
		return take_scoped(words, value, percent, why);
	}
	if (strcmp(value, "ANY") != 0 && value_is_name(value)) {
		memcpy(words->host, value, strlen(value) + 1);
		return 0;
	}
	if (value_net(value, &words->rule.dst, why) == 0) {
		return 0;
	}
	return strpbrk(value, ":/") ? -1
				    : value_fail(why,
						 "'%.64s' is neither an "
						 "address nor a name",
						 value);
}

static int
take_ports(void *into, const char *value, char *why)
{
	struct sender_rule *rule = into;

	if (strcmp(value, "ANY") == 0) {
		return 0;
	}
	return value_ranges(value, true, &rule->ports, &rule->ports_count, why);
}

static int
take_user(void *into, const char *value, char *why)
{
	struct sender_rule *rule = into;
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
take_exe(void *into, const char *value, char *why)
{
	size_t len = strlen(value);

	if (value[0] != '/' || len >= SENDER_EXE_MAX) {
		return value_fail(why, "'%.64s' is no path from / on", value);
	}
	memcpy(into, value, len + 1);
	return 0;
}

#define RULE(name, member) CONF_WORD(name, struct rule_words, rule.member)
#define WHOLE_RULE(n) .name = (n), .at = offsetof(struct rule_words, rule)

static const struct conf_word_type rule_words[] = {
	KEY_WORDS(struct rule_words),
	{ RULE("indev", indev), CONF_DEVICE },
	{ RULE("outdev", outdev), CONF_DEVICE },
	{ RULE("src_host", src), CONF_NET },
	{ .name = "dst_host", CONF_OWN(take_dst) },
	{ WHOLE_RULE("dst_port"), CONF_OWN(take_ports) },
	{ RULE("service_port", service_port), CONF_PORT },
	{ WHOLE_RULE("user"), CONF_OWN(take_user) },
	{ RULE("exe", exe), CONF_OWN(take_exe) },
	{ RULE("type", forwarded), CONF_CHOICE("LOCAL FORWARD") },
	GUEST_RULE_WORDS(struct rule_words),
};

static const struct conf_word_type setting_words[] = { SETTINGS(
	SETTINGS_WORD, struct client_conf) };

static int add_rule(void *into, const struct conf_file *file,
		    const struct conf_line *line, char *err);

static int
add_guest(void *into, const struct conf_file *file,
	  const struct conf_line *line, char *err)
{
	struct client_conf *conf = into;

	return guest_conf_add(&conf->guests, file, line, err);
}

static const struct conf_form form = {
	.settings = CONF_WORDS(setting_words),
	.rules = CONF_WORDS(rule_words),
	.rule = add_rule,
	.guest = add_guest,
};

/* Whoever is behind this host has the use of the key: so say who that is. */
static int
check_type(const struct conf_file *file, const struct sender_rule *rule,
	   char *err)
{
	if (!rule->forwarded) {
		return rule->indev[0]
			? conf_fail(err, file, rule->line,
				    "indev goes with type=FORWARD")
			: 0;
	}
	if (rule->guest == 0 && (rule->has_user || rule->exe[0])) {
		return conf_fail(err, file, rule->line,
				 "user and exe are of this host's own "
				 "connections, not of type=FORWARD");
	}
	return rule->indev[0] || rule->src.addr.family
		? 0
		: conf_fail(err, file, rule->line,
			    "type=FORWARD needs indev or src_host: whoever "
			    "sends through this host would have the use of "
			    "the key");
}

static int
check_rule(const struct conf_file *file, const struct sender_rule *rule,
	   char *err)
{
	if (rule->dst.addr.family == 0 && !rule->host &&
	    rule->ports_count == 0) {
		return conf_fail(err, file, rule->line,
				 "neither dst_host nor dst_port: that is "
				 "every connection of this host");
	}
	if (rule->src.addr.family && rule->dst.addr.family &&
	    rule->src.addr.family != rule->dst.addr.family) {
		return conf_fail(err, file, rule->line,
				 "src_host and dst_host are of different IP "
				 "versions");
	}
	return check_type(file, rule, err);
}

static int
make_room(struct client_conf *conf)
{
	return secret_grow(&conf->rules, conf->rules_count, &conf->rules_room,
			   sizeof *conf->rules);
}

/* That of a name, or NULL where there is no memory. */
static struct sender_host *
host_of(struct client_conf *conf, const char *name)
{
	struct sender_host **last = &conf->hosts;

	while (*last && strcasecmp((*last)->name, name) != 0) {
		last = &(*last)->next;
	}
	if (!*last) {
		*last = calloc(1, sizeof **last);
		if (*last) {
			memcpy((*last)->name, name, strlen(name) + 1);
			(*last)->no = conf->hosts_count++;
		}
	}
	return *last;
}

/* Where the rule's connections go to, and by which device. */
static int
take_place(struct client_conf *conf, struct sender_rule *rule,
	   const struct rule_words *words, const struct conf_file *file,
	   char *err)
{
	if (words->host[0]) {
		rule->host = host_of(conf, words->host);
		if (!rule->host) {
			return conf_no_memory(err, file, rule->line);
		}
		if (conf->hosts_count > CLIENT_CONF_HOSTS_MAX) {
			return conf_fail(err, file, rule->line,
					 "more than %u names",
					 CLIENT_CONF_HOSTS_MAX);
		}
	}
	if (words->scope[0]) {
		if (rule->outdev[0] &&
		    strcmp(rule->outdev, words->scope) != 0) {
			return conf_fail(err, file, rule->line,
					 "outdev and the device in dst_host "
					 "are two");
		}
		memcpy(rule->outdev, words->scope, sizeof rule->outdev);
	}
	return 0;
}

/* Whether it has no key, but says whether connections may be at all. */
static bool
is_policy(const struct conf_line *line)
{
	for (size_t i = 0; i < line->count; i++) {
		if (strcmp(line->words[i].name, "deny") == 0 ||
		    strcmp(line->words[i].name, "allow") == 0) {
			return true;
		}
	}
	return false;
}

static int
take_words(const struct conf_file *file, const struct conf_line *line,
	   struct rule_words *words, struct acl_key *key, char *err)
{
	/* The words of a key are the first. */
	const struct conf_words policy = {
		rule_words + KEY_WORDS_COUNT,
		form.rules.count - KEY_WORDS_COUNT,
	};
	char why[VALUE_WHY_MAX];
	int rc;

	if (is_policy(line)) {
		return conf_apply(file, line, &policy, words, NULL, err);
	}
	rc = conf_apply(file, line, &form.rules, words, NULL, err);
	if (rc == 0 && key_finish(&words->spec, key, why) < 0) {
		rc = conf_fail(err, file, line->line, "%s", why);
	}
	return rc;
}

static int
add_rule(void *into, const struct conf_file *file, const struct conf_line *line,
	 char *err)
{
	struct client_conf *conf = into;
	struct rule_words words = { .rule.line = line->line };
	struct acl_key key = { 0 };
	struct sender_rule *rule;
	int rc;

	if (conf->rules_count == RULES_MAX) {
		return conf_fail(err, file, line->line, "more than %u rules",
				 RULES_MAX);
	}
	if (make_room(conf) < 0) {
		return conf_no_memory(err, file, line->line);
	}
	key_spec_init(&words.spec);
	rc = take_words(file, line, &words, &key, err);
	/* Whatever is wrong with it: its ports are freed with the rest. */
	rule = &conf->rules[conf->rules_count++];
	*rule = words.rule;
	rule->key = key;
	if (rc == 0) {
		rc = guest_rule_apply(&words.of_guest, &conf->guests, rule,
				      file, err);
	}
	if (rc == 0) {
		rc = take_place(conf, rule, &words, file, err);
	}
	if (rc == 0) {
		rc = check_rule(file, rule, err);
	}
	conf->by_device |= rule->outdev[0] != '\0' || rule->indev[0] != '\0';
	conf->forwards |= rule->forwarded;
	conf->by_user |= rule->has_user && rule->guest == 0;
	conf->by_exe |= rule->exe[0] != '\0' && rule->guest == 0;
	conf->by_guest |= rule->guest != 0;
	bytes_wipe(&key, sizeof key);
	key_spec_wipe(&words.spec);
	return rc;
}

static struct client_conf *
client_conf_new(void)
{
	struct client_conf *conf = calloc(1, sizeof *conf);

	if (conf) {
		conf_defaults(&form.settings, conf);
		conf->settings.queue = CLIENT_CONF_QUEUE;
		conf->settings.mark = CLIENT_CONF_MARK;
	}
	return conf;
}

struct client_conf *
client_conf_read(struct conf_file *file, char *err)
{
	struct client_conf *conf = client_conf_new();
	int rc = conf ? conf_read(file, &form, conf, err)
		      : conf_no_memory(err, file, 0);

	if (rc < 0) {
		client_conf_free(conf);
		errno = -rc;
		return NULL;
	}
	return conf;
}

struct client_conf *
client_conf_for(const char *host, const struct host_addr *to, size_t count,
		uint16_t port, uint16_t service_port, const struct acl_key *key)
{
	struct client_conf *conf = client_conf_new();
	struct sender_rule *rule;

	if (!conf || make_room(conf) < 0) {
		client_conf_free(conf);
		return NULL;
	}
	rule = &conf->rules[conf->rules_count++];
	rule->host = host_of(conf, host);
	rule->ports = calloc(1, sizeof *rule->ports);
	if (!rule->host || !rule->ports) {
		client_conf_free(conf);
		return NULL;
	}
	for (size_t i = 0; i < count && i < SENDER_ADDRESSES_MAX; i++) {
		rule->host->addr[rule->host->count++] = to[i].addr;
	}
	rule->key = *key;
	rule->service_port = service_port;
	rule->ports[0] = (struct acl_range){ port, port };
	rule->ports_count = 1;
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
client_conf_keep(struct client_conf *conf, const struct client_conf *before)
{
	conf_keep(&form.settings, conf, before);
}

void
client_conf_forget(struct client_conf *conf)
{
	for (size_t i = 0; i < conf->rules_count; i++) {
		bytes_wipe(&conf->rules[i].key.mac,
			   sizeof conf->rules[i].key.mac);
	}
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
	while (conf->hosts) {
		struct sender_host *next = conf->hosts->next;

		free(conf->hosts);
		conf->hosts = next;
	}
	guest_conf_free(&conf->guests);
	secret_free(conf->rules);
	free(conf);
}
