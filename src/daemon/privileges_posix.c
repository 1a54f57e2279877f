#include "daemon/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/why.h"

/* An empty directory, on every BSD. */
#define EMPTY "/var/empty"

static int
fail(char *why, const char *what)
{
	return why_set(why, -1, "%s: %s", what, strerror(errno));
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
		return why_set(why, -1, "no account '%s'",
			       user ? user : "nobody");
	}
	if (chroot(EMPTY) < 0 && errno != ENOENT) {
		return fail(why, EMPTY);
	}
	if (chdir("/") < 0 || setgroups(0, NULL) < 0 ||
	    setgid(found->pw_gid) < 0 || setuid(found->pw_uid) < 0) {
		return fail(why, "user");
	}
	if (setuid(0) == 0) {
		return why_set(why, -1, "root can be had again");
	}
	return 0;
}
