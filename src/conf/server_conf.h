/*
 * The server's three files: TAPservd.conf (settings, then rules),
 * server.key and ACL.conf (papers: 000, 7.1), checked as a whole.
 */
#ifndef TAP_CONF_SERVER_CONF_H
#define TAP_CONF_SERVER_CONF_H

#include "protocol/acl.h"
#include "conf/grammar.h"
#include "protocol/receiver.h"
#include "conf/settings.h"

#define CONF_SERVER_FILE "/etc/tap/TAPservd.conf"
#define CONF_SERVER_KEYS "/etc/tap/server.key"
#define CONF_SERVER_ACL "/etc/tap/ACL.conf"

/* The queue of SYNs, and the one after it, where nothing else is set. */
#define CONF_SERVER_QUEUE 5040
/* The mark of packets that go to a decoy; see CONF_CLIENT_MARK. */
#define CONF_SERVER_MARK 0x00800000u
/* And of those that were accepted in the kernel. */
#define CONF_SERVER_FASTPATH_MARK 0x00200000u

/* Below the PATH_MAX of Linux, and long enough. */
#define CONF_PATH_MAX 256
/* The replay file of a queue, where no other is set. */
#define CONF_SERVER_REPLAYS "/var/lib/tap/replay-%u"

struct conf_server {
	struct settings settings;
	struct gate_limits limits;
	bool hide_loopback;
	/* Where replays are remembered; empty: the default; "none": nowhere. */
	char replay_file[CONF_PATH_MAX];
	struct acl acl; /* owns its arrays */
};

/* Where to read from; NULL paths are the defaults above. */
struct conf_server_from {
	const char *conf, *keys, *acl;
	/*
	 * One service without a configuration: these ports, in place of
	 * conf; then acl may be NULL, and every key may use them.
	 */
	const char *ports;
};

/*
 * Load and check all.  On the heap, for the size of its tables.  Returns
 * NULL with the error in err, and in errno what conf_status() takes, but
 * positive.
 */
struct conf_server *conf_server_load(const struct conf_server_from *from,
				     char *err);

/*
 * Its parts, for who wants them one by one: an empty configuration (NULL
 * where there is no memory), and TAPservd.conf read into it.  Keys and
 * access list are key.h's and acl_file.h's, into conf->acl; then
 * acl_index().
 */
struct conf_server *conf_server_new(void);
int conf_server_read(struct conf_server *conf, struct conf_file *file,
		     char *err);
int conf_server_read_path(struct conf_server *conf, const char *path,
			  char *err);

/* Wipe and free. */
void conf_server_free(struct conf_server *conf);

#endif
