#include "conf/settings.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "conf/grammar.h"
#include "conf/value.h"

int
settings_log(void *into, const char *value, char *why)
{
	static const char *const words[] = { "text", "json", NULL };
	struct settings *settings = into;
	int choice;

	if (value_choice(value, words, &choice, why) < 0) {
		return -1;
	}
	settings->log_json = choice == 1;
	return 0;
}

int
settings_queue(void *into, const char *value, char *why)
{
	struct settings *settings = into;
	unsigned long queue;

	if (value_number(value, 0, SETTINGS_QUEUE_MAX, &queue, why) < 0) {
		return -1;
	}
	settings->queue = (uint16_t)queue;
	return 0;
}

static int
parse_bit(uint32_t *bit, const char *value, char *why)
{
	unsigned long mark;
	char *end;

	errno = 0;
	mark = strtoul(value, &end, 0);
	if (errno || *end || value[0] < '0' || value[0] > '9' || mark == 0 ||
	    mark > UINT32_MAX || (mark & (mark - 1)) != 0) {
		return value_fail(why,
				  "'%.64s' is not a single bit, like "
				  "0x40000000",
				  value);
	}
	*bit = (uint32_t)mark;
	return 0;
}

int
settings_mark(void *into, const char *value, char *why)
{
	struct settings *settings = into;

	return parse_bit(&settings->mark, value, why);
}

int
settings_fastpath_mark(void *into, const char *value, char *why)
{
	struct settings *settings = into;

	return parse_bit(&settings->fastpath_mark, value, why);
}

int
settings_firewall(void *into, const char *value, char *why)
{
	static const char *const words[] = { "auto", "nft", "iptables", "none",
					     NULL };
	struct settings *settings = into;
	int choice;

	if (value_choice(value, words, &choice, why) < 0) {
		return -1;
	}
	settings->firewall = (enum settings_firewall)choice;
	return 0;
}

int
settings_fastpath(void *into, const char *value, char *why)
{
	static const char *const words[] = { "off", "auto", "native", "generic",
					     NULL };
	struct settings *settings = into;
	int choice;

	if (value_choice(value, words, &choice, why) < 0) {
		return -1;
	}
	settings->fastpath = (enum settings_fastpath)choice;
	return 0;
}

int
settings_user(void *into, const char *value, char *why)
{
	struct settings *settings = into;
	size_t len = strlen(value);

	errno = 0;
	if (len > SETTINGS_USER_MAX || !getpwnam(value)) {
		return errno == ENOMEM
			? value_no_memory(why)
			: value_fail(why, "no user '%.64s'", value);
	}
	memcpy(settings->user, value, len + 1);
	return 0;
}

uint16_t
settings_peek_queue(const char *path, uint16_t fallback)
{
	struct settings settings = { .queue = fallback };
	char err[CONF_ERROR_MAX];
	char why[VALUE_WHY_MAX];
	struct conf_file file;
	struct conf_line line;

	if (conf_open(&file, path, CONF_ANYBODYS, err) < 0) {
		return fallback;
	}
	while (conf_next(&file, &line, err) > 0 && !line.is_rule) {
		for (size_t i = 0; i < line.count; i++) {
			if (strcmp(line.words[i].name, "queue") == 0) {
				settings_queue(&settings, line.words[i].value,
					       why);
			}
		}
	}
	conf_close(&file);
	return settings.queue;
}
