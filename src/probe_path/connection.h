/*
 * The near side's connection to the far side of a trial. What comes over it is
 * not trusted: the far side only claims to have seen these packets.
 */
#ifndef TAP_PROBE_PATH_CONNECTION_H
#define TAP_PROBE_PATH_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/acl.h"
#include "measure/connect.h"
#include "probe_path/messages.h"
#include "probe_path/trial.h"

#define PATH_LINK_IN (64u * 1024)

enum path_link_state {
	PATH_LINK_CLOSED,
	PATH_LINK_OPEN,
	PATH_LINK_DONE, /* the far side has told all */
	PATH_LINK_LOST,
};

struct path_link {
	enum path_link_state state;
	struct dial dial;
	bool refused_key; /* it wants a key, or another one */
	bool ready;       /* it has taken the plan */
	bool no_key_wanted;
	struct path_talk_times times; /* of the exchange that is under way */
	uint64_t delay;               /* of the best one */
	unsigned exchanges;
	struct trial *trial;
	size_t in_len;
	uint8_t in[PATH_LINK_IN];
};

/*
 * Let the caller see to its other descriptors for so many milliseconds,
 * until fd is ready for events.  0, or -errno: stop.
 */
typedef int path_link_wait(void *context, int fd, short events, int ms);

struct path_link_caller {
	path_link_wait *wait;
	void *context;
};

/*
 * Connect; make known who we are by a key (or NULL); compare clocks.  0,
 * or -errno with the reason in why (WHY_MAX).
 */
int path_link_open(struct path_link *l, struct trial *t, uint32_t device,
		   const struct acl_key *key,
		   const struct path_link_caller *caller, char *why);
/* Announce the plan.  0 or -errno, likewise. */
int path_link_plan(struct path_link *l, const struct path_link_caller *caller,
		   char *why);
/* Take what the far side has told so far, without waiting. */
void path_link_read(struct path_link *l);
/* Have it tell the rest. */
void path_link_finish(struct path_link *l,
		      const struct path_link_caller *caller);
void path_link_close(struct path_link *l);

#endif
