#include "conf/settings.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

int
settings_user(void *into, const char *value, char *why)
{
	struct settings_user *user = into;
	const struct passwd *found;
	size_t len = strlen(value);

	errno = 0;
	found = len > SETTINGS_USER_MAX ? NULL : getpwnam(value);
	if (!found) {
		return errno == ENOMEM
			? value_no_memory(why)
			: value_fail(why, "no user '%.64s'", value);
	}
	if (found->pw_uid == 0) {
		return value_fail(why,
				  "'%.64s' is root, whose rights are to "
				  "be given up",
				  value);
	}
	memcpy(user->name, value, len + 1);
	return 0;
}

int
settings_tools(void *into, const char *value, char *why)
{
	struct settings_tools *tools = into;
	const char *at = value;

	for (;; at++) {
		if (*at != '/') {
			return value_fail(
				why, "'%.64s' is no directory from / on", at);
		}
		at += strcspn(at, ":");
		if (*at == '\0') {
			break;
		}
	}
	if ((size_t)(at - value) >= sizeof tools->places) {
		return value_fail(why, "longer than %zu bytes",
				  sizeof tools->places - 1);
	}
	memcpy(tools->places, value, (size_t)(at - value) + 1);
	return 0;
}

uint16_t
settings_peek_queue(const char *path, uint16_t fallback)
{
	unsigned long queue;
	char err[CONF_ERROR_MAX];
	char why[VALUE_WHY_MAX];
	struct conf_file file;
	struct conf_line line;

	if (conf_open(&file, path, CONF_ANYBODYS, err) < 0) {
		return fallback;
	}
	while (conf_next(&file, &line, err) > 0 && !line.is_rule) {
		for (size_t i = 0; i < line.count; i++) {
			if (strcmp(line.words[i].name, "queue") == 0 &&
			    value_number(line.words[i].value, 0,
					 SETTINGS_QUEUE_MAX, &queue,
					 why) == 0) {
				fallback = (uint16_t)queue;
			}
		}
	}
	conf_close(&file);
	return fallback;
}
