#include "server/confirm.h"

#include "daemon/log.h"
#include "os/clock.h"
#include "tap.h"

void
confirm_begin(struct confirmation *c, unsigned seconds)
{
	c->ends = clock_ms() + seconds * 1000ull;
	log_say(LOG_LEVEL_INFO,
		"confirm within %u s with 'tap server --confirm-now', or the "
		"rules are removed",
		seconds);
}

bool
confirm_ask(struct confirmation *c, const struct control_peer *peer,
	    struct text *t)
{
	/* First: while it is done it is not missing any more. */
	if (c->awaited) {
		text_put(t, "%dit is being confirmed\n", TAP_NO);
		return true;
	}
	if (!c->missing) {
		text_put(t, "%dnothing to confirm\n", TAP_OK);
		return true;
	}
	c->awaited = true;
	c->peer = *peer;
	return false;
}

bool
confirm_failed(const struct confirmation *c)
{
	if (!c->missing || c->ends == 0 || clock_ms() < c->ends) {
		return false;
	}
	log_say(LOG_LEVEL_WARNING, "not confirmed in time: removing the rules");
	return true;
}

void
confirm_end(struct confirmation *c, int fd, const char *err)
{
	char reply[512];
	struct text t = text_over(reply, sizeof reply);

	if (err) {
		log_say(LOG_LEVEL_ERROR, "not confirmed: %s", err);
		text_put(&t, "%dnot confirmed: %s\n", TAP_SYSTEM, err);
	} else {
		log_say(LOG_LEVEL_INFO, "confirmed");
		text_put(&t, "%dconfirmed\n", TAP_OK);
	}
	c->missing = err != NULL;
	c->awaited = false;
	control_reply(fd, &c->peer, reply, t.len);
}
