/*
 * TAPservd.conf: settings, then rules (papers: 000, 7.1).
 */
#ifndef TAP_CONF_SERVER_CONF_H
#define TAP_CONF_SERVER_CONF_H

#include "protocol/acl.h"
#include "conf/grammar.h"
#include "conf/keyfile.h"
#include "protocol/receiver.h"
#include "conf/settings.h"
#include "conf/share_conf.h"
#include "conf/switch_conf.h"

#define SERVER_CONF_FILE "/etc/tap/TAPservd.conf"
#define SERVER_CONF_ACL "/etc/tap/ACL.conf"

/* The queue of SYNs, and the one after it, where nothing else is set. */
#define SERVER_CONF_QUEUE 5040
/* The mark of packets that go to a decoy; see CLIENT_CONF_MARK. */
#define SERVER_CONF_MARK 0x00800000u
/* And of those that were accepted in the kernel. */
#define SERVER_CONF_FASTPATH_MARK 0x00200000u
/* And of those that come back to who carries connections. */
#define SERVER_CONF_SWITCH_MARK 0x00100000u

/* Below the PATH_MAX of Linux, and long enough. */
#define CONF_PATH_MAX 256
/* The replay file of a queue, where no other is set. */
#define SERVER_CONF_REPLAYS "/var/lib/tap/replay-%u"

struct server_conf {
	struct settings settings;
	uint32_t fastpath_mark; /* bit of packets accepted in the kernel */
	uint32_t switch_mark;   /* bit of packets back to the carrier */
	struct receiver_limits limits;
	bool hide_loopback;
	bool track_always; /* see server/tracking.h */
	/* Where replays are remembered; empty: the default; "none": nowhere. */
	char replay_file[CONF_PATH_MAX];
	struct share_conf share;
	char share_login[SHARE_CONF_FILE_MAX]; /* a path, or empty */
	uint16_t share_wait;                   /* for its engine's answer, ms */
	enum share_fail share_fail;
	struct switch_conf switching;
	struct acl_rule usual; /* of rules that say nothing else */
	struct acl acl;        /* owns its arrays */
};

/* What holds where no file says otherwise. */
void server_conf_defaults(struct server_conf *conf);
/*
 * What a reload leaves as it was.  0, or -1 with the reason in err
 * (CONF_ERROR_MAX) where the rest does not go with that.
 */
int server_conf_keep(struct server_conf *conf, const struct server_conf *before,
		     char *err);

/*
 * TAPservd.conf read into a configuration that server_conf_new() made.
 * 0, or a negative number with the error in err.
 */
int server_conf_read(struct server_conf *conf, struct conf_file *file,
		     char *err);
int server_conf_read_path(struct server_conf *conf, const char *path,
			  char *err);
/* A single rule for these ports, in place of a file. */
int server_conf_one_rule(struct server_conf *conf, const char *ports,
			 char *err);

#endif
