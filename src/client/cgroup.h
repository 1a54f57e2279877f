/*
 * A control group (version 2) for one command: the firewall tells the
 * command's sockets from all others by it.
 */
#ifndef TAP_CLIENT_CGROUP_H
#define TAP_CLIENT_CGROUP_H

#include <stdint.h>

struct cgroup {
	int root; /* of the hierarchy, mounted nowhere; or -1 */
	char name[32];
};

/*
 * Make a group below the root.  0, or -errno where that can't be done,
 * as in a container.
 */
int cgroup_open(struct cgroup *scope);
/*
 * Have the sockets of whoever is in it marked when they are made (SO_MARK in
 * socket(7)).  0 or -errno.
 */
int cgroup_mark(const struct cgroup *scope, uint32_t mark);
/* Move this process into it.  0 or -errno. */
int cgroup_join(const struct cgroup *scope);
/* Take the group away; what still runs in it goes on outside. */
void cgroup_close(struct cgroup *scope);

#endif
