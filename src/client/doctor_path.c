#include "client/doctor_path.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spawn.h"
#include "conf/value.h"
#include "measure/connect.h"

#define JSON_MAX (1u << 18)
/* Until the second SYN was answered. */
#define FAR_SIDE_MS 1500

static bool
is_there(const struct host_addr *dst)
{
	struct dial dial;
	bool there = false;

	if (dial_begin(&dial, &dst->addr, dst->device, DOCTOR_FAR_PORT) == 0) {
		struct pollfd wait = { .fd = dial.fd, .events = POLLOUT };

		poll(&wait, 1, FAR_SIDE_MS);
		dial_look(&dial);
		there = dial.error == 0;
		dial_end(&dial);
	}
	return there;
}

static void
take_member(struct doctor_path *path, const char *name,
	    const struct json_read *j, enum json_token token)
{
	unsigned long number;
	char why[VALUE_WHY_MAX];

	if (token == JSON_STRING && strcmp(name, "verdict") == 0) {
		path->passes = strcmp(j->text, "passes") == 0;
	} else if (token == JSON_STRING && strcmp(name, "text") == 0 &&
		   !path->text[0]) {
		memcpy(path->text, j->text, sizeof path->text);
	} else if (token == JSON_NUMBER && strcmp(name, "service_port") == 0 &&
		   value_number(j->text, 1, UINT16_MAX, &number, why) == 0) {
		path->service_port = (uint16_t)number;
	}
}

void
doctor_path_read(struct doctor_path *path, const char *json, size_t len)
{
	char name[JSON_READ_TEXT_MAX] = "";
	enum json_token token;
	struct json_read j;

	json_read_init(&j, json, len);
	while ((token = json_read_next(&j)) > JSON_END) {
		if (token == JSON_NAME) {
			memcpy(name, j.text, sizeof name);
		} else {
			take_member(path, name, &j, token);
		}
	}
}

/*
 * In a program of its own, as one run by hand would be: commands share no
 * code but what lies in measure/.
 */
bool
doctor_path_ask(struct doctor_path *path, const struct host_addr *dst,
		const char *address)
{
	const char *const argv[] = {
		"/proc/self/exe", "probe-path", "--json", "--count", "2",
		address,          NULL
	};
	char *json;

	*path = (struct doctor_path){ .passes = false };
	if (!is_there(dst)) {
		return false;
	}
	json = malloc(JSON_MAX);
	if (json) {
		json[0] = '\0';
		(void)run_attached(argv, NULL, json, JSON_MAX, NULL, 0);
		doctor_path_read(path, json, strlen(json));
	}
	free(json);
	return true;
}
