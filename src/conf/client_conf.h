/*
 * The client's file: TAPclientd.conf, settings, then rules with their
 * keys (papers: 000, 7.2).
 */
#ifndef TAP_CONF_CLIENT_CONF_H
#define TAP_CONF_CLIENT_CONF_H

#include "conf/grammar.h"
#include "conf/guest_conf.h"
#include "conf/sealed_file.h"
#include "os/resolve.h"
#include "protocol/sender.h"
#include "conf/settings.h"

#ifndef CLIENT_CONF_FILE /* where a system has it elsewhere */
#define CLIENT_CONF_FILE "/etc/tap/TAPclientd.conf"
#endif

/* The queue of SYNs, where nothing else is set. */
#define CLIENT_CONF_QUEUE 5060
/* A bit that neither Kubernetes nor Docker nor VPNs are known to use. */
#define CLIENT_CONF_MARK 0x00400000u

#define CLIENT_CONF_HOSTS_MAX 256u /* each is looked up again and again */

struct client_conf {
	struct settings settings;
	struct sender_rule *rules; /* owned, with what they point to */
	size_t rules_count, rules_room;
	struct sender_host *hosts; /* owned, those that rules name */
	unsigned hosts_count;
	struct guest_list guests;
	bool by_device, by_user, by_exe; /* some rule asks for it */
	bool by_guest;
	bool forwards; /* some rule is for others' connections */
};

/*
 * Load and check (path NULL: CLIENT_CONF_FILE).  A file that is sealed
 * needs its passphrase; without one (NULL, as on a reload, since it is
 * not kept) that is an error.  Returns NULL with the error in err, and in
 * errno what conf_status() takes, but positive.
 */
struct client_conf *client_conf_load(const char *path,
				     const struct sealed_passphrase *passphrase,
				     char *err);
/* The same from an open file, which stays the caller's. */
struct client_conf *client_conf_read(struct conf_file *file, char *err);
/*
 * One rule, for a connection that no file names: to all addresses of a host.
 */
struct client_conf *client_conf_for(const char *host,
				    const struct host_addr *to, size_t count,
				    uint16_t port, uint16_t service_port,
				    const struct acl_key *key);
/* What a reload leaves as it was. */
void client_conf_keep(struct client_conf *conf,
		      const struct client_conf *before);
/* Wipe its keys: of a process that is to have none. */
void client_conf_forget(struct client_conf *conf);
/* Wipe and free. */
void client_conf_free(struct client_conf *conf);

#endif
