/*
 * What `tap acl` does: the server's three files as a whole.
 */
#ifndef TAP_ACL_COMMON_H
#define TAP_ACL_COMMON_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/server_files.h"
#include "protocol/numset.h"

struct access_options {
	struct server_conf_from from; /* its paths; ports is not used */
	bool json;
	bool has_port, has_key, has_src;
	struct acl_range *ports; /* owned by the command */
	size_t ports_count;
	const char *keys_text;  /* as they stood there; see key_names.h */
	struct acl_range *keys; /* owned by the command */
	size_t keys_count;
	bool strict;
	uint64_t within; /* a span */
	uint64_t at;     /* an instant */
	struct acl_net src;
	bool dry_run, reload;
	long queue;                  /* or -1 */
	const char *to, *bundle_key; /* or NULL */
	bool fleet;
};

/* The paths, defaults filled in. */
struct access_paths {
	const char *rules, *keys, *acl;
};

struct access_paths access_paths(const struct access_options *o);

/*
 * All three files, checked as the server does.  Returns TAP_OK, or with the
 * error said and *conf NULL the exit status.
 */
int access_load(const struct access_options *o, struct server_conf **conf);

/* The file of a rule, key or entry, which may be an included one. */
const char *access_file(const char *included, const char *path);

/* " (alice)" for a key with a name, "" for one without; till the next call. */
const char *access_name(const struct acl_key *key);

/* "80" or "8000-8010", or "ANY"; till the fourth call after. */
const char *access_range(struct acl_range range);

/* Say that there is no memory; returns the exit status. */
int access_no_memory(void);

#endif
