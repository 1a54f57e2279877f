/*
 * Least privilege: give up all that a running daemon does not need.
 */
#ifndef TAP_DAEMON_PRIVILEGES_H
#define TAP_DAEMON_PRIVILEGES_H

#include <stdbool.h>
#include <sys/types.h>

/* Who the process is from now on: each has its list of system calls. */
enum privileges_role {
	PRIVILEGES_SERVER,
	PRIVILEGES_CLIENT,
	PRIVILEGES_LISTENER,
	/* Asks the name service, whose ways only the C library knows: it may
	 * see files and make any system call, but has no capability, and
	 * numbers of its own where there are such. */
	PRIVILEGES_RESOLVER,
	/* Reads a guest's RAM by a descriptor that is open, and answers by
	 * another: it has no capability, and numbers of its own. */
	PRIVILEGES_READER,
	PRIVILEGES_CARRIER, /* sockets that others made for it */
	/* The same for files that grow, and with files that come later. */
	PRIVILEGES_FOLLOWER
};

/*
 * Become `user` (NULL: "tap" if there is one, else numbers that no account
 * has, or where there are none "nobody") with
 * CAP_NET_ADMIN alone (a listener and a carrier: with none; a server with
 * CAP_BPF, too, on kernels that else have no bpf(2) for it), see no file any
 * more, and be killed for any system call that the role does not need.  What is
 * open stays open. End with the parent, where one is named (or 0). Other
 * systems than Linux have users and chroot(2) for this. 0, or -1 with the
 * reason in why (WHY_MAX).
 */
int privileges_drop(enum privileges_role role, const char *user, pid_t parent,
		    char *why);

/*
 * Started by an ordinary user with the capabilities of its file
 * (capabilities(7)): have the firewall's tools inherit what rules need, and
 * with `on` false nothing that is run from now on, or done here.  0 or -errno.
 */
int privileges_lend(bool on);
/*
 * The file has capabilities, and whoever runs it is to have them for one
 * purpose only, which this is not: give them up.  0 or -errno.
 */
int privileges_refuse_file(void);

/* Whether that user is "nobody", and so everybody's. */
bool privileges_share_user(const char *user);

#endif
