#include "server/alarm_command.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/alarm_words.h"
#include "server/connections.h"
#include "tap.h"

/* The key that is named; ALARM_NO_KEY: there is none. */
static int32_t
key_named(const struct switching *s, const char *text)
{
	const struct acl *acl = &(*s->conf)->acl;
	char why[VALUE_WHY_MAX];
	unsigned long number;

	for (size_t i = 0; i < acl->keys_count; i++) {
		if (strcmp(acl->keys[i].name, text) == 0) {
			return acl->keys[i].no;
		}
	}
	return value_number(text, 0, UINT16_MAX, &number, why) == 0 &&
			acl_key_by_no(acl, (uint16_t)number)
		? (int32_t)number
		: ALARM_NO_KEY;
}

struct hits {
	size_t found, switched;
	bool is_new;
};

/* All connections that an alarm names. */
static struct hits
switch_all(struct switching *s, const struct alarm *a, bool lists)
{
	struct connection *all = &s->worker->store.connections->places[0][0];
	struct hits hits = { 0 };

	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		struct connection *c = &all[i];
		const struct packet p = connections_packet(c);
		const int32_t key_no = c->key_no;

		if ((c->family != 4 && c->family != 6) || key_no < 0 ||
		    key_no > UINT16_MAX || !alarm_is_of(a, &p, key_no)) {
			continue;
		}
		hits.found++;
		if (lists) {
			hits.is_new |=
				switching_list(s, decoy_key((uint16_t)key_no),
					       a->reason, a->until);
			hits.is_new |= switching_list(s, decoy_addr(&p.src),
						      a->reason, a->until);
			switching_put(s);
		}
		hits.switched += switching_one(s, c, a->reason);
	}
	/* Those that the table had no room for, or that come yet. */
	if (!lists && s->carry && s->carry(s->carry_context, a)) {
		hits.switched++;
	}
	return hits;
}

static bool
read_words(struct switching *s, const char *said, struct alarm_words *w,
	   struct text *t)
{
	char err[CONF_ERROR_MAX];

	if (alarm_words_read(w, said, err) < 0) {
		text_put(t, "%d%s\n", TAP_USAGE, err);
		return false;
	}
	if (w->key[0]) {
		w->alarm.key_no = key_named(s, w->key);
		if (w->alarm.key_no == ALARM_NO_KEY) {
			text_put(t, "%dno key %s\n", TAP_NO, w->key);
			return false;
		}
	}
	if (w->alarm.reason[0] == '\0') {
		snprintf(w->alarm.reason, sizeof w->alarm.reason, "by hand");
	}
	w->alarm.until = w->seconds ? (uint64_t)time(NULL) + w->seconds : 0;
	return true;
}

void
alarm_command(struct switching *s, const char *said, struct text *t)
{
	struct alarm_words w;
	struct alarm *a = &w.alarm;
	struct hits hits;
	bool names_one, is_new = false;

	if (!read_words(s, said, &w, t)) {
		return;
	}
	names_one = a->sport != 0;
	if (a->key_no != ALARM_NO_KEY) {
		is_new = switching_list(s, decoy_key((uint16_t)a->key_no),
					a->reason, a->until);
	} else if (!names_one) {
		is_new = switching_list(s, decoy_addr(&a->src), a->reason,
					a->until);
	}
	switching_put(s);
	hits = switch_all(s, a, names_one);
	switching_keep(s);
	if (names_one && hits.found == 0) {
		text_put(t, "%dno such connection\n", TAP_NO);
		return;
	}
	text_put(t, "%d%s%s; %zu open connection%s switched\n",
		 hits.found == 0 && a->key_no == ALARM_NO_KEY ? TAP_NO : TAP_OK,
		 is_new || hits.is_new ? "goes to the decoy from now on"
				       : "goes to the decoy already",
		 hits.found == 0 ? "; no connection of it is known" : "",
		 hits.switched, text_s(hits.switched));
}

static size_t
calm_all(struct switching *s)
{
	size_t count = 0;

	for (size_t i = 0; i < DECOY_LIST_MAX; i++) {
		const struct decoy_entry who = s->list.entries[i];

		count += who.used && switching_unlist(s, &who);
	}
	alert_scores_init(&s->scores, &s->scores.hash);
	return count;
}

/* Of a connection: its key and its address. */
static size_t
calm_connections(struct switching *s, const struct alarm *a)
{
	const struct connection *all =
		&s->worker->store.connections->places[0][0];
	size_t count = 0;

	for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
		const struct packet p = connections_packet(&all[i]);
		const int32_t key_no = all[i].key_no;

		if (key_no >= 0 && key_no <= UINT16_MAX &&
		    alarm_is_of(a, &p, key_no)) {
			const struct decoy_entry key =
				decoy_key((uint16_t)key_no);
			const struct decoy_entry addr = decoy_addr(&p.src);

			count += switching_unlist(s, &key);
			count += switching_unlist(s, &addr);
		}
	}
	return count;
}

void
alarm_command_calm(struct switching *s, const char *said, struct text *t)
{
	struct alarm_words w;
	size_t count;

	if (!read_words(s, said, &w, t)) {
		return;
	}
	if (w.all) {
		count = calm_all(s);
	} else if (w.alarm.key_no != ALARM_NO_KEY) {
		const struct decoy_entry who =
			decoy_key((uint16_t)w.alarm.key_no);

		count = switching_unlist(s, &who);
	} else if (w.alarm.sport == 0) {
		const struct decoy_entry who = decoy_addr(&w.alarm.src);

		count = switching_unlist(s, &who);
	} else {
		count = calm_connections(s, &w.alarm);
	}
	if (count == 0 && !w.all) {
		text_put(t, "%dnot on the list\n", TAP_NO);
		return;
	}
	switching_put(s);
	switching_keep(s);
	text_put(t, "%d%zu taken from the list\n", TAP_OK, count);
}
