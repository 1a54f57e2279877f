/*
 * The way of a SYN's frames: the SYN's own.  Rules of policy routing look at
 * a socket's user, at marks and at ports, of which a raw socket has its own;
 * and of several next hops, each frame's ports would choose another.
 *
 * Frames leave by a raw socket of the user whose SYN it is, so that filters by
 * owner have them go where they let the SYN go, and marked as tap's own.
 * Where routing would lead these elsewhere, they are put out by a packet
 * socket at the SYN's device, to its next hop: behind the firewall, and behind
 * address translation.
 */
#ifndef TAP_CLIENT_WAY_H
#define TAP_CLIENT_WAY_H

#include "client/outbound.h"
#include "os/netlink.h"
#include "os/rawsock.h"

/* Users whose raw sockets are kept; the one that was not used longest goes. */
#define WAY_USERS_MAX 16u

struct way_user {
	uint32_t uid, gid;
};

struct way_socket {
	struct way_user user;
	uint64_t used; /* a count; 0: this place is free */
	struct rawsock raw;
};

struct way {
	struct netlink routes;
	int packet;            /* a socket, or below 0: there is none */
	struct way_socket own; /* root's, and of who is not known */
	struct way_socket users[WAY_USERS_MAX];
	uint64_t uses;
	uint32_t own_mark; /* of frames, by which rules let them pass */
	int to_monitor;    /* which opens raw sockets for users; or below 0 */
};

/* Nothing is open yet. */
void way_init(struct way *way);
/* Before privileges are given up.  0 or -errno. */
int way_open(struct way *way);
void way_close(struct way *way);

/* Send frames of a SYN, in order.  0 or -errno. */
int way_send(struct way *way, const struct outbound_syn *in,
	     const struct packet *syn, const struct packet_view *frames,
	     size_t count);

/*
 * In the monitor: the question of a worker, a struct way_user, is answered by
 * raw sockets that are this user's, for IPv4 and IPv6, or below 0.  Whether it
 * was such a question.
 */
bool way_answer(const void *question, size_t len, int fds[2]);

#endif
