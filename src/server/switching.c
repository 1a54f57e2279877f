#include "server/switching.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "conf/server_files.h"
#include "os/clock.h"
#include "server/alarm_words.h"
#include "server/switch_connection.h"
#include "switching/list_file.h"
#include "tap.h"

/* The list of a queue, beside the replay file. */
#define LIST_NAME "switched-%u"

_Static_assert(DECOY_LIST_WHY_MAX == ALARM_REASON_MAX, "one is the other's");

static uint64_t
now_second(void)
{
	return (uint64_t)time(NULL);
}

static const struct server_conf *
conf_of(const struct switching *s)
{
	return *s->conf;
}

/* ---- the list */

static void
choose_path(struct switching *s)
{
	const struct server_conf *conf = conf_of(s);
	const char *slash = strrchr(conf->replay_file, '/');
	char name[32];

	snprintf(name, sizeof name, LIST_NAME, conf->settings.queue);
	if (strcmp(conf->replay_file, "none") == 0) {
		s->path[0] = '\0';
	} else if (!slash) {
		mkdir("/var/lib/tap", 0700);
		snprintf(s->path, sizeof s->path, "/var/lib/tap/%s", name);
	} else if ((size_t)(slash - conf->replay_file) + sizeof name <
		   sizeof s->path) {
		snprintf(s->path, sizeof s->path, "%.*s/%s",
			 (int)(slash - conf->replay_file), conf->replay_file,
			 name);
	}
}

static void
read_list(struct switching *s)
{
	char err[CONF_ERROR_MAX];
	int bad = s->path[0] ? list_file_read(&s->list, s->path, err) : 0;

	if (bad < 0) {
		/* Whatever it is, it is not overwritten. */
		snprintf(s->trouble, sizeof s->trouble,
			 "%.200s; who was to go to the decoy is not known",
			 err);
		s->path[0] = '\0';
	} else if (bad > 0) {
		snprintf(s->trouble, sizeof s->trouble,
			 "%.200s; %d line%s of it left out", err, bad,
			 text_s((size_t)bad));
	}
	if (bad) {
		log_say(LOG_LEVEL_ERROR, "%s", s->trouble);
	}
	if (decoy_list_count(&s->list) > 0) {
		log_say(LOG_LEVEL_WARNING,
			"%zu of the keys and addresses go to the decoy: see "
			"tap server --alarms",
			decoy_list_count(&s->list));
	}
}

/* In force first, and then kept. */
void
switching_put(struct switching *s)
{
	decoy_view_write(s->worker->decoys, &s->list);
}

void
switching_keep(struct switching *s)
{
	char err[CONF_ERROR_MAX];

	if (s->path[0] == '\0') {
		return;
	}
	if (list_file_write(&s->list, s->path, err) < 0) {
		if (strncmp(s->trouble, err, 100) != 0) {
			log_say(LOG_LEVEL_ERROR,
				"%s; a restart would forget who goes to the "
				"decoy",
				err);
		}
		snprintf(s->trouble, sizeof s->trouble, "%.200s", err);
	} else {
		s->trouble[0] = '\0';
	}
}

static void
log_listed(const struct switching *s, const struct decoy_entry *e,
	   const char *event)
{
	const struct acl_key *key =
		e->by_key ? acl_key_by_no(&conf_of(s)->acl, e->key_no) : NULL;
	struct log_record r;

	log_begin(&r, LOG_LEVEL_WARNING, event);
	if (e->by_key) {
		log_number(&r, "key", e->key_no);
	} else {
		log_address(&r, "src", &e->addr, 0);
	}
	if (key && key->name[0]) {
		log_text(&r, "name", key->name);
	}
	log_text(&r, "reason", e->why);
	log_end(&r);
}

bool
switching_list(struct switching *s, struct decoy_entry entry, const char *why,
	       uint64_t until)
{
	const bool is_new = !decoy_list_find(&s->list, &entry);
	struct decoy_entry gone;

	entry.since = now_second();
	entry.until = until;
	alarm_words_clean(entry.why, why);
	if (decoy_list_add(&s->list, &entry, &gone)) {
		log_listed(s, &gone, "unlisted");
		log_say(LOG_LEVEL_WARNING,
			"the list of who goes to the decoy is full");
	}
	if (is_new) {
		log_listed(s, &entry, "listed");
	}
	return is_new;
}

bool
switching_unlist(struct switching *s, const struct decoy_entry *who)
{
	const struct decoy_entry *e = decoy_list_find(&s->list, who);
	struct alert_suspect suspect = { .kind = ALERT_SUSPECT_SOURCE,
					 .src = who->addr };

	if (who->by_key) {
		suspect = (struct alert_suspect){ .kind = ALERT_SUSPECT_KEY,
						  .key_no = who->key_no };
	}
	alert_scores_forget(&s->scores, &suspect);
	if (e) {
		log_listed(s, e, "unlisted");
	}
	return decoy_list_remove(&s->list, who);
}

/* ---- connections */

/* Devices are not known any more. */
static const struct acl_rule *
rule_of(const struct switching *s, const struct packet *p)
{
	const struct acl *acl = &conf_of(s)->acl;

	for (size_t i = 0; i < acl->rules_count; i++) {
		const struct acl_rule *rule = &acl->rules[i];

		if (acl_ports_have(rule->ports, rule->ports_count, p->dport) &&
		    acl_net_has(&rule->src, &p->src) &&
		    acl_net_has(&rule->dst, &p->dst)) {
			return rule;
		}
	}
	return NULL;
}

static void
log_switched(const struct switching *s, const struct switched *what)
{
	const struct packet *p = &what->packet;
	const struct acl_key *key =
		acl_key_by_no(&conf_of(s)->acl, (uint16_t)what->key_no);
	struct log_record r;

	log_begin(&r, LOG_LEVEL_WARNING, "alarm");
	log_number(&r, "key", what->key_no);
	if (key && key->name[0]) {
		log_text(&r, "name", key->name);
	}
	log_address(&r, "src", &p->src, p->sport);
	log_address(&r, "dst", &p->dst, p->dport);
	log_text(&r, "connection", what->how);
	log_text(&r, "reason", what->why);
	log_end(&r);
}

/* Have it carried on by its decoy. */
static bool
move(const struct switching *s, const struct packet *p, int32_t key_no,
     const char *why)
{
	struct alarm a = {
		.src = p->src,
		.dst = p->dst,
		.sport = p->sport,
		.dport = p->dport,
		.key_no = key_no,
	};

	snprintf(a.reason, sizeof a.reason, "%s", why);
	return s->carry && s->carry(s->carry_context, &a);
}

/* By its rule; NULL: by none, or it is over. */
static const char *
switch_how(struct switching *s, struct connection *c, const char *why)
{
	const struct packet p = connections_packet(c);
	const struct acl_rule *rule = rule_of(s, &p);

	if (rule && rule->switches == ACL_SWITCH_MIRROR) {
		return move(s, &p, c->key_no, why) ? "moved" : NULL;
	}
	if (!rule || rule->switches != ACL_SWITCH_NEXT) {
		return NULL;
	}
	if (rule->switch_keeps) {
		return switch_connection_is_open(c) ? "left" : NULL;
	}
	switch (switch_connection_cut(c)) {
	case SWITCH_CUT:
		s->cut++;
		return "reset";
	case SWITCH_STAYS:
		return "not reset";
	case SWITCH_GONE:
		break;
	}
	return NULL;
}

static bool
was_switched(const struct switching *s, const struct packet *p, int32_t key_no)
{
	for (size_t i = 0; i < SWITCHED_MAX; i++) {
		const struct switched *w = &s->switched[i];

		if (w->how && w->key_no == key_no &&
		    w->packet.sport == p->sport &&
		    w->packet.dport == p->dport &&
		    packet_addr_equal(&w->packet.src, &p->src) &&
		    packet_addr_equal(&w->packet.dst, &p->dst)) {
			return true;
		}
	}
	return false;
}

bool
switching_one(struct switching *s, struct connection *c, const char *why)
{
	struct switched *what = &s->switched[s->switched_count % SWITCHED_MAX];
	struct switched next = {
		.packet = connections_packet(c),
		.key_no = c->key_no,
		.second = now_second(),
	};

	next.how = switch_how(s, c, why);
	if (!next.how ||
	    (strcmp(next.how, "reset") != 0 &&
	     was_switched(s, &next.packet, next.key_no))) {
		return false;
	}
	snprintf(next.why, sizeof next.why, "%s", why);
	*what = next;
	s->switched_count++;
	log_switched(s, what);
	return true;
}

/* ---- alerts */

static bool
counts(const struct switch_conf_alerts *c, const struct alert *a)
{
	bool listed = c->sids_count == 0;

	for (size_t i = 0; i < c->sids_count && !listed; i++) {
		listed = a->sid >= c->sids[i].low && a->sid <= c->sids[i].high;
	}
	return listed &&
		(!c->by_severity ||
		 c->severities[a->severity / 8] & 1u << a->severity % 8);
}

static bool
add_score(struct switching *s, const struct alert_suspect *who, uint32_t points)
{
	return alert_score_reaches(
		alert_scores_add(&s->scores, who, points, clock_ms()),
		conf_of(s)->switching.score);
}

static void
take_alert(void *context, size_t file, const struct alert *a)
{
	struct switching *s = context;
	const struct switch_conf *conf = &conf_of(s)->switching;
	const uint32_t points = alert_weight(a->severity);
	struct connection *c;
	char why[DECOY_LIST_WHY_MAX];
	struct packet p;
	int32_t key_no;
	bool of_key, of_source, of_connection, is_new = false;

	s->alerts++;
	if (!counts(&conf->alerts, a)) {
		s->passed++;
		return;
	}
	c = switch_connection_find(s->worker->store.connections, a);
	if (!c) {
		s->unknown++;
		return;
	}
	/* A worker may change it meanwhile. */
	key_no = c->key_no;
	p = connections_packet(c);
	if (key_no < 0 || key_no > UINT16_MAX ||
	    (p.src.family != 4 && p.src.family != 6)) {
		s->unknown++;
		return;
	}
	snprintf(why, sizeof why, "sid %u, severity %u: %s", a->sid,
		 a->severity, a->text);
	of_connection = add_score(
		s,
		&(struct alert_suspect){ ALERT_SUSPECT_CONNECTION, 0, p.sport,
					 p.dport, p.src, p.dst },
		points);
	of_key =
		add_score(s,
			  &(struct alert_suspect){ .kind = ALERT_SUSPECT_KEY,
						   .key_no = (uint16_t)key_no },
			  points);
	of_source =
		add_score(s,
			  &(struct alert_suspect){ .kind = ALERT_SUSPECT_SOURCE,
						   .src = p.src },
			  points);
	if (of_key) {
		is_new |=
			switching_list(s, decoy_key((uint16_t)key_no), why, 0);
	}
	if (of_source) {
		is_new |= switching_list(s, decoy_addr(&p.src), why, 0);
	}
	if (is_new) {
		switching_put(s);
	}
	if (of_connection || of_key || of_source) {
		(void)switching_one(s, c, why);
	}
	if (is_new) {
		switching_keep(s);
	}
	(void)file;
}

static void
take_trouble(void *context, size_t file, enum follower_word_kind kind)
{
	static const char *const words[] = {
		[FOLLOWER_TORN] = "a line that can't be read",
		[FOLLOWER_LONG] = "a line that is too long is left out",
		[FOLLOWER_CUT] = "became shorter; read from its beginning",
	};
	struct switching *s = context;

	s->torn += kind != FOLLOWER_CUT;
	if (log_limit_allows(&s->unread, clock_ms())) {
		log_say(LOG_LEVEL_WARNING, "alarm_file: %s: %s",
			s->follower.files[file].conf.path, words[kind]);
	}
}

/* ---- turns */

int
switching_poll(const struct switching *s)
{
	return s->follower.poll;
}

void
switching_serve(struct switching *s)
{
	follower_serve(&s->follower);
}

void
switching_tick(struct switching *s)
{
	follower_tick(&s->follower);
	if (decoy_list_expire(&s->list, now_second()) > 0) {
		log_say(LOG_LEVEL_INFO,
			"the time of some is up who went to the decoy");
		switching_put(s);
		switching_keep(s);
	}
}

/* ---- begin and end */

static void
forget(void *context)
{
	const struct switching *s = context;

	worker_forget(s->worker);
}

int
switching_open(struct switching *s, struct server_conf **conf,
	       struct worker *worker)
{
	struct hash_key key;

	s->conf = conf;
	s->worker = worker;
	if (getrandom(&key, sizeof key, 0) != sizeof key) {
		return log_fail("getrandom", -errno);
	}
	alert_scores_init(&s->scores, &key);
	choose_path(s);
	read_list(s);
	(void)decoy_list_expire(&s->list, now_second());
	switching_put(s);
	return TAP_OK;
}

void
switching_configure(struct switching *s)
{
	const struct switch_conf *conf = &conf_of(s)->switching;
	const struct settings *settings = &conf_of(s)->settings;

	s->job = (struct follower_job){
		.context = s,
		.user = settings->user.name[0] ? settings->user.name : NULL,
		.alert = take_alert,
		.trouble = take_trouble,
		.forget = forget,
	};
	follower_follow(&s->follower, &s->job, conf->files, conf->files_count);
}

void
switching_leave(struct switching *s)
{
	follower_leave(&s->follower);
}

void
switching_close(struct switching *s)
{
	follower_close(&s->follower);
}
