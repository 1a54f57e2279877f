#include "client/names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <resolv.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/why.h"
#include "base/bytes.h"
#include "base/spawn.h"
#include "conf/value.h"
#include "daemon/log.h"
#include "daemon/monitor.h"
#include "daemon/privileges.h"
#include "os/clock.h"
#include "os/dns_lifetime.h"
#include "os/resolve.h"
#include "os/route.h"

#define AT_ONCE_MAX 8u /* processes that look up */
/* The C library gives up after some seconds for each server that it knows. */
#define LOOK_UP_MS 60000u
#define REFRESH_MS 300000u
#define REFRESH_MIN_MS 5000u    /* whatever DNS says, and whoever asks */
#define REFRESH_USUAL_MS 60000u /* where no lifetime is known */
#define RETRY_MS                                                               \
	5000u /* where there was no answer; doubles, up to the usual           \
	       */
#define KEEP_MS 300000u
#define APPLY_AGAIN_MS 10000u
#define AWAIT_MS 20
#define LOG_ADDRESSES_MAX 512u

/* Written by a process that reads what strangers send. */
struct names_answer {
	uint32_t found;    /* what follows is there, but for the lifetime */
	int32_t error;     /* of getaddrinfo(3), or 0 */
	uint32_t lifetime; /* seconds, or DNS_LIFETIME_NONE */
	uint32_t count;
	struct host_addr addr[SENDER_ADDRESSES_MAX];
};

struct name {
	struct sender_host *host; /* conf's */
	pid_t process;            /* that looks it up, or 0 */
	uint64_t begun, due;      /* ms */
	unsigned failures;        /* in a row */
	bool looked_up;           /* once, with an answer or without */
	bool answered;            /* its process, which asks for a lifetime */
	bool changed;             /* other addresses are known than host has */
	struct {
		struct packet_addr addr;
		uint64_t seen;
	} known[SENDER_ADDRESSES_MAX];
	size_t count;
};

void
names_init(struct names *n)
{
	memset(n, 0, sizeof *n);
	n->routes.fd = -1;
}

static void
stop_look_up(struct name *name)
{
	int ignored;

	if (name->process == 0) {
		return;
	}
	kill(name->process, SIGKILL);
	while (!spawn_ended(name->process, &ignored)) {
		poll(NULL, 0, 1);
	}
	name->process = 0;
}

/* ---- in a process of its own */

struct look_up {
	const struct names *names;
	const struct name *name;
	pid_t parent;
};

static uint32_t
lifetime_of(const char *name)
{
	static const int types[] = { 1, 28 }; /* A, AAAA */
	uint32_t shortest = DNS_LIFETIME_NONE;
	static uint8_t answer[65536];

	for (size_t i = 0; i < 2; i++) {
		int len = res_query(name, 1, types[i], answer, sizeof answer);

		if (len > 0 && (size_t)len <= sizeof answer) {
			uint32_t told = dns_lifetime(answer, (size_t)len);

			shortest = told < shortest ? told : shortest;
		}
	}
	return shortest;
}

/* It reads what a stranger may have sent: it has no right and no key. */
static int
look_up(void *context)
{
	const struct look_up *l = context;
	struct names_answer *answer = &l->names->answers[l->name->host->no];
	char why[WHY_MAX];
	size_t count = 0;

	client_conf_forget(l->names->conf);
	if (privileges_drop(PRIVILEGES_RESOLVER, NULL, l->parent, why) < 0) {
		return 1;
	}
	answer->error = resolve_host(l->name->host->name, answer->addr,
				     SENDER_ADDRESSES_MAX, &count);
	answer->count = (uint32_t)count;
	answer->lifetime = DNS_LIFETIME_NONE;
	__atomic_store_n(&answer->found, 1, __ATOMIC_RELEASE);
	if (count > 0) {
		answer->lifetime = lifetime_of(l->name->host->name);
	}
	return 0;
}

/* ---- answers */

/* Nothing that a connection could go to, or only by a device. */
static bool
is_useless(const struct host_addr *at)
{
	static const uint8_t zero[16];
	const uint8_t *bytes = at->addr.bytes;
	const bool v4 = at->addr.family == 4;

	return (!v4 && at->addr.family != 6) ||
		memcmp(bytes, zero, v4 ? 4 : 16) == 0 ||
		(v4 ? bytes[0] >= 224 : bytes[0] == 0xff) ||
		(!v4 && bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80 &&
		 at->device == 0);
}

static void
forget(struct name *name, size_t i)
{
	name->known[i] = name->known[--name->count];
	name->changed = true;
}

static void
learn(struct name *name, const struct host_addr *at, uint64_t now)
{
	size_t oldest = 0;
	size_t i = 0;

	while (i < name->count &&
	       !packet_addr_equal(&name->known[i].addr, &at->addr)) {
		oldest = name->known[i].seen < name->known[oldest].seen
			? i
			: oldest;
		i++;
	}
	if (i == SENDER_ADDRESSES_MAX) {
		forget(name, oldest);
		i--;
	}
	if (i == name->count) {
		memset(&name->known[i], 0, sizeof name->known[i]);
		name->known[i].addr.family = at->addr.family;
		memcpy(name->known[i].addr.bytes, at->addr.bytes,
		       at->addr.family == 4 ? 4 : 16);
		name->count++;
		name->changed = true;
	}
	name->known[i].seen = now;
}

static uint64_t
clamp(uint64_t ms, uint64_t low, uint64_t high)
{
	return ms < low ? low : ms > high ? high : ms;
}

static void
take_failure(struct name *name, int error, uint64_t now)
{
	uint64_t pause = RETRY_MS;

	for (unsigned i = 0; i < name->failures && pause < REFRESH_USUAL_MS;
	     i++) {
		pause *= 2;
	}
	name->due = now + clamp(pause, RETRY_MS, REFRESH_USUAL_MS);
	if (name->failures++ == 0) {
		log_say(LOG_LEVEL_WARNING, "%s: %s: %s", name->host->name,
			error != 0 ? gai_strerror(error) : "no address",
			name->count > 0
				? "those that it had are kept"
				: "its rules are for nothing until it has one");
	}
}

static void
take_answer(struct name *name, const struct names_answer *from, uint64_t now)
{
	const struct names_answer answer = *from;
	size_t useful = 0;

	for (uint32_t i = 0;
	     answer.error == 0 && i < answer.count && i < SENDER_ADDRESSES_MAX;
	     i++) {
		if (!is_useless(&answer.addr[i])) {
			learn(name, &answer.addr[i], now);
			useful++;
		}
	}
	if (useful == 0) {
		take_failure(name, answer.error, now);
		return;
	}
	name->failures = 0;
	for (size_t i = name->count; i-- > 0;) {
		if (now - name->known[i].seen > KEEP_MS) {
			forget(name, i);
		}
	}
	name->due = now +
		(answer.lifetime == DNS_LIFETIME_NONE
			 ? REFRESH_USUAL_MS
			 : clamp(answer.lifetime * 1000ull, REFRESH_MIN_MS,
				 REFRESH_MS));
}

/*
 * The addresses are taken as soon as they are there, and again with their
 * lifetime: who has them of a file may wait long for what DNS says.
 */
static void
attend(struct names *n, struct name *name, uint64_t now)
{
	const struct names_answer *answer = &n->answers[name->host->no];
	bool found, ended;
	int ignored;

	if (name->process == 0) {
		return;
	}
	ended = spawn_ended(name->process, &ignored);
	found = __atomic_load_n(&answer->found, __ATOMIC_ACQUIRE);
	if (ended) {
		name->process = 0;
	} else if (now - name->begun >= LOOK_UP_MS) {
		stop_look_up(name);
		ended = true;
	}
	if (!ended && (!found || answer->count == 0 || name->answered)) {
		return;
	}
	name->answered = name->looked_up = true;
	if (found) {
		take_answer(name, answer, now);
	} else {
		take_failure(name, EAI_AGAIN, now);
	}
}

/* ---- when to look */

static void
begin(struct names *n, struct name *name, uint64_t now)
{
	struct look_up l = { n, name, getpid() };

	memset(&n->answers[name->host->no], 0, sizeof *n->answers);
	name->begun = now;
	name->answered = false;
	name->process = spawn_function(look_up, &l);
	if (name->process < 0) {
		take_failure(name, EAI_MEMORY, now);
		name->process = 0;
	}
}

/* A reason to look now, but for who asks again and again. */
static void
hurry(struct name *name, uint64_t now)
{
	uint64_t soon = name->begun + REFRESH_MIN_MS;

	soon = soon > now ? soon : now;
	name->due = soon < name->due ? soon : name->due;
}

static bool
begin_due(struct names *n, uint64_t now)
{
	const bool moved = n->routes.fd >= 0 && netlink_drain(n->routes.fd);
	bool changed = false;
	size_t running = 0;

	for (size_t i = 0; i < n->count; i++) {
		attend(n, &n->at[i], now);
		running += n->at[i].process != 0;
		changed |= n->at[i].changed;
	}
	for (size_t i = 0; i < n->count; i++) {
		struct name *name = &n->at[i];

		if (__atomic_exchange_n(&n->asked[name->host->no], 0,
					__ATOMIC_RELAXED) ||
		    moved) {
			hurry(name, now);
		}
		if (name->process == 0 && name->due <= now &&
		    running < AT_ONCE_MAX) {
			begin(n, name, now);
			running++;
		}
	}
	return changed;
}

bool
names_tick(struct names *n)
{
	const uint64_t now = clock_ms();

	return n->count > 0 && n->answers && begin_due(n, now) &&
		(n->tried == 0 || now - n->tried >= APPLY_AGAIN_MS);
}

/* Signals are blocked in a daemon, and wait. */
static bool
is_to_stop(void)
{
	sigset_t waiting;

	return sigpending(&waiting) == 0 &&
		(sigismember(&waiting, SIGINT) == 1 ||
		 sigismember(&waiting, SIGTERM) == 1);
}

void
names_await(struct names *n)
{
	const uint64_t begun = clock_ms();
	size_t open = n->count;

	while (open > 0 && clock_ms() - begun < NAMES_START_MS &&
	       !is_to_stop()) {
		names_tick(n);
		open = 0;
		for (size_t i = 0; i < n->count; i++) {
			open += !n->at[i].looked_up;
		}
		if (open > 0) {
			poll(NULL, 0, AWAIT_MS);
		}
	}
	names_apply(n);
}

/* ---- conf's names */

static void
say_addresses(const struct sender_host *host)
{
	char line[LOG_ADDRESSES_MAX];
	struct text t = text_over(line, sizeof line);

	for (size_t i = 0; i < host->count; i++) {
		char addr[INET6_ADDRSTRLEN] = "";

		inet_ntop(host->addr[i].family == 4 ? AF_INET : AF_INET6,
			  host->addr[i].bytes, addr, sizeof addr);
		text_put(&t, "%s%s", i ? ", " : "", addr);
	}
	log_say(LOG_LEVEL_INFO, "%s: %s%s", host->name, line,
		t.full ? ", ..." : "");
}

static void
give(const struct name *name)
{
	struct sender_host *host = name->host;

	host->count = name->count;
	for (size_t i = 0; i < name->count; i++) {
		host->addr[i] = name->known[i].addr;
	}
}

void
names_apply(struct names *n)
{
	n->tried = 0;
	for (size_t i = 0; i < n->count; i++) {
		if (n->at[i].changed) {
			n->at[i].changed = false;
			give(&n->at[i]);
			say_addresses(n->at[i].host);
		}
	}
}

void
names_failed(struct names *n)
{
	n->tried = clock_ms();
	for (size_t i = 0; i < n->count; i++) {
		n->at[i].changed = true;
	}
}

/*
 * What is known of a name that was there before, or that somebody else has
 * looked up just now.
 */
static void
keep(struct name *name, const struct names *before, uint64_t now)
{
	for (size_t i = 0; i < name->host->count; i++) {
		const struct host_addr at = { .addr = name->host->addr[i] };

		learn(name, &at, now);
		name->looked_up = true;
		name->due = now + REFRESH_USUAL_MS;
	}
	name->changed = false;
	for (size_t i = 0; i < before->count; i++) {
		const struct name *old = &before->at[i];

		if (strcasecmp(old->host->name, name->host->name) == 0) {
			memcpy(name->known, old->known, sizeof name->known);
			name->count = old->count;
			name->failures = old->failures;
			give(name);
		}
	}
}

/* All that processes write to, and what tells of changes. */
static int
open_all(struct names *n)
{
	if (!n->answers) {
		n->answers = monitor_memory(CLIENT_CONF_HOSTS_MAX *
					    sizeof *n->answers);
	}
	if (n->routes.fd < 0) {
		/* Without, lifetimes have to do. */
		(void)route_watch(&n->routes);
	}
	return n->answers ? 0 : -ENOMEM;
}

int
names_follow(struct names *n, struct client_conf *conf, uint8_t *asked)
{
	struct names next = *n;
	int rc = conf->hosts_count > 0 ? open_all(&next) : 0;

	n->answers = next.answers;
	n->routes = next.routes;
	next.conf = conf;
	next.asked = asked;
	next.count = 0;
	next.at =
		rc == 0 ? calloc(conf->hosts_count + 1, sizeof *next.at) : NULL;
	if (!next.at) {
		return -ENOMEM;
	}
	for (struct sender_host *host = conf->hosts; host; host = host->next) {
		/* That of --to may be an address. */
		if (value_is_name(host->name)) {
			next.at[next.count].host = host;
			keep(&next.at[next.count++], n, clock_ms());
		}
	}
	for (size_t i = 0; i < n->count; i++) {
		stop_look_up(&n->at[i]);
	}
	free(n->at);
	*n = next;
	return 0;
}

void
names_close(struct names *n)
{
	for (size_t i = 0; i < n->count; i++) {
		stop_look_up(&n->at[i]);
	}
	free(n->at);
	netlink_close(&n->routes);
	names_init(n);
}

void
names_put_missing(const struct client_conf *conf, struct text *t)
{
	for (size_t i = 0; i < conf->rules_count; i++) {
		const struct sender_rule *rule = &conf->rules[i];

		if (rule->host && rule->host->count == 0) {
			text_put(t, "%s%s (line %u)", t->len ? ", " : "",
				 rule->host->name, rule->line);
		}
	}
}

void
names_find(struct client_conf *conf)
{
	static uint8_t asked[CLIENT_CONF_HOSTS_MAX];
	struct names names;

	names_init(&names);
	if (names_follow(&names, conf, asked) == 0) {
		names_await(&names);
	}
	names_close(&names);
}
