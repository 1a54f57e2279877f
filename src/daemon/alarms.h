/*
 * What is wrong with a daemon, in words: the first line of its status.
 */
#ifndef TAP_DAEMON_ALARMS_H
#define TAP_DAEMON_ALARMS_H

#include <stdbool.h>

#include "base/text.h"

#define ALARMS_MAX 1536u

struct alarms {
	bool rules_lost;      /* and can't be put back */
	bool rules_contested; /* another program keeps changing them */
	bool rules_changed;   /* in the last minute, and were put back */
	bool door_lost;       /* and can't be put back */
	bool door_taken;      /* in the last minute, and was put back */
	bool queue_full;      /* in the last minute */
	bool clock_wrong;     /* not synchronised, as far as is known */
	bool unanswered;      /* accepted SYNs got no SYN/ACK of this host */
	bool user_shared;     /* its worker has no user of its own */
	const char *worker;   /* what is wrong with it; or empty */
	const char *share;    /* with the servers' common memory; or empty */
	const char *bundle;   /* with where bundles come from; or empty */
	const char *mirror;   /* why nothing is carried; or empty */
	const char *decoys;   /* with the list of who goes to one; or empty */
	const char *guests;   /* whose packets no rule sees; or empty */
	const char *refused;  /* why its files were; or empty */
};

/* One after the other, parted by "; "; empty where all is well. */
void alarms_text(struct text *t, const struct alarms *alarms);

#endif
