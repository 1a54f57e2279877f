#include "firewall/watchdog.h"

#include <unistd.h>

#include "os/clock.h"
#include "daemon/log.h"

/* Rules of iptables-legacy change without a word: then look this often. */
#define CHECK_MS 10000u

void
watchdog_open(struct watchdog *k)
{
	*k = (struct watchdog){ .events = fw_watch(),
				.checked_ms = clock_ms() };
}

void
watchdog_close(struct watchdog *k)
{
	if (k->events >= 0) {
		close(k->events);
	}
	k->events = -1;
}

void
watchdog_look(struct watchdog *k, struct fw *fw, const struct fw_plan *plan)
{
	bool changed = k->events >= 0 && fw_changed(k->events);
	uint64_t now = clock_ms();
	char err[FW_ERROR_MAX];

	if (!changed && now - k->checked_ms < CHECK_MS) {
		return;
	}
	k->checked_ms = now;
	k->lost = fw->tool != FW_NONE && !fw_stands(fw, plan);
	if (!k->lost) {
		return;
	}
	k->restored++;
	if (fw_replace(fw, plan, plan, err) == 0) {
		k->lost = false;
		log_say(LOG_LEVEL_ERROR,
			"another program removed our firewall rules: "
			"restored");
	} else {
		log_say(LOG_LEVEL_ERROR,
			"another program removed our firewall rules: %s", err);
	}
	if (k->events >= 0) {
		fw_changed(k->events);
	}
}
