/*
 * What the client's daemon is made of.
 */
#ifndef TAP_CLIENT_CLIENT_PARTS_H
#define TAP_CLIENT_CLIENT_PARTS_H

#include "client/attempts.h"
#include "client/backend.h"
#include "client/backend_netfilter.h"
#include "client/backend_pcap.h"
#include "client/client.h"
#include "client/fastpath.h"
#include "client/guest_holds.h"
#include "client/guest_readers.h"
#include "client/marks.h"
#include "client/names.h"
#include "client/outbound.h"
#include "daemon/monitor.h"
#include "daemon/prometheus.h"
#include "daemon/signals.h"
#include "firewall/plan.h"
#include "firewall/watchdog.h"
#include "os/nfqueue.h"

/* Numbers that a worker leaves to the next one; see monitor.h. */
struct client_shared {
	struct monitor_shared monitor;
	struct outbound_counters counters;
	uint8_t asked[CLIENT_CONF_HOSTS_MAX]; /* see names.h */
};

struct client {
	struct client_conf *conf;
	struct client_conf *next; /* that is to take its place, or NULL */
	struct monitor monitor;
	const struct client_options *options;
	struct plan plan;
	struct fw fw;
	struct watchdog watchdog;
	struct names names;
	struct nfq syns;
	struct guest_readers guest_readers; /* the monitor's, */
	struct guest_holds *guest_holds;    /* and the worker's */
	struct outbound outbound;
	struct attempts attempts;      /* of one command, or with -v */
	const struct backend *backend; /* which has one of these: */
	struct netfilter netfilter;
	struct backend_pcap pcap; /* in place of rules and a queue */
	struct netlink devices;   /* readable when they change */
	uint64_t devices_sum;     /* of those that there were */
	struct client_egress egress;
	int signals, control;
	struct daemon_reload reloading; /* and why a file was refused */
	struct settings_user user;      /* of workers, or empty */
	uint64_t started;               /* ms */
	struct netlink diag; /* the monitor's, for socket_owner_path() */
	struct marks marks;
	int drops; /* the file of nfq_read_drops(), or below 0 */
	struct client_shared *shared;
	struct metrics metrics;
};

#endif
