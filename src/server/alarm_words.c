#include "server/alarm_words.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "conf/words.h"
#include "protocol/frame.h"
#include "switching/alert.h"

static const char arrow[] = "->";

static int
take_endpoint(const char *text, struct packet_addr *addr, uint16_t *port,
	      char *why)
{
	const char *colon = strrchr(text, ':');

	*port = 0;
	if (alert_addr(text, strlen(text), addr) == 0) {
		return 0;
	}
	if (!colon || alert_addr(text, (size_t)(colon - text), addr) < 0) {
		return value_fail(why, "'%.64s' is not ADDRESS or ADDRESS:PORT",
				  text);
	}
	return value_port(colon + 1, port, why);
}

/* A copy of a part, without the blanks around it. */
static int
cut(char out[VALUE_HOST_MAX], const char *text, size_t len, char *why)
{
	while (len > 0 && text[0] == ' ') {
		text++;
		len--;
	}
	while (len > 0 && text[len - 1] == ' ') {
		len--;
	}
	if (len == 0 || len >= VALUE_HOST_MAX) {
		return value_fail(why, "an address is missing");
	}
	memcpy(out, text, len);
	out[len] = '\0';
	return 0;
}

static int
take_connection(struct alarm *a, const char *value, char *why)
{
	const char *to = strstr(value, arrow);
	char part[VALUE_HOST_MAX];

	if (cut(part, value, to ? (size_t)(to - value) : strlen(value), why) <
		    0 ||
	    take_endpoint(part, &a->src, &a->sport, why) < 0) {
		return -1;
	}
	if (!to) {
		return 0;
	}
	to += strlen(arrow);
	if (cut(part, to, strlen(to), why) < 0 ||
	    take_endpoint(part, &a->dst, &a->dport, why) < 0) {
		return -1;
	}
	return a->src.family == a->dst.family
		? 0
		: value_fail(why, "addresses of different IP versions");
}

int
alarm_words_whom(void *into, const char *value, char *why)
{
	static const char key[] = "key=";
	struct alarm_words *words = into;

	words->given = true;
	words->alarm.key_no = ALARM_NO_KEY;
	if (strncmp(value, key, sizeof key - 1) != 0) {
		return take_connection(&words->alarm, value, why);
	}
	value += sizeof key - 1;
	if (value[0] == '\0' || strlen(value) >= sizeof words->key ||
	    strpbrk(value, "\",#\\\n")) {
		return value_fail(why, "'%.64s' is no key's number or name",
				  value);
	}
	memcpy(words->key, value, strlen(value) + 1);
	return 0;
}

int
alarm_words_calm(void *into, const char *value, char *why)
{
	struct alarm_words *words = into;

	if (strcmp(value, "all") != 0) {
		return alarm_words_whom(into, value, why);
	}
	words->given = words->all = true;
	words->alarm.key_no = ALARM_NO_KEY;
	return 0;
}

int
alarm_words_for(void *into, const char *value, char *why)
{
	struct alarm_words *words = into;
	uint64_t span;
	const int rc = value_duration(value, &span, why);

	words->seconds = rc < 0 ? 0 : (span + FRAME_SECOND - 1) / FRAME_SECOND;
	return rc;
}

void
alarm_words_clean(char out[ALARM_REASON_MAX], const char *text)
{
	size_t i = 0;

	for (; text[i] && i + 1 < ALARM_REASON_MAX; i++) {
		out[i] = text[i];
		if (text[i] < ' ' || text[i] > '~' ||
		    strchr("\"#\\", text[i])) {
			out[i] = '.';
		}
	}
	out[i] = '\0';
}

int
alarm_words_reason(void *into, const char *value, char *why)
{
	struct alarm_words *words = into;

	if (strlen(value) >= ALARM_REASON_MAX) {
		return value_fail(why, "longer than %u bytes",
				  ALARM_REASON_MAX - 1);
	}
	alarm_words_clean(words->alarm.reason, value);
	return 0;
}

static void
put_end(struct text *t, const struct packet_addr *addr, uint16_t port)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, text,
		  sizeof text);
	text_put(t, port ? "[%s]:%u" : "%s", text, port);
}

void
alarm_words_put(struct text *t, const struct alarm_words *w)
{
	const struct alarm *a = &w->alarm;

	text_put(t, "whom=\"");
	if (w->all) {
		text_put(t, "all");
	} else if (w->key[0]) {
		text_put(t, "key=%s", w->key);
	} else {
		put_end(t, &a->src, a->sport);
	}
	if (!w->all && !w->key[0] && a->dst.family) {
		text_put(t, " -> ");
		put_end(t, &a->dst, a->dport);
	}
	text_put(t, "\"");
	if (w->seconds) {
		text_put(t, ", for=%llus", (unsigned long long)w->seconds);
	}
	if (a->reason[0]) {
		text_put(t, ", reason=\"%s\"", a->reason);
	}
	text_put(t, "\n");
}

static const struct conf_word_type line_words[] = {
	{ .name = "whom", .take = alarm_words_calm, .needed = true },
	{ .name = "for", .take = alarm_words_for },
	{ .name = "reason", .take = alarm_words_reason },
};

int
alarm_words_read(struct alarm_words *w, const char *line, char *err)
{
	static const struct conf_words table = CONF_WORDS(line_words);
	struct conf_file file;
	struct conf_line words;
	int rc = conf_open_text(&file, "alarm", line, strlen(line), err);

	*w = (struct alarm_words){ .given = false };
	if (rc < 0) {
		return -1;
	}
	rc = conf_next(&file, &words, err);
	if (rc == 1) {
		rc = conf_apply(&file, &words, &table, w, NULL, err);
	} else if (rc == 0) {
		rc = conf_fail(err, &file, 0, "nobody is named");
	}
	conf_close(&file);
	return rc < 0 ? -1 : 0;
}
