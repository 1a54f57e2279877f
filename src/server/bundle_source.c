#include "server/bundle_source.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/spawn.h"
#include "base/utc.h"
#include "daemon/isolate.h"
#include "daemon/log.h"
#include "daemon/monitor.h"
#include "os/clock.h"
#include "protocol/frame.h"
#include "server/fallback.h"

/* Between connections that failed, and processes. */
#define PAUSE_MS 1000u
#define START_LOOK_MS 10u

/* What the process, which reads what strangers send, and the monitor share. */
struct bundle_shared {
	uint32_t found, fresh;
	uint64_t heard_ms;
	struct bundle_stamp stamp;  /* of what was found */
	struct fleet_report report; /* the monitor's, to be told */
	char why[WHY_MAX];          /* why the engine was not heard */
	uint64_t len;
	char text[BUNDLE_MAX];
};

static void
pause_ms(unsigned ms)
{
	const struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

static uint64_t
now_seconds(void)
{
	return clock_instant() / FRAME_SECOND;
}

/* ---- in a process of its own, without a right and without a key */

struct look {
	struct bundle_source *b;
	struct server_conf *conf; /* or NULL */
	pid_t parent;
	uint64_t told_ms;
	bool looked;
	struct engine engine;
};

static int
tell(struct look *l, char *why)
{
	struct bundle_shared *shared = l->b->shared;
	const struct fleet_report report = shared->report;

	if (report.version == 0 ||
	    shared->heard_ms - l->told_ms < FLEET_REPORT_MS) {
		return 0;
	}
	l->told_ms = shared->heard_ms;
	return fleet_tell(&l->engine, l->b->name, &report, why);
}

/* 1: there is another bundle; 0: there is none; below 0: no answer. */
static int
look_once(struct look *l, char *why)
{
	struct bundle_shared *shared = l->b->shared;
	struct bundle_stamp stamp;
	size_t len;
	bool there;
	int rc = fleet_stamp(&l->engine, &stamp, &there, why);

	if (rc < 0) {
		return rc;
	}
	if (!there) {
		return why_set(why, -1, "has no bundle");
	}
	shared->heard_ms = clock_ms();
	if (!l->b->judged || !bundle_same(&stamp, &l->b->next)) {
		struct bundle_stamp again = { 0 };

		rc = fleet_fetch(&l->engine, shared->text, &len, why);
		rc = rc < 0 ? rc : fleet_stamp(&l->engine, &again, &there, why);
		if (rc < 0 || !bundle_same(&stamp, &again)) {
			/* Of two, perhaps, half of each: it is looked again. */
			return rc;
		}
		shared->stamp = stamp;
		shared->len = len;
		shared->fresh = l->looked && l->b->judged;
		return 1;
	}
	l->looked = true;
	return tell(l, why);
}

/*
 * Only the next process has the right to begin again: to read certificates, and
 * to use a socket that is not everybody's.
 */
static int
look_at_engine(struct look *l)
{
	struct bundle_shared *shared = l->b->shared;
	char why[WHY_MAX] = "";
	int rc = engine_prepare(&l->engine, &l->b->engine, why);

	if (rc == 0) {
		const int fd = l->engine.fd;

		rc = isolate(&fd, 1, shared) < 0
			? why_set(why, -1, "/proc can't be read")
			: privileges_drop(PRIVILEGES_RESOLVER, NULL, l->parent,
					  why);
	}
	rc = rc < 0 ? rc : engine_login(&l->engine, &l->b->engine, why);
	while (rc == 0) {
		rc = look_once(l, why);
		if (rc == 0) {
			pause_ms(BUNDLE_LOOK_MS);
		}
	}
	if (rc < 0) {
		memcpy(shared->why, why, sizeof why);
		return 1;
	}
	__atomic_store_n(&shared->found, 1, __ATOMIC_RELEASE);
	return 0;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
		a->st_size == b->st_size &&
		a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
		a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
		a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void
stat_file(const struct bundle_source *b, struct stat *st)
{
	if (stat(b->from, st) < 0) {
		memset(st, 0, sizeof *st);
	}
}

/* Not inotify(7): of a file system of others it tells nothing. */
static int
look_at_file(const struct bundle_source *b)
{
	struct stat st;

	for (;;) {
		stat_file(b, &st);
		if (!same_file(&st, &b->file)) {
			return 0;
		}
		pause_ms(BUNDLE_LOOK_MS);
	}
}

static int
look(void *context)
{
	struct look *l = context;
	struct bundle_source *b = l->b;

	server_conf_forget(l->conf);
	bytes_wipe(&b->key, sizeof b->key);
	return b->by_engine ? look_at_engine(l) : look_at_file(b);
}

/* ---- the process */

static void
begin(struct bundle_source *b, struct server_conf *conf)
{
	static struct look l;

	l = (struct look){ .b = b, .conf = conf, .parent = getpid() };
	b->shared->found = b->shared->fresh = 0;
	b->process = spawn_function(look, &l);
	if (b->process < 0) {
		b->process = 0;
		b->due_ms = clock_ms() + PAUSE_MS;
	}
}

/* Whether it has ended, with something. */
static bool
has_found(struct bundle_source *b)
{
	struct bundle_shared *shared = b->shared;
	size_t len;
	int result;

	if (b->process == 0 || !spawn_ended(b->process, &result)) {
		return false;
	}
	b->process = 0;
	b->due_ms = clock_ms() + BUNDLE_LOOK_MS;
	if (!b->by_engine) {
		return result == 0;
	}
	len = shared->len;
	if (!__atomic_load_n(&shared->found, __ATOMIC_ACQUIRE) ||
	    len > BUNDLE_MAX) {
		b->due_ms += PAUSE_MS;
		return false;
	}
	free(b->text);
	b->text = malloc(len + 1);
	b->len = b->text ? len : 0;
	if (b->text) {
		memcpy(b->text, shared->text, len);
	}
	b->next = shared->stamp;
	b->judged = true;
	b->fresh = shared->fresh;
	return true;
}

static void
end_process(struct bundle_source *b)
{
	int ignored;

	if (b->process != 0) {
		kill(b->process, SIGKILL);
		while (!spawn_ended(b->process, &ignored)) {
			pause_ms(START_LOOK_MS);
		}
		b->process = 0;
	}
}

/* ---- begin and end */

static void
set_name(struct bundle_source *b, long queue)
{
	char host[FLEET_NAME_MAX] = "";
	size_t len;

	gethostname(host, sizeof host - 8);
	host[sizeof host - 8] = '\0';
	if (!fleet_is_name(host, strlen(host))) {
		memcpy(host, "host", sizeof "host");
	}
	len = strlen(host);
	memcpy(b->name, host, len + 1);
	if (queue >= 0 && queue != SERVER_CONF_QUEUE) {
		snprintf(b->name + len, sizeof b->name - len, "-%u",
			 (unsigned)(uint16_t)queue);
	}
}

int
bundle_source_open(struct bundle_source *b, const char *from, const char *key,
		   const char *folder, long queue, char *err)
{
	char why[VALUE_WHY_MAX];
	int rc;

	*b = (struct bundle_source){ .from = from, .folder = folder };
	rc = bundle_key_load(&b->key, key, err);
	if (rc < 0) {
		return rc;
	}
	if (bundle_place(from, &b->key, &b->engine, &b->by_engine, why) < 0) {
		return why_set(err, -1, "--bundle: %s, nor a path from / on",
			       why);
	}
	set_name(b, queue);
	b->shared = monitor_memory(sizeof *b->shared);
	return b->shared ? 0 : why_set(err, -ENOMEM, "out of memory");
}

void
bundle_source_close(struct bundle_source *b)
{
	end_process(b);
	free(b->text);
	b->text = NULL;
	bundle_source_forget(b);
}

void
bundle_source_forget(struct bundle_source *b)
{
	if (b) {
		bytes_wipe(&b->key, sizeof b->key);
		bytes_wipe(&b->engine, sizeof b->engine);
	}
}

/* ---- judgement */

/* Two clocks that differ by more refuse each other's groups. */
static void
compare_clocks(const struct bundle_source *b, const struct server_conf *conf,
	       const struct bundle_stamp *stamp)
{
	const uint64_t now = now_seconds();
	uint64_t most = conf->usual.tolerance;

	for (size_t i = 0; i < conf->acl.rules_count; i++) {
		if (conf->acl.rules[i].tolerance < most) {
			most = conf->acl.rules[i].tolerance;
		}
	}
	/* One that lay there may be as old as it likes. */
	if (stamp->time > now + most ||
	    (b->fresh && now > stamp->time + most)) {
		log_say(LOG_LEVEL_WARNING,
			"bundle: it was made %" PRIu64 " s %s, by this host's "
			"clock: the clocks are apart by more than the "
			"tolerance",
			stamp->time > now ? stamp->time - now
					  : now - stamp->time,
			stamp->time > now ? "from now" : "ago");
	}
}

/* An older one would undo what a newer one has taken away. */
static int
check_version(const struct bundle_source *b, const struct bundle_stamp *stamp,
	      char *err)
{
	struct bundle_stamp kept = b->used;

	if (!b->known && !fallback_kept_bundle(b->folder, &kept)) {
		return 0;
	}
	if (stamp->version < kept.version) {
		return why_set(err, -1,
			       "bundle %s: version %" PRIu64
			       " is older than version %" PRIu64
			       ", which was in use",
			       b->from, stamp->version, kept.version);
	}
	if (stamp->version == kept.version && !bundle_same(stamp, &kept)) {
		return why_set(err, -1,
			       "bundle %s: another one of version %" PRIu64
			       " was in use: push it again",
			       b->from, stamp->version);
	}
	return 0;
}

static struct server_conf *
take_box(struct bundle_source *b, const struct bundle_stamp *stamp,
	 const uint8_t *box, size_t len, const struct server_conf *before,
	 char *err)
{
	struct bundle_text texts[BUNDLE_FILES];
	const enum bundle_result result = bundle_split(texts, box, len);
	struct server_conf *conf;

	if (result != BUNDLE_OK) {
		why_set(err, -1, "bundle %s: %s", b->from,
			bundle_result_text(result));
		return NULL;
	}
	conf = fallback_stage_bundle(stamp, texts, b->folder, before, err);
	if (conf) {
		b->staged = *stamp;
		compare_clocks(b, conf, stamp);
	}
	return conf;
}

static struct server_conf *
take_text(struct bundle_source *b, const char *text, size_t len,
	  const struct server_conf *before, char *err)
{
	struct server_conf *conf = NULL;
	struct bundle_stamp stamp;
	uint8_t *box = secret_new(len + 1);
	size_t box_len;
	enum bundle_result result;

	if (!box) {
		why_set(err, -1, "bundle %s: out of memory", b->from);
		return NULL;
	}
	result = bundle_open(box, &box_len, text, len, b->key.key);
	if (result != BUNDLE_OK) {
		why_set(err, -1, "bundle %s: %s", b->from,
			bundle_result_text(result));
	} else {
		(void)bundle_line_read(&stamp, text, len);
		b->next = stamp;
		b->judged = true;
		b->vouched = check_version(b, &stamp, err) == 0;
		if (b->vouched) {
			conf = take_box(b, &stamp, box, box_len, before, err);
		}
	}
	secret_free(box);
	return conf;
}

static struct server_conf *
load_file(struct bundle_source *b, const struct server_conf *before, char *err)
{
	struct conf_file file;
	struct server_conf *conf;

	/* What changes from now on is another file. */
	stat_file(b, &b->file);
	if (conf_open(&file, b->from, CONF_ANYBODYS, err) < 0) {
		return NULL;
	}
	conf = take_text(b, file.text, file.len, before, err);
	conf_close(&file);
	return conf;
}

/* Until the engine has answered, or for so long. */
static void
await(struct bundle_source *b)
{
	const uint64_t begun = clock_ms();

	while (!has_found(b) && clock_ms() - begun < BUNDLE_START_MS) {
		if (b->process == 0 && clock_ms() >= b->due_ms) {
			begin(b, NULL);
		}
		pause_ms(START_LOOK_MS);
	}
}

struct server_conf *
bundle_source_load(struct bundle_source *b, const struct server_conf *before,
		   char *err)
{
	struct server_conf *conf;

	if (!b->by_engine) {
		conf = load_file(b, before, err);
	} else {
		if (!before && !b->text) {
			await(b);
		}
		conf = NULL;
		if (b->text) {
			conf = take_text(b, b->text, b->len, before, err);
		} else {
			b->shared->why[sizeof b->shared->why - 1] = '\0';
			why_set(err, -1, "bundle %s: %.200s", b->from,
				b->shared->why[0] ? b->shared->why
						  : "no answer yet");
		}
	}
	errno = conf ? 0 : EINVAL;
	return conf;
}

void
bundle_source_fall_back(struct bundle_source *b, struct server_conf *conf)
{
	b->known = fallback_kept_bundle(b->folder, &b->used);
	b->since = now_seconds();
	if (!b->by_engine || b->vouched ||
	    conf->share_fail == SHARE_FAIL_LOCAL) {
		return;
	}
	for (size_t i = 0; i < conf->acl.entries_count; i++) {
		conf->acl.entries[i].keys_count = 0;
	}
	log_say(LOG_LEVEL_ERROR,
		"bundle: nobody new gets in until %s has a newer one, or the "
		"same",
		b->from);
}

void
bundle_source_use(struct bundle_source *b)
{
	if (!b->known || !bundle_same(&b->used, &b->staged)) {
		b->since = now_seconds();
	}
	b->used = b->staged;
	b->known = true;
}

/* ---- turns */

static void
say_silence(struct bundle_source *b)
{
	struct bundle_shared *shared = b->shared;
	const bool silent = b->by_engine &&
		clock_ms() - shared->heard_ms >= BUNDLE_SILENT_MS;

	if (silent == b->silent) {
		return;
	}
	b->silent = silent;
	if (silent) {
		shared->why[sizeof shared->why - 1] = '\0';
		log_say(LOG_LEVEL_ERROR,
			"bundle %s: %.200s; what was pushed "
			"since is not in use here",
			b->from, shared->why[0] ? shared->why : "no answer");
	} else {
		log_say(LOG_LEVEL_INFO, "bundle %s: asked again", b->from);
	}
}

bool
bundle_source_tick(struct bundle_source *b, struct server_conf *conf,
		   uint64_t accepted, bool refused)
{
	const bool found = has_found(b);

	b->shared->report = (struct fleet_report){
		.version = b->known ? b->used.version : 0,
		.since = b->since,
		.accepted = accepted,
		.refused = refused,
	};
	if (b->process == 0 && !found && clock_ms() >= b->due_ms) {
		begin(b, conf);
	}
	say_silence(b);
	return found;
}

void
bundle_source_words(const struct bundle_source *b, char out[BUNDLE_WORDS_MAX])
{
	char when[UTC_TEXT_MAX] = "?";

	if (!b || !b->known) {
		snprintf(out, BUNDLE_WORDS_MAX, "none");
		return;
	}
	(void)utc_text(when, b->used.time);
	snprintf(out, BUNDLE_WORDS_MAX, "version %" PRIu64 " of %s",
		 b->used.version, when);
}

void
bundle_source_alarm(const struct bundle_source *b, char out[BUNDLE_ALARM_MAX])
{
	out[0] = '\0';
	if (b && b->silent) {
		snprintf(out, BUNDLE_ALARM_MAX,
			 "bundle: %.200s is not heard of: what was pushed is "
			 "not in use here",
			 b->from);
	}
}
