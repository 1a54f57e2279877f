#include "os/own_route.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define LOOPBACK_DEVICE 1u /* in every network namespace */
/* Before the rules that tools add by themselves, and behind that of `local`. */
#define PRIORITY 5040u

static void
put_u32(struct netlink_msg *msg, uint16_t type, uint32_t value)
{
	netlink_put(msg, type, &value, sizeof value);
}

static int
change_rule(struct own_route *r, uint8_t family, bool add)
{
	const struct fib_rule_hdr header = {
		.family = family,
		.table = RT_TABLE_UNSPEC,
		.action = FR_ACT_TO_TBL,
	};
	NETLINK_MSG(msg, 64);

	netlink_begin(&msg, add ? RTM_NEWRULE : RTM_DELRULE,
		      NLM_F_REQUEST | NLM_F_ACK |
			      (add ? NLM_F_CREATE | NLM_F_EXCL : 0),
		      r->nl.seq++);
	netlink_header(&msg, &header, sizeof header);
	put_u32(&msg, FRA_PRIORITY, PRIORITY);
	if (r->mark) {
		put_u32(&msg, FRA_FWMARK, r->mark);
		put_u32(&msg, FRA_FWMASK, r->mark);
	}
	put_u32(&msg, FRA_TABLE, r->table);
	return netlink_call(&r->nl, &msg, NULL, NULL);
}

static int
change_route(struct own_route *r, uint8_t family, bool add)
{
	const struct rtmsg header = {
		.rtm_family = family,
		.rtm_table = RT_TABLE_UNSPEC,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = RT_SCOPE_HOST,
		.rtm_type = RTN_LOCAL,
	};
	NETLINK_MSG(msg, 64);

	netlink_begin(&msg, add ? RTM_NEWROUTE : RTM_DELROUTE,
		      NLM_F_REQUEST | NLM_F_ACK |
			      (add ? NLM_F_CREATE | NLM_F_EXCL : 0),
		      r->nl.seq++);
	netlink_header(&msg, &header, sizeof header);
	put_u32(&msg, RTA_TABLE, r->table);
	put_u32(&msg, RTA_OIF, LOOPBACK_DEVICE);
	return netlink_call(&r->nl, &msg, NULL, NULL);
}

int
own_route_open(struct own_route *r, uint32_t mark, uint32_t table)
{
	*r = (struct own_route){ .mark = mark, .table = table };
	return netlink_open_with_rights(&r->nl, NETLINK_ROUTE);
}

/* 1: it was not there; 0: it was; or -errno. */
static int
kept(int rc)
{
	return rc == 0 ? 1 : rc == -EEXIST ? 0 : rc;
}

int
own_route_keep(struct own_route *r)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	int added = 0;

	for (size_t i = 0; i < 2; i++) {
		const int route = kept(change_route(r, families[i], true));
		const int rule = route < 0
			? route
			: kept(change_rule(r, families[i], true));

		if (rule < 0 && families[i] == AF_INET) {
			return rule;
		}
		added |= (route > 0) | (rule > 0);
	}
	return added;
}

void
own_route_close(struct own_route *r)
{
	if (r->nl.fd < 0) {
		return;
	}
	(void)change_rule(r, AF_INET, false);
	(void)change_rule(r, AF_INET6, false);
	(void)change_route(r, AF_INET, false);
	(void)change_route(r, AF_INET6, false);
	netlink_close(&r->nl);
}

void
own_route_remove(uint32_t table)
{
	struct own_route r;

	if (own_route_open(&r, 0, table) == 0) {
		own_route_close(&r);
	}
}
