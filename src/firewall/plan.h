/*
 * From a configuration to the firewall rules that it needs.
 */
#ifndef TAP_FIREWALL_PLAN_H
#define TAP_FIREWALL_PLAN_H

#include <net/if.h>

#include "conf/client_conf.h"
#include "conf/server_conf.h"
#include "firewall/firewall.h"

struct plan {
	struct fw_plan fw;
	struct fw_match *matches; /* owned */
	struct fw_ports *ports;   /* owned, of all matches */
};

/* conf must outlive the plan.  0, or -1 where memory is out. */
int plan_server(struct plan *out, const struct server_conf *conf);
int plan_client(struct plan *out, const struct client_conf *conf);
/*
 * Have what a program at one of these devices can take marked for it, which
 * leaves by it: ahead of what is queued.  The names must outlive the plan.
 * 0, or -1 where memory is out; then the plan is as it was.
 */
int plan_mark(struct plan *plan, const char (*devices)[IF_NAMESIZE],
	      size_t count);
void plan_free(struct plan *plan);

/* The tool that a setting asks for; FW_NONE: any. */
enum fw_tool plan_tool(const struct settings *settings);

/*
 * Print the rules that would be installed, and free the plan; `made` is what
 * plan_server() or plan_client() returned.  An exit status.
 */
int plan_print(struct plan *plan, int made, const struct settings *settings);

#endif
