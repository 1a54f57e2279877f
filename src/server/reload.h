/*
 * What the server works by, put to work: a configuration in the place of
 * another, its rules, what is kept of it, and that it is confirmed.
 */
#ifndef TAP_SERVER_RELOAD_H
#define TAP_SERVER_RELOAD_H

#include "server/server_parts.h"

/* What a configuration and the door make of the rules.  0 or -1. */
int server_plan(struct server *s, struct plan *plan, struct server_conf *conf);

/*
 * A configuration that was loaded is to be put to work: it, or the same from
 * copies that are then kept of it, so that what is kept is what has worked.
 */
struct server_conf *server_stage(struct server *s, struct server_conf *conf);
/* It works, and is confirmed, or does not have to be. */
void server_keep(struct server *s);

/* Somebody has confirmed. */
void server_confirm(struct server *s);

/* Of struct monitor_job: SIGHUP came. */
bool server_load(void *context);
void server_change(void *context);

#endif
