#include "conf/guest_rule.h"

#include <string.h>

static int
take_text(char *into, size_t size, const char *value, const char *what,
	  char *why)
{
	const size_t len = strlen(value);

	if (len >= size) {
		return value_fail(why, "'%.64s' is too long for %s", value,
				  what);
	}
	memcpy(into, value, len + 1);
	return 0;
}

int
guest_rule_name(void *into, const char *value, char *why)
{
	return take_text(into, GUEST_NAME_MAX, value, "a guest's name", why);
}

int
guest_rule_user(void *into, const char *value, char *why)
{
	return take_text(into, GUEST_USER_MAX, value, "a user's name", why);
}

_Static_assert(GUEST_PATH_MAX == SENDER_EXE_MAX, "one parser for both");

int
guest_rule_path(void *into, const char *value, char *why)
{
	return value[0] == '/'
		? take_text(into, GUEST_PATH_MAX, value, "a path", why)
		: value_fail(why, "'%.64s' is no path from / on", value);
}

int
guest_rule_comm(void *into, const char *value, char *why)
{
	return take_text(into, SENDER_COMM_MAX, value, "a process's name", why);
}

/* The number in "name:password:number:...", if it is that name's. */
static bool
is_user(const char *line, size_t len, const char *name, uint32_t *uid)
{
	const size_t name_len = strlen(name);
	const char *colon = memchr(line, ':', len);
	char text[16], why[VALUE_WHY_MAX];
	unsigned long number;
	size_t digits;

	if (!colon || (size_t)(colon - line) != name_len ||
	    memcmp(line, name, name_len) != 0) {
		return false;
	}
	len -= name_len + 1;
	line = colon + 1;
	colon = memchr(line, ':', len);
	if (!colon) {
		return false;
	}
	len -= (size_t)(colon + 1 - line);
	line = colon + 1;
	colon = memchr(line, ':', len);
	digits = colon ? (size_t)(colon - line) : len;
	if (digits >= sizeof text) {
		return false;
	}
	memcpy(text, line, digits);
	text[digits] = '\0';
	if (value_number(text, 0, UINT32_MAX - 1ul, &number, why) < 0) {
		return false;
	}
	*uid = (uint32_t)number;
	return true;
}

/* 1, 0 where passwd(5) has no such user, or below 0 with the error in err. */
static int
look_up(const char *path, const char *name, uint32_t *uid, char *err)
{
	struct conf_file file;
	int rc = conf_open(&file, path, CONF_PUBLIC, err);
	size_t at = 0;

	if (rc < 0) {
		return rc;
	}
	while (rc == 0 && at < file.len) {
		const char *line = file.text + at;
		const char *end = memchr(line, '\n', file.len - at);
		const size_t len = end ? (size_t)(end - line) : file.len - at;

		rc = is_user(line, len, name, uid);
		at += len + 1;
	}
	conf_close(&file);
	return rc;
}

static int
take_user(const struct guest_rule *words, struct sender_rule *rule,
	  const struct conf_file *file, char *err)
{
	char why[VALUE_WHY_MAX];
	unsigned long uid;
	int rc;

	rule->has_user = true;
	if (words->user[0] >= '0' && words->user[0] <= '9') {
		if (value_number(words->user, 0, UINT32_MAX - 1ul, &uid, why) <
		    0) {
			return conf_fail(err, file, rule->line,
					 "guest_user: %s", why);
		}
		rule->uid = (uint32_t)uid;
		return 0;
	}
	if (!words->passwd[0]) {
		return conf_fail(err, file, rule->line,
				 "guest_user: a name needs guest_passwd, a "
				 "copy of the guest's /etc/passwd");
	}
	rc = look_up(words->passwd, words->user, &rule->uid, err);
	if (rc == 0) {
		return conf_fail(err, file, rule->line,
				 "guest_user: no user '%s' in %s", words->user,
				 words->passwd);
	}
	return rc < 0 ? rc : 0;
}

static bool
has_words(const struct guest_rule *words)
{
	return words->user[0] || words->passwd[0] || words->exe[0] ||
		words->pid != 0 || words->comm[0] || words->unknown_passes ||
		words->denies || words->allows;
}

static int
check(const struct guest_rule *words, const struct client_guest *guest,
      const struct sender_rule *rule, const struct conf_file *file, char *err)
{
	const char *wrong = NULL;

	if (!guest) {
		return conf_fail(err, file, rule->line,
				 "no guest '%s': a GUEST: line before it "
				 "declares one",
				 words->guest);
	}
	if (!guest->dev[0]) {
		wrong = "guest: its GUEST: line needs dev, by which its "
			"packets come";
	} else if (rule->has_user || rule->exe[0]) {
		wrong = "user and exe are of this host's own connections: "
			"those of a guest are guest_user and guest_exe";
	} else if (rule->indev[0] && strcmp(rule->indev, guest->dev) != 0) {
		wrong = "indev is another device than the guest's";
	} else if (words->passwd[0] && !words->user[0]) {
		wrong = "guest_passwd goes with guest_user";
	} else if (words->denies && words->allows) {
		wrong = "deny and allow are two";
	}
	return wrong ? conf_fail(err, file, rule->line, "%s", wrong) : 0;
}

int
guest_rule_apply(const struct guest_rule *words,
		 const struct guest_list *guests, struct sender_rule *rule,
		 const struct conf_file *file, char *err)
{
	const struct client_guest *guest;

	if (!words->guest[0]) {
		return has_words(words)
			? conf_fail(err, file, rule->line,
				    "deny, allow, unknown and guest_... go "
				    "with guest")
			: 0;
	}
	guest = guest_conf_find(guests, words->guest);
	if (check(words, guest, rule, file, err) < 0 || !guest) {
		return -1;
	}
	rule->guest = (unsigned)(guest - guests->at) + 1;
	rule->forwarded = true;
	memcpy(rule->indev, guest->dev, sizeof rule->indev);
	memcpy(rule->exe, words->exe, sizeof rule->exe);
	memcpy(rule->comm, words->comm, sizeof rule->comm);
	rule->pid = words->pid;
	rule->unknown_passes = words->unknown_passes;
	rule->action = words->denies ? SENDER_DENY
		: words->allows      ? SENDER_ALLOW
				     : SENDER_AUTHENTICATE;
	return words->user[0] ? take_user(words, rule, file, err) : 0;
}
