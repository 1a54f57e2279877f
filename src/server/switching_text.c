#include "server/switching_text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utc.h"
#include "daemon/control.h"
#include "os/clock.h"

/* The most suspect that are shown. */
#define SCORES_MAX 32u
/* What an answer has no room for is counted. */
#define ROOM 1024u

static void
put_addr(char out[64], const struct packet_addr *addr, uint16_t port)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, text,
		  sizeof text);
	snprintf(out, 64,
		 port == 0                   ? "%s"
			 : addr->family == 6 ? "[%s]:%u"
					     : "%s:%u",
		 text, port);
}

static const char *
time_of(char out[UTC_TEXT_MAX], uint64_t second)
{
	return second && utc_text(out, second) ? out : NULL;
}

static const char *
name_of(const struct switching *s, int32_t key_no)
{
	const struct acl_key *key =
		acl_key_by_no(&(*s->conf)->acl, (uint16_t)key_no);

	return key && key->name[0] ? key->name : NULL;
}

/* Whether there is room for one more, and the end. */
static bool
has_room(const struct text *t)
{
	return t->size - t->len > ROOM;
}

struct page {
	const struct switching *s;
	struct text *t;
	bool json;
};

static void
begin_array(const struct page *p, const char *name)
{
	if (p->json) {
		json_name(p->t, name);
		text_put(p->t, "[");
	}
}

/* Behind a comma, unless it is the first. */
static void
begin_object(const struct page *p, size_t before)
{
	text_put(p->t, before ? ",{" : "{");
}

static void
put_key(const struct page *p, uint16_t key_no)
{
	const char *name = name_of(p->s, key_no);

	if (p->json) {
		json_number(p->t, "key", key_no);
		json_member(p->t, "name", name);
	} else {
		text_put(p->t, "key %u%s%s%s", key_no, name ? " (" : "",
			 name ? name : "", name ? ")" : "");
	}
}

static void
put_entry(const struct page *p, const struct decoy_entry *e, size_t before)
{
	char since[UTC_TEXT_MAX], until[UTC_TEXT_MAX], addr[64];
	const char *begin = time_of(since, e->since);
	const char *end = time_of(until, e->until);

	if (!p->json) {
		text_put(p->t, before ? "" : "who goes to the decoy:\n");
		text_put(p->t, "  ");
	} else {
		begin_object(p, before);
	}
	put_addr(addr, &e->addr, 0);
	if (e->by_key) {
		put_key(p, e->key_no);
	} else if (p->json) {
		json_member(p->t, "address", addr);
	} else {
		text_put(p->t, "%s", addr);
	}
	if (p->json) {
		json_member(p->t, "since", begin);
		json_member(p->t, "until", end);
		json_member(p->t, "reason", e->why);
		text_put(p->t, "}");
	} else {
		text_put(p->t, ", since %s, until %s: %s\n",
			 begin ? begin : "-", end ? end : "taken back", e->why);
	}
}

static void
put_list(const struct page *p)
{
	size_t shown = 0, left = 0;

	begin_array(p, "list");
	for (size_t i = 0; i < DECOY_LIST_MAX; i++) {
		const struct decoy_entry *e = &p->s->list.entries[i];

		if (!e->used) {
			continue;
		}
		/* What comes behind needs some, too. */
		if (p->t->size - p->t->len < p->t->size / 2) {
			left++;
			continue;
		}
		put_entry(p, e, shown++);
	}
	if (p->json) {
		text_put(p->t, "]");
		json_number(p->t, "list_more", left);
	} else if (left) {
		text_put(p->t, "  and %zu more\n", left);
	}
}

static void
put_switched(const struct page *p)
{
	const uint64_t count = p->s->switched_count;
	size_t shown = 0;

	begin_array(p, "switched");
	/* The last one first. */
	for (uint64_t i = count; i-- > 0 && count - i <= SWITCHED_MAX;) {
		const struct switched *w = &p->s->switched[i % SWITCHED_MAX];
		char src[64], dst[64], at[UTC_TEXT_MAX];

		if (!has_room(p->t)) {
			break;
		}
		put_addr(src, &w->packet.src, w->packet.sport);
		put_addr(dst, &w->packet.dst, w->packet.dport);
		if (p->json) {
			begin_object(p, shown++);
			json_member(p->t, "src", src);
			json_member(p->t, "dst", dst);
			put_key(p, (uint16_t)w->key_no);
			json_member(p->t, "connection", w->how);
			json_member(p->t, "since", time_of(at, w->second));
			json_member(p->t, "reason", w->why);
			text_put(p->t, "}");
			continue;
		}
		text_put(p->t, "%s  %s -> %s, ",
			 shown++ ? "" : "connections switched:\n", src, dst);
		put_key(p, (uint16_t)w->key_no);
		text_put(p->t, ", %s, since %s: %s\n", w->how,
			 time_of(at, w->second) ? at : "-", w->why);
	}
	if (p->json) {
		text_put(p->t, "]");
	}
}

struct ranked {
	const struct alert_score *score;
	uint32_t parts;
};

static int
compare(const void *a, const void *b)
{
	const struct ranked *x = a;
	const struct ranked *y = b;

	return x->parts < y->parts ? 1 : x->parts > y->parts ? -1 : 0;
}

static void
put_score(const struct page *p, const struct ranked *r, size_t before)
{
	const struct alert_suspect *who = &r->score->who;
	char src[64], dst[64];

	put_addr(src, &who->src, who->sport);
	put_addr(dst, &who->dst, who->dport);
	if (p->json) {
		begin_object(p, before);
	} else {
		text_put(p->t, "%s  %u.%u  ", before ? "" : "scores:\n",
			 r->parts / ALERT_SCORE_ONE,
			 r->parts % ALERT_SCORE_ONE * 10 / ALERT_SCORE_ONE);
	}
	switch (who->kind) {
	case ALERT_SUSPECT_KEY:
		put_key(p, who->key_no);
		break;
	case ALERT_SUSPECT_CONNECTION:
		if (p->json) {
			json_member(p->t, "src", src);
			json_member(p->t, "dst", dst);
		} else {
			text_put(p->t, "%s -> %s", src, dst);
		}
		break;
	case ALERT_SUSPECT_SOURCE:
	case ALERT_SUSPECT_NONE:
		if (p->json) {
			json_member(p->t, "address", src);
		} else {
			text_put(p->t, "%s", src);
		}
		break;
	}
	if (p->json) {
		json_name(p->t, "score");
		text_put(p->t, "%u.%03u}", r->parts / ALERT_SCORE_ONE,
			 r->parts % ALERT_SCORE_ONE);
	} else {
		text_put(p->t, "\n");
	}
}

static void
put_scores(const struct page *p)
{
	static struct ranked all[ALERT_SCORE_BUCKETS * ALERT_SCORE_WAYS];
	const uint64_t ms = clock_ms();
	size_t at = 0, count = 0;
	uint32_t parts;
	const struct alert_score *score;

	while ((score = alert_scores_next(&p->s->scores, &at, ms, &parts))) {
		all[count++] = (struct ranked){ score, parts };
	}
	qsort(all, count, sizeof *all, compare);
	begin_array(p, "scores");
	for (size_t i = 0; i < count && i < SCORES_MAX && has_room(p->t); i++) {
		put_score(p, &all[i], i);
	}
	if (p->json) {
		text_put(p->t, "]");
	}
}

static void
put_files(const struct page *p)
{
	const struct follower *f = &p->s->follower;

	begin_array(p, "files");
	for (size_t i = 0; i < f->count; i++) {
		const bool open = f->files[i].fd >= 0;

		if (p->json) {
			begin_object(p, i);
			json_member(p->t, "path", f->files[i].conf.path);
			json_bool(p->t, "followed", open);
			text_put(p->t, "}");
		} else {
			text_put(p->t, "%s  %s%s\n", i ? "" : "files:\n",
				 f->files[i].conf.path,
				 open ? "" : " (not there yet)");
		}
	}
	if (p->json) {
		text_put(p->t, "]");
	}
}

void
switching_text(const struct switching *s, bool json, struct text *t)
{
	const struct page page = { s, t, json };

	if (json) {
		text_put(t, "{");
		json_number(t, "score", (*s->conf)->switching.score);
	}
	put_list(&page);
	put_switched(&page);
	put_scores(&page);
	put_files(&page);
	if (json) {
		text_put(t, "}\n");
	} else if (t->len == 0) {
		text_put(t, "no alarm, and nobody on the list\n");
	}
}

void
switching_stats(const struct switching *s, struct stats *stats)
{
	stat_count(stats, "alerts", "alerts", s->alerts,
		   "Alerts of intrusion detection that were read");
	stat_count(stats, "alerts_passed", "alerts not counted", s->passed,
		   "Alerts that alarm_severity= or alarm_sid= leaves out");
	stat_count(stats, "alerts_unknown", "alerts of nobody", s->unknown,
		   "Alerts of no connection that was accepted");
	stat_count(stats, "alerts_unread", "alert lines unread", s->torn,
		   "Lines of alert files that could not be read");
	stat_count(stats, "alarms", "alarms", s->switched_count,
		   "Connections that an alarm switched");
	stat_count(stats, "switched_reset", "connections reset", s->cut,
		   "Connections that an alarm reset");
	stat_count(stats, "led", "led to the decoy", s->worker->shared->led,
		   "Connections that went to the decoy from the first byte");
	stat_level(stats, "listed", "on the decoy's list",
		   decoy_list_count(&s->list),
		   "Keys and addresses that go to the decoy");
}

const char *
switching_trouble(const struct switching *s)
{
	return s->trouble;
}
