#include "firewall/watchdog.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/log.h"
#include "firewall/legacy.h"
#include "os/clock.h"

/*
 * A check runs the tools.  Without a change it is made this often: where the
 * kernel reports all changes; where only the sizes of tables tell, which a rule
 * in the place of one as long does not change; and where the last one could not
 * tell, or put nothing back, or nothing tells at all.
 */
#define CHECK_MS 600000u
#define CHECK_SIZES_MS 60000u
#define CHECK_AGAIN_MS 10000u
/*
 * Not more often: a check runs the tools, and others may change their own rules
 * all the time.
 */
#define APART_MS 200u
/* How often tables of iptables-legacy are asked for their size. */
#define POLL_MS 250u
#define MINUTE_MS 60000u

static void
poll_also(struct watchdog *k, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (fd >= 0 && k->poll >= 0) {
		(void)epoll_ctl(k->poll, EPOLL_CTL_ADD, fd, &event);
	}
}

/* Look after ms milliseconds, once or `again` and again. */
static void
wake_in(struct watchdog *k, uint64_t ms, bool again)
{
	const struct timespec at = { (time_t)(ms / 1000),
				     (long)(ms % 1000) * 1000000 };
	struct itimerspec timer = { .it_value = at };

	if (again) {
		timer.it_interval = at;
	}
	if (k->timer >= 0) {
		(void)timerfd_settime(k->timer, 0, &timer, NULL);
	}
}

void
watchdog_init(struct watchdog *k)
{
	*k = (struct watchdog){ .poll = -1, .events = -1, .timer = -1 };
	legacy_init(&k->tables);
}

void
watchdog_open(struct watchdog *k, const struct fw *fw)
{
	const uint64_t now = clock_ms();

	*k = (struct watchdog){
		.poll = epoll_create1(EPOLL_CLOEXEC),
		.events = fw_watch(),
		.timer = timerfd_create(CLOCK_MONOTONIC,
					TFD_CLOEXEC | TFD_NONBLOCK),
		/*
		 * Of what came since they were installed, nobody has told us.
		 * One command's rules hide nothing, and are soon gone.
		 */
		.changed = !fw->is_brief,
		.changed_ms = now,
		.looked_ms = now,
		.tables_ms = now,
	};
	legacy_init(&k->tables);
	poll_also(k, k->events);
	poll_also(k, k->timer);
	if (fw->tool == FW_IPTABLES && fw->is_legacy) {
		legacy_open(&k->tables, fw->has_family[0], fw->has_family[1]);
		k->tables_sum = legacy_sum(&k->tables);
		wake_in(k, POLL_MS, true);
	}
}

static void
close_one(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
	*fd = -1;
}

void
watchdog_close(struct watchdog *k)
{
	close_one(&k->poll);
	close_one(&k->events);
	close_one(&k->timer);
	legacy_close(&k->tables);
}

static void
note_change(struct watchdog *k, uint64_t since)
{
	if (!k->changed) {
		k->changed = true;
		k->changed_ms = since;
	}
}

/* Read the kernel's notifications of changes. */
static void
hear(struct watchdog *k, uint64_t now)
{
	uint64_t ignored;

	if (k->events >= 0 && fw_changed(k->events)) {
		note_change(k, now);
	}
	while (k->timer >= 0 && read(k->timer, &ignored, sizeof ignored) > 0) {
	}
	if (legacy_is_open(&k->tables)) {
		const uint64_t sum = legacy_sum(&k->tables);

		if (sum != k->tables_sum) {
			note_change(k, k->tables_ms);
		}
		k->tables_sum = sum;
		k->tables_ms = now;
	}
}

bool
watchdog_has_restored(const struct watchdog *k)
{
	const uint64_t last = k->times_ms[(k->restored - 1) % WATCHDOG_CONTEST];

	return k->restored > 0 && clock_ms() - last < MINUTE_MS;
}

bool
watchdog_is_contested(const struct watchdog *k)
{
	const uint64_t oldest = k->times_ms[k->restored % WATCHDOG_CONTEST];

	return k->restored >= WATCHDOG_CONTEST &&
		clock_ms() - oldest < MINUTE_MS;
}

static void
put_back(struct watchdog *k, struct fw *fw, const struct fw_plan *plan)
{
	const uint64_t since = k->changed ? k->changed_ms : k->looked_ms;
	char err[FW_ERROR_MAX];
	const int rc = fw_replace(fw, plan, plan, err);
	const uint64_t now = clock_ms();

	k->lost = rc < 0;
	k->times_ms[k->restored % WATCHDOG_CONTEST] = now;
	k->restored++;
	k->open_ms += now - since;
	if (rc == 0) {
		log_say(LOG_LEVEL_ERROR,
			"another program changed our firewall rules: restored "
			"after at most %llu ms",
			(unsigned long long)(now - since));
	} else {
		log_say(LOG_LEVEL_ERROR,
			"another program changed our firewall rules, at most "
			"%llu ms ago: %s",
			(unsigned long long)(now - since), err);
	}
	if (watchdog_is_contested(k) &&
	    (k->complained_ms == 0 || now - k->complained_ms > MINUTE_MS)) {
		k->complained_ms = now;
		log_say(LOG_LEVEL_ERROR,
			"another program keeps changing our firewall rules: "
			"%u times within a minute",
			WATCHDOG_CONTEST);
	}
}

/* How long a check is good for, if nothing tells of a change. */
static uint64_t
good_for(const struct watchdog *k, const struct fw *fw)
{
	const bool by_size = fw->tool == FW_IPTABLES && fw->is_legacy;

	if (k->unsure || k->lost ||
	    (by_size ? !legacy_is_open(&k->tables) : k->events < 0)) {
		return CHECK_AGAIN_MS;
	}
	return by_size ? CHECK_SIZES_MS : CHECK_MS;
}

void
watchdog_look(struct watchdog *k, struct fw *fw, const struct fw_plan *plan)
{
	const uint64_t now = clock_ms();
	int stands;

	hear(k, now);
	if (!k->changed && now - k->looked_ms < good_for(k, fw)) {
		return;
	}
	if (now - k->looked_ms < APART_MS && k->looked_ms != 0) {
		if (!legacy_is_open(&k->tables)) {
			wake_in(k, APART_MS, false);
		}
		return;
	}
	/* Changes during the check, including our own, are seen next time. */
	stands = fw_stands(fw, plan);
	k->unsure = stands < 0;
	if (stands == 0) {
		put_back(k, fw, plan);
	} else {
		k->lost = false;
	}
	k->changed = false;
	k->looked_ms = clock_ms();
}
