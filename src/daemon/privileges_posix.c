#include "daemon/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* An empty directory, on every BSD. */
#define EMPTY "/var/empty"

static int
fail(char *why, const char *what)
{
	snprintf(why, PRIVILEGES_WHY_MAX, "%s: %s", what, strerror(errno));
	return -1;
}

int
privileges_drop(enum privileges_role role, const char *user, pid_t parent,
		char *why)
{
	const struct passwd *found = getpwnam(user ? user : "tap");

	(void)role;
	(void)parent;
	/* Not started as root: there is nothing to give up. */
	if (geteuid() != 0) {
		return 0;
	}
	if (!found && !user) {
		found = getpwnam("nobody");
	}
	if (!found) {
		snprintf(why, PRIVILEGES_WHY_MAX, "no account '%s'",
			 user ? user : "nobody");
		return -1;
	}
	if (chroot(EMPTY) < 0 && errno != ENOENT) {
		return fail(why, EMPTY);
	}
	if (chdir("/") < 0 || setgroups(0, NULL) < 0 ||
	    setgid(found->pw_gid) < 0 || setuid(found->pw_uid) < 0) {
		return fail(why, "user");
	}
	if (setuid(0) == 0) {
		snprintf(why, PRIVILEGES_WHY_MAX, "root can be had again");
		return -1;
	}
	return 0;
}
