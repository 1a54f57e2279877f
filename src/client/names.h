/*
 * The names in a client's rules: looked up by processes of their own, which
 * nothing waits for, and kept right.
 *
 * A name is looked up again when the lifetime that DNS gives for it is over,
 * but every five minutes at least; when a connection to it goes unanswered; and
 * when this host's addresses or routes change.  An address that it no longer
 * has is kept for five minutes more: programs have caches of their own, and
 * some names have other addresses in each answer.
 */
#ifndef TAP_CLIENT_NAMES_H
#define TAP_CLIENT_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "conf/client_conf.h"
#include "os/netlink.h"

/* How long a start waits for the first answers. */
#define NAMES_START_MS 5000u

struct name;
struct names_answer;

struct names {
	struct client_conf *conf; /* whose names they are */
	struct name *at;
	size_t count;
	struct names_answer *answers; /* what the processes write, by name */
	struct netlink routes;        /* has something to say after a change */
	uint8_t *asked;               /* of each name: it went unanswered */
	uint64_t tried;               /* to put changes to work; and failed */
};

void names_init(struct names *n);
/*
 * conf's names from now on, which get the addresses that are known of them;
 * asked has CLIENT_CONF_HOSTS_MAX places, where a worker sets that of a name
 * (sender_host.no).  0 or -errno, with all as it was.
 */
int names_follow(struct names *n, struct client_conf *conf, uint8_t *asked);
/* End its processes. */
void names_close(struct names *n);

/*
 * Take answers, and begin what is due; to be called every second or so.
 * Whether there are other addresses than those that conf has, by now.
 */
bool names_tick(struct names *n);
/* Give them to conf, and say so. */
void names_apply(struct names *n);
/* That they could not be put to work: it is tried again, later. */
void names_failed(struct names *n);
/*
 * Wait for a first answer of each, NAMES_START_MS at the most, or until a
 * signal waits that ends a daemon.
 */
void names_await(struct names *n);

/* Look them up once, for who is not going to follow them. */
void names_find(struct client_conf *conf);

/* The names that have no address, with the lines of their rules. */
void names_put_missing(const struct client_conf *conf, struct text *t);

#endif
