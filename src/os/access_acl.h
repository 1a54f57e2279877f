/*
 * Access control lists of files (acl(5)), by which more users and groups
 * may have access than the mode names.
 */
#ifndef TAP_OS_ACCESS_ACL_H
#define TAP_OS_ACCESS_ACL_H

#include <stdbool.h>

/* Whether a file has one, or may have one. */
bool access_acl_has(const char *path);

/* How a file is made its owner's alone; and how nobody else may write it. */
extern const char access_acl_private[], access_acl_no_write[];

#endif
