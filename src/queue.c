#include "queue.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "settings.h"
#include "tap.h"
#include "value.h"

int
queue_open(struct nfq *nfq, uint16_t queue, uint32_t length, bool with_uid)
{
	int rc = nfq_open(nfq, queue, length, with_uid);

	switch (-rc) {
	case 0:
		return TAP_OK;
	case EBUSY:
		log_say(LOG_LEVEL_ERROR,
			"queue %u: process %u has it already; "
			"another queue= setting is needed",
			queue, nfq_owner(queue));
		return TAP_SYSTEM;
	case EPERM:
		log_say(LOG_LEVEL_ERROR,
			"queue %u: not permitted; run as root, or with "
			"CAP_NET_ADMIN", queue);
		return TAP_SYSTEM;
	case ENOSYS:
		log_say(LOG_LEVEL_ERROR,
			"queue %u: this kernel has no NFQUEUE; load the module "
			"nfnetlink_queue", queue);
		return TAP_SYSTEM;
	default:
		log_say(LOG_LEVEL_ERROR, "queue %u: %s", queue, strerror(-rc));
		return TAP_SYSTEM;
	}
}

int
queue_option(const char *side, const char *text, int *queue)
{
	struct settings settings;
	char why[VALUE_WHY_MAX];

	if (settings_queue(&settings, text, why) < 0) {
		fprintf(stderr, "tap %s: --queue: %s\n", side, why);
		return -1;
	}
	*queue = settings.queue;
	return 0;
}
