/*
 * Alarms: who goes to the decoy from now on, and whose connection is ended
 * (switch=next) or moved (switch=mirror).  In the monitor.
 *
 * An alert counts if it is of a connection that was accepted: what names
 * another one may be forged by anybody, who could send a key holder to the
 * decoy.  It adds its points to the connection, its key and its source.  At
 * alarm_score= of any of them the connection is switched; the key, or the
 * source, that has as many itself is listed.
 */
#ifndef TAP_SERVER_SWITCHING_H
#define TAP_SERVER_SWITCHING_H

#include "conf/server_conf.h"
#include "daemon/log.h"
#include "server/worker.h"
#include "switching/alarm.h"
#include "switching/alert_score.h"
#include "switching/decoy_list.h"
#include "switching/follower.h"

#define SWITCHED_MAX 64u /* that are remembered */

struct switched {
	struct packet packet; /* of who opened it */
	int32_t key_no;
	uint64_t second; /* since 1970 */
	const char *how; /* "reset", "left", "moved", "over" or "not reset" */
	char why[DECOY_LIST_WHY_MAX];
};

struct switching {
	struct server_conf **conf; /* the server's, at any time */
	struct worker *worker;
	/* A connection is to go on with its decoy (switch=mirror). Or NULL. */
	bool (*carry)(void *context, const struct alarm *alarm);
	void *carry_context;
	struct follower follower;
	struct follower_job job;
	struct alert_scores scores;
	struct decoy_list list;
	char path[CONF_PATH_MAX];     /* of the list; empty: in memory only */
	char trouble[CONF_ERROR_MAX]; /* with it; or empty */
	struct switched switched[SWITCHED_MAX];
	uint64_t switched_count; /* of all; the place of the next one */
	uint64_t alerts, passed, unknown, torn, cut;
	struct log_limit unread; /* lines of the log about these */
};

/*
 * Begin: memory, and the list as it was left.  *conf is followed.  An exit
 * status.
 */
int switching_open(struct switching *s, struct server_conf **conf,
		   struct worker *worker);
/* Put a configuration to work: at the start, and after a reload. */
void switching_configure(struct switching *s);
void switching_close(struct switching *s);
/* In the worker: the files of alerts, and who reads them, are the monitor's. */
void switching_leave(struct switching *s);

/* What can be read of the files of alerts; a descriptor to wait for, or -1. */
int switching_poll(const struct switching *s);
void switching_serve(struct switching *s);
/* Every second. */
void switching_tick(struct switching *s);

/* Put one on the list, until a second of 1970's.  Whether he was not there. */
bool switching_list(struct switching *s, struct decoy_entry who,
		    const char *why, uint64_t until);
/* Take one off it, and his score.  Whether he was there. */
bool switching_unlist(struct switching *s, const struct decoy_entry *who);
/* The list is in force from now on; and is kept. */
void switching_put(struct switching *s);
void switching_keep(struct switching *s);
/*
 * Switch an open connection by its rule.  Two alarms of one are one switch:
 * whether it is one.
 */
bool switching_one(struct switching *s, struct connection *c, const char *why);
/* What is wrong, or empty. */
const char *switching_trouble(const struct switching *s);

#endif
