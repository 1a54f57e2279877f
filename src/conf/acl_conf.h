/*
 * The access list, ACL.conf (papers: 000, 7.1): which keys may use which
 * ports.
 *
 *   port=80, key_no="10,11"
 *   port=8000-8010, key_no="10,20-23"
 *
 * ANY is all ports or all keys; key_no=NONE, no key at all.
 */
#ifndef TAP_CONF_ACL_CONF_H
#define TAP_CONF_ACL_CONF_H

#include "protocol/acl.h"
#include "conf/grammar.h"

/*
 * A new entry, all zeros and the last one, in room that grows with them.
 * NULL: out of memory.  Fewer than ACL_ENTRIES_MAX may be there.
 */
struct acl_entry *acl_conf_add(struct acl *acl);
/* Free the entries. */
void acl_conf_free(struct acl *acl);

/*
 * Load a whole list; no entry is there yet.  Returns 0, or as conf_open()
 * below 0 with the error in err (CONF_ERROR_MAX); the entries are to be
 * freed either way.
 */
int acl_conf_load(struct acl *acl, const char *path, char *err);
/* The same from an open file, which stays the caller's. */
int acl_conf_read(struct acl *acl, struct conf_file *file, char *err);

/* Take one line as the next entry: its keys sorted, nothing twice. */
int acl_conf_entry(struct acl *acl, const struct conf_file *file,
		   const struct conf_line *line, char *err);

#endif
