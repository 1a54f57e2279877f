#include "conf/guest_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/grow.h"
#include "conf/words.h"

static int
take_name(void *into, const char *value, char *why)
{
	const size_t len = strlen(value);

	if (len >= GUEST_NAME_MAX ||
	    strspn(value,
		   "abcdefghijklmnopqrstuvwxyz"
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != len ||
	    value[0] == '-') {
		return value_fail(why,
				  "'%.64s': a guest's name has letters, "
				  "digits, '.', '_' and '-', %u at the most",
				  value, GUEST_NAME_MAX - 1);
	}
	memcpy(into, value, len + 1);
	return 0;
}

static int
take_path(void *into, const char *value, char *why)
{
	const size_t len = strlen(value);

	if (value[0] != '/' || len >= GUEST_PATH_MAX) {
		return value_fail(why, "'%.64s' is no path from / on", value);
	}
	memcpy(into, value, len + 1);
	return 0;
}

/* A number, or where it is found. */
static int
take_pid(void *into, const char *value, char *why)
{
	unsigned long pid;

	if (value[0] < '0' || value[0] > '9') {
		return take_path(into, value, why);
	}
	if (value_number(value, 1, INT32_MAX, &pid, why) < 0) {
		return -1;
	}
	snprintf(into, GUEST_PATH_MAX, "%lu", pid);
	return 0;
}

#define GUEST(name, member) CONF_WORD(name, struct client_guest, member)

static const struct conf_word_type guest_words[] = {
	{ GUEST("name", name), CONF_OWN(take_name), .needed = true },
	{ GUEST("pid", pid), CONF_OWN(take_pid) },
	{ GUEST("qmp", qmp), CONF_OWN(take_path) },
	{ GUEST("memory", memory), CONF_OWN(take_path) },
	{ GUEST("dev", dev), CONF_DEVICE },
	{ GUEST("btf", btf), CONF_OWN(take_path) },
	{ GUEST("symbols", symbols), CONF_OWN(take_path) },
};

static const struct conf_words words = CONF_WORDS(guest_words);

static int
check(const struct guest_list *list, const struct client_guest *guest,
      const struct conf_file *file, char *err)
{
	const int ways = (guest->pid[0] != '\0') + (guest->qmp[0] != '\0') +
		(guest->memory[0] != '\0');

	if (ways != 1) {
		return conf_fail(err, file, guest->line,
				 "a guest has one of pid, qmp and memory");
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct client_guest *other = &list->at[i];

		if (strcmp(other->name, guest->name) == 0) {
			return conf_fail(err, file, guest->line,
					 "there is a guest '%s' already, in "
					 "line %u",
					 guest->name, other->line);
		}
		if (guest->dev[0] && strcmp(other->dev, guest->dev) == 0) {
			return conf_fail(err, file, guest->line,
					 "%s is the device of guest '%s'",
					 guest->dev, other->name);
		}
	}
	return list->count < GUEST_CONF_MAX
		? 0
		: conf_fail(err, file, guest->line, "more than %u guests",
			    GUEST_CONF_MAX);
}

int
guest_conf_add(struct guest_list *list, const struct conf_file *file,
	       const struct conf_line *line, char *err)
{
	struct client_guest guest = { .line = line->line };
	int rc = conf_apply(file, line, &words, &guest, NULL, err);

	if (rc == 0) {
		rc = check(list, &guest, file, err);
	}
	if (rc < 0) {
		return rc;
	}
	if (grow(&list->at, list->count, &list->room, sizeof *list->at) < 0) {
		return conf_no_memory(err, file, line->line);
	}
	list->at[list->count++] = guest;
	return 0;
}

const struct client_guest *
guest_conf_find(const struct guest_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->at[i].name, name) == 0) {
			return &list->at[i];
		}
	}
	return NULL;
}

void
guest_conf_free(struct guest_list *list)
{
	free(list->at);
	*list = (struct guest_list){ .at = NULL };
}
