#include "daemon/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/why.h"
#include "daemon/seccomp.h"

#define CAP_BPF_BIT (1u << (CAP_BPF - 32)) /* of the second word */

static int
fail(char *why, const char *what)
{
	return why_set(why, -1, "%s: %s", what, strerror(errno));
}

/*
 * Numbers that nobody has: between those of containers and 2^31 (systemd's
 * "Users, Groups, UIDs and GIDs").  With the monitor's process added, no
 * other tap has them either.
 */
#define UNUSED_IDS 1879048192u
#define NOBODY 65534u

/* Whether there is such a number here: in a user namespace there may not. */
static bool
is_mapped(const char *path, uint32_t id)
{
	FILE *map = fopen(path, "re");
	unsigned long inside, outside, count;
	bool found = false;

	while (map && !found &&
	       fscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3) {
		found = id >= inside && id - inside < count;
	}
	if (map) {
		fclose(map);
	}
	return found;
}

/* Who reads what anybody sent is no worker's equal. */
static bool
is_alone(enum privileges_role role)
{
	return role == PRIVILEGES_RESOLVER || role == PRIVILEGES_READER ||
		role == PRIVILEGES_CARRIER || role == PRIVILEGES_FOLLOWER;
}

/*
 * The account to use. Without one, numbers that no account has, because others
 * with the same user could kill the worker; and "nobody" where there are no
 * such numbers.
 */
static void
find_user(enum privileges_role role, const char *user, pid_t monitor,
	  uid_t *uid, gid_t *gid)
{
	const struct passwd *found = getpwnam(user ? user : "tap");
	const uint32_t own = UNUSED_IDS + (uint32_t)monitor;
	const bool alone = is_alone(role) || (!found && !user);

	if (alone && is_mapped("/proc/self/uid_map", own) &&
	    is_mapped("/proc/self/gid_map", own)) {
		*uid = own;
		*gid = own;
		return;
	}
	if (!found && !user) {
		found = getpwnam("nobody");
	}
	*uid = found ? found->pw_uid : NOBODY;
	*gid = found ? found->pw_gid : NOBODY;
}

bool
privileges_share_user(const char *user)
{
	uid_t uid;
	gid_t gid;

	if (geteuid() != 0) {
		return false;
	}
	find_user(PRIVILEGES_SERVER, user, getpid(), &uid, &gid);
	return uid == NOBODY;
}

/* Nothing is executed later that would need the bounding set. */
static int
drop_bounding_set(char *why)
{
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 &&
		    errno != EINVAL) {
			return fail(why, "bounding set");
		}
	}
	return 0;
}

/*
 * Kernels before 5.19 have bpf(2) for nobody else where unprivileged programs
 * are off (kernel.unprivileged_bpf_disabled), not even for entries of maps
 * that are open.  Asked of no map: who may gets another error.
 */
static bool
needs_bpf(void)
{
	union bpf_attr attr = { 0 };

	attr.map_fd = (uint32_t)-1;
	return syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof attr) < 0 &&
		errno == EPERM;
}

/* Keep CAP_BPF only if it was there; the pcap client never had it. */
static int
keep_net_admin(enum privileges_role role, char *why)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { { 0 } };

	if (syscall(SYS_capget, &header, data) < 0) {
		return fail(why, "capabilities");
	}
	data[0].permitted &= role == PRIVILEGES_LISTENER || is_alone(role)
		? 0
		: 1u << CAP_NET_ADMIN;
	data[0].effective = data[0].permitted;
	data[0].inheritable = data[1].effective = data[1].inheritable = 0;
	data[1].permitted &= role == PRIVILEGES_SERVER ? CAP_BPF_BIT : 0;
	if (syscall(SYS_capset, &header, data) < 0) {
		return fail(why, "capabilities");
	}
	if (data[1].permitted == 0) {
		return 0;
	}
	data[1].permitted = data[1].effective = needs_bpf() ? CAP_BPF_BIT : 0;
	return syscall(SYS_capset, &header, data) < 0
		? fail(why, "capabilities")
		: 0;
}

int
privileges_lend(bool on)
{
	static const unsigned lent[] = { CAP_NET_ADMIN, CAP_NET_RAW };
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2] = { { 0 } };

	if (geteuid() == 0) {
		return 0;
	}
	if (syscall(SYS_capget, &header, data) < 0) {
		return -errno;
	}
	data[0].inheritable = 0;
	for (size_t i = 0; i < 2; i++) {
		data[0].inheritable |= data[0].permitted & 1u << lent[i];
	}
	if (!on) {
		memset(data, 0, sizeof data);
	}
	/* Those that are no longer inheritable are no longer ambient either. */
	if (syscall(SYS_capset, &header, data) < 0) {
		return -errno;
	}
	for (size_t i = 0; i < 2; i++) {
		if (data[0].inheritable & 1u << lent[i] &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, lent[i], 0, 0) <
			    0) {
			return -errno;
		}
	}
	return 0;
}

int
privileges_refuse_file(void)
{
	return getauxval(AT_SECURE) ? privileges_lend(false) : 0;
}

static int
change_user(enum privileges_role role, const char *user, pid_t monitor,
	    char *why)
{
	uid_t uid;
	gid_t gid;

	/*
	 * Not started as root: it has only the capabilities that it was given.
	 */
	if (geteuid() != 0) {
		return keep_net_admin(role, why);
	}
	find_user(role, user, monitor, &uid, &gid);
	if (uid == 0 || gid == 0) {
		errno = EPERM;
		return fail(why, "user: it is root's, or its group");
	}
	if (drop_bounding_set(why) < 0) {
		return -1;
	}
	if (prctl(PR_SET_SECUREBITS,
		  SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS, 0, 0,
		  0) < 0) {
		return fail(why, "secure bits");
	}
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0) {
		return fail(why, "user");
	}
	return keep_net_admin(role, why);
}

/*
 * A ruleset that allows nothing.  A kernel without Landlock is no error, and
 * neither is a container whose profile, older than Landlock, refuses what it
 * does not know: the list of system calls has none that opens a file.
 */
static int
hide_files(char *why)
{
	struct landlock_ruleset_attr attr = {
		.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE |
			LANDLOCK_ACCESS_FS_WRITE_FILE |
			LANDLOCK_ACCESS_FS_READ_FILE |
			LANDLOCK_ACCESS_FS_READ_DIR |
			LANDLOCK_ACCESS_FS_REMOVE_DIR |
			LANDLOCK_ACCESS_FS_REMOVE_FILE |
			LANDLOCK_ACCESS_FS_MAKE_CHAR |
			LANDLOCK_ACCESS_FS_MAKE_DIR |
			LANDLOCK_ACCESS_FS_MAKE_REG |
			LANDLOCK_ACCESS_FS_MAKE_SOCK |
			LANDLOCK_ACCESS_FS_MAKE_FIFO |
			LANDLOCK_ACCESS_FS_MAKE_BLOCK |
			LANDLOCK_ACCESS_FS_MAKE_SYM,
	};
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr,
			      0);
	long rc;

	if (fd < 0) {
		return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM
			? 0
			: fail(why, "landlock");
	}
	rc = syscall(SYS_landlock_restrict_self, fd, 0);
	if (rc < 0 && errno == EPERM) {
		rc = 0;
	} else if (rc < 0) {
		fail(why, "landlock");
	}
	close(fd);
	return rc < 0 ? -1 : 0;
}

int
privileges_drop(enum privileges_role role, const char *user, pid_t parent,
		char *why)
{
	const pid_t number = parent && !is_alone(role) ? parent : getpid();

	if (change_user(role, user, number, why) < 0) {
		return -1;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
		return fail(why, "prctl");
	}
	/* After setuid(2), which clears the death signal. */
	if (parent != 0 &&
	    (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
	     getppid() != parent)) {
		return fail(why, "parent");
	}
	if (role == PRIVILEGES_RESOLVER) {
		return 0;
	}
	if (hide_files(why) < 0) {
		return -1;
	}
	if (seccomp_limit(role) < 0) {
		return fail(why, "seccomp");
	}
	return 0;
}
