/*
 * The server's three files, TAPservd.conf, server.key and ACL.conf, and that
 * which share_login names, checked as a whole.
 */
#ifndef TAP_CONF_SERVER_FILES_H
#define TAP_CONF_SERVER_FILES_H

#include "conf/server_conf.h"

/* Where to read from; NULL paths are the defaults above. */
struct server_conf_from {
	const char *conf, *keys, *acl;
	/*
	 * One service without a configuration: these ports, in place of
	 * conf; then acl may be NULL, and every key may use them.
	 */
	const char *ports;
	bool copies;       /* what else files name may be lost */
	const char *login; /* a copy, in place of what share_login names */
};

/*
 * Load and check all.  On the heap, for the size of its tables.  Returns
 * NULL with the error in err, and in errno what conf_status() takes, but
 * positive.
 */
struct server_conf *server_conf_load(const struct server_conf_from *from,
				     char *err);

/*
 * An empty configuration, for who wants its parts one by one: on the heap,
 * NULL where there is no memory.  Keys and access list are read by key_load()
 * and acl_conf_load() into conf->acl; then acl_index().
 */
struct server_conf *server_conf_new(void);

/* Wipe and free. */
void server_conf_free(struct server_conf *conf);
/* Forget what is secret of it (or of NULL): in a process that needs none. */
void server_conf_forget(const struct server_conf *conf);

#endif
