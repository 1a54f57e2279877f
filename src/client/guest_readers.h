/*
 * The readers of the virtual machines that rules are for; in the monitor,
 * which has the rights to look for their RAM.
 */
#ifndef TAP_CLIENT_GUEST_READERS_H
#define TAP_CLIENT_GUEST_READERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "base/why.h"
#include "conf/client_conf.h"
#include "firewall/firewall.h"
#include "guests/guests.h"

/* A guest that is not there is looked for again after this, up to that. */
#define GUEST_READERS_PAUSE_MS 1000u
#define GUEST_READERS_PAUSE_MAX_MS 10000u

struct guest_of_reader {
	struct client_guest conf;
	bool is_wanted; /* by a rule */
	struct guest_reader reader;
	uint64_t due_ms, pause_ms;
	char why[WHY_MAX]; /* it has none; empty: it has one */
	bool is_passed_by; /* its SYNs don't come by the rules */
};

struct guest_readers {
	struct guest_of_reader *at; /* owned; in the order of the file */
	size_t count;
	struct client_conf *conf; /* that they are of; a reader has no key */
};

/*
 * Have a reader for each guest that a rule names; those that were the same
 * before stay.  What can't be started is logged, and tried again.  conf has to
 * stay, until the next one.  0 or -ENOMEM, which is logged: then there are
 * none.
 */
int guest_readers_follow(struct guest_readers *r, struct client_conf *conf);
/*
 * From time to time: guests end, and come.  Where the rules that are there
 * can't see a guest's packets, that is logged.
 */
void guest_readers_tick(struct guest_readers *r, const struct fw *fw,
			const struct fw_plan *rules);
void guest_readers_close(struct guest_readers *r);

/*
 * In the worker, a descriptor to ask the reader of a guest by its number, or
 * -1; to_monitor is an int.  And in the monitor, the answer to that question,
 * which is a descriptor or below 0.  False: it is another question.
 */
int guest_readers_ask(void *to_monitor, unsigned guest);
bool guest_readers_answer(const struct guest_readers *r, const void *question,
			  size_t len, int *fd);

/* The names of those that nobody can look into, with blanks between. */
void guest_readers_missing(const struct guest_readers *r, struct text *t);
/* And of those whose packets the rules can't see. */
void guest_readers_passed_by(const struct guest_readers *r, struct text *t);

#endif
