/*
 * What a person wants to know of a server before all numbers: what is
 * wrong, and what it hides.
 */
#ifndef TAP_SERVER_OVERVIEW_H
#define TAP_SERVER_OVERVIEW_H

#include <stdbool.h>

#include "base/text.h"
#include "protocol/acl.h"

#define OVERVIEW_MAX 1024u

struct overview_alarms {
	bool rules_lost;     /* and can't be put back */
	bool queue_full;     /* in the last minute */
	bool clock_wrong;    /* nobody keeps it right, as far as is known */
	bool user_shared;    /* its worker has no user of its own */
	const char *worker;  /* what is wrong with it; or empty */
	const char *refused; /* why its files were; or empty */
};

/* One after the other, parted by "; "; empty where all is well. */
void overview_alarms(struct text *t, const struct overview_alarms *alarms);

/*
 * The ports of each rule, and what strangers find there, as far as the
 * text has room: "22,80 filtered; 8080 decoy 192.0.2.7:80".
 */
void overview_hidden(struct text *t, const struct acl *acl);

#endif
