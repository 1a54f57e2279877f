#include "server/share_link.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/spawn.h"
#include "conf/server_files.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "daemon/monitor.h"
#include "os/clock.h"

/* Addresses are asked for again after this, and a process gets so long. */
#define FRESH_MS 30000u
#define LOOK_UP_MS 30000u
/* A worker that asks again and again costs no more than this. */
#define EVERY_MS 50u

/* Written by a process that reads what strangers send. */
struct share_link_answer {
	uint32_t found;
	int32_t error; /* of getaddrinfo(3), or 0 */
	uint32_t count;
	struct host_addr to[SHARE_LINK_ADDRESSES_MAX];
	struct host_addr known[SHARE_LINK_ADDRESSES_MAX]; /* the monitor's */
};

/* ---- in a process of its own, without a right and without a key */

struct look_up {
	struct share_link_answer *answer;
	struct server_conf *conf;
	pid_t parent;
};

static int
look_up(void *context)
{
	const struct look_up *l = context;
	char why[WHY_MAX];
	size_t count;

	server_conf_forget(l->conf);
	if (privileges_drop(PRIVILEGES_RESOLVER, NULL, l->parent, why) < 0) {
		return 1;
	}
	l->answer->error = resolve_host(l->conf->share.host, l->answer->to,
					SHARE_LINK_ADDRESSES_MAX, &count);
	l->answer->count = (uint32_t)count;
	__atomic_store_n(&l->answer->found, 1, __ATOMIC_RELEASE);
	return 0;
}

/* ---- addresses */

static void
say_failure(struct share_link *l, const struct share_conf *share, int error)
{
	if (error != l->error) {
		log_say(LOG_LEVEL_ERROR, "replay_share: %s: %s", share->host,
			gai_strerror(error));
	}
	l->error = error;
}

/* The process has ended, or has had its time. */
static void
take_answer(struct share_link *l, const struct share_conf *share, uint64_t now)
{
	const struct share_link_answer *from = l->answer;
	const uint32_t count = from->count;

	if (!__atomic_load_n(&from->found, __ATOMIC_ACQUIRE) ||
	    from->error != 0 || count == 0 ||
	    count > SHARE_LINK_ADDRESSES_MAX) {
		say_failure(l, share,
			    from->found && from->error ? from->error
						       : EAI_AGAIN);
		return;
	}
	memcpy(l->answer->known, from->to, sizeof from->to);
	l->count = count;
	l->looked_ms = now;
	l->error = 0;
}

static void
attend(struct share_link *l, const struct share_conf *share, uint64_t now)
{
	const bool late = now - l->begun_ms >= LOOK_UP_MS;
	int ignored;

	if (l->process == 0) {
		return;
	}
	if (late) {
		kill(l->process, SIGKILL);
	}
	if (spawn_ended(l->process, &ignored)) {
		l->process = 0;
		take_answer(l, share, now);
	}
}

static void
begin(struct share_link *l, struct server_conf *conf, uint64_t now)
{
	struct look_up up = { l->answer, conf, getpid() };

	memset(l->answer, 0, offsetof(struct share_link_answer, known));
	l->begun_ms = now;
	l->process = spawn_function(look_up, &up);
	if (l->process < 0) {
		l->process = 0;
		say_failure(l, &conf->share, EAI_MEMORY);
	}
}

/* Whether there is an address, known for a while or looked up now. */
static bool
find_addresses(struct share_link *l, struct server_conf *conf, uint64_t now)
{
	size_t count;

	if (!l->answer) {
		l->answer = monitor_memory(sizeof *l->answer);
	}
	if (!l->answer) {
		return false;
	}
	if (!value_is_name(conf->share.host)) {
		/* The text of an address: nobody is asked. */
		(void)resolve_host(conf->share.host, l->answer->known,
				   SHARE_LINK_ADDRESSES_MAX, &count);
		l->count = count;
		return count > 0;
	}
	attend(l, &conf->share, now);
	if (l->process == 0 &&
	    (l->count == 0 || now - l->looked_ms >= FRESH_MS)) {
		begin(l, conf, now);
	}
	return l->count > 0;
}

/* ---- connections */

int
share_link_connect(struct share_link *l, struct server_conf *conf)
{
	const uint64_t now = clock_ms();

	if (now - l->asked_ms < EVERY_MS) {
		return -EAGAIN;
	}
	l->asked_ms = now;
	if (conf->share.path[0]) {
		return engine_begin(&conf->share, NULL);
	}
	if (!find_addresses(l, conf, now)) {
		return l->error ? -EHOSTUNREACH : -EAGAIN;
	}
	return engine_begin(&conf->share,
			    &l->answer->known[l->next++ % l->count]);
}
