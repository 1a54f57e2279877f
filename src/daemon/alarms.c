#include "daemon/alarms.h"

#include <stddef.h>

void
alarms_text(struct text *t, const struct alarms *alarms)
{
	const struct {
		bool on;
		const char *text;
	} all[] = {
		{ alarms->rules_lost,
		  "rules lost: another program removed them, and they cannot "
		  "be restored" },
		{ alarms->rules_contested,
		  "rules contested: another program keeps changing them" },
		{ alarms->rules_changed && !alarms->rules_contested &&
			  !alarms->rules_lost,
		  "rules changed: another program changed them within the "
		  "last minute" },
		{ alarms->door_lost,
		  "door lost: another program took it, and it can't be put "
		  "back" },
		{ alarms->door_taken,
		  "door taken: another program took it within the last "
		  "minute" },
		{ alarms->queue_full,
		  "queue full: packets were dropped within the last minute" },
		{ alarms->clock_wrong, "clock not synchronised" },
		{ alarms->unanswered,
		  "accepted connections get no SYN/ACK: this host's own "
		  "firewall may drop the port" },
		{ alarms->user_shared,
		  "the worker runs as 'nobody', as others do, who may end it: "
		  "make a user 'tap', or name one by run_as=" },
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (all[i].on) {
			text_put(t, "%s%s", t->len ? "; " : "", all[i].text);
		}
	}
	if (alarms->worker[0]) {
		text_put(t, "%s%s", t->len ? "; " : "", alarms->worker);
	}
	if (alarms->share && alarms->share[0]) {
		text_put(t, "%s%s", t->len ? "; " : "", alarms->share);
	}
	if (alarms->bundle && alarms->bundle[0]) {
		text_put(t, "%s%s", t->len ? "; " : "", alarms->bundle);
	}
	if (alarms->mirror && alarms->mirror[0]) {
		text_put(t, "%snothing can be switched: %s", t->len ? "; " : "",
			 alarms->mirror);
	}
	if (alarms->decoys && alarms->decoys[0]) {
		text_put(t, "%s%s", t->len ? "; " : "", alarms->decoys);
	}
	if (alarms->guests && alarms->guests[0]) {
		text_put(t, "%srules that see no packets, of guests: %s",
			 t->len ? "; " : "", alarms->guests);
	}
	if (alarms->refused[0]) {
		text_put(t, "%sfiles refused, older ones in use: %s",
			 t->len ? "; " : "", alarms->refused);
	}
}
