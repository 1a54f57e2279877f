#include "client/way.h"

#include <errno.h>
#include <string.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include "base/undumpable.h"
#include "daemon/monitor.h"
#include "os/packetsock.h"
#include "os/route.h"

void
way_init(struct way *way)
{
	memset(way, 0, sizeof *way);
	way->routes.fd = way->packet = way->to_monitor = -1;
	way->own.raw.fd4 = way->own.raw.fd6 = -1;
}

int
way_open(struct way *way)
{
	int rc = rawsock_open(&way->own.raw);

	way->own.user = (struct way_user){ geteuid(), getegid() };
	if (rc == 0) {
		rc = route_open(&way->routes);
	}
	way->packet = packetsock_open();
	return rc;
}

void
way_close(struct way *way)
{
	rawsock_close(&way->own.raw);
	for (size_t i = 0; i < WAY_USERS_MAX; i++) {
		if (way->users[i].used) {
			rawsock_close(&way->users[i].raw);
		}
	}
	netlink_close(&way->routes);
	if (way->packet >= 0) {
		close(way->packet);
	}
	way_init(way);
}

/* ---- a user's sockets */

/*
 * A socket belongs to the user that files of its process do: by that, routing
 * (sk_uid) and filters (-m owner, skuid) know it.
 */
static void
open_as(const struct way_user *user, int fds[2])
{
	struct rawsock raw = { .fd4 = -1, .fd6 = -1 };
	const gid_t gid = (gid_t)setfsgid(user->gid);
	const uid_t uid = (uid_t)setfsuid(user->uid);

	/* A number that this user namespace lacks changes nothing. */
	if ((uid_t)setfsuid((uid_t)-1) == user->uid &&
	    (gid_t)setfsgid((gid_t)-1) == user->gid &&
	    rawsock_open(&raw) == 0) {
		fds[0] = raw.fd4;
		fds[1] = raw.fd6;
	}
	setfsuid(uid);
	setfsgid(gid);
	/* The kernel forgets it where that changes (fs.suid_dumpable). */
	undumpable_refuse();
}

bool
way_answer(const void *question, size_t len, int fds[2])
{
	struct way_user user;

	if (len != sizeof user) {
		return false;
	}
	memcpy(&user, question, sizeof user);
	open_as(&user, fds);
	return true;
}

/* Its place, or that of who was not used longest. */
static struct way_socket *
place_of(struct way *way, const struct way_user *user)
{
	struct way_socket *oldest = &way->users[0];

	for (size_t i = 0; i < WAY_USERS_MAX; i++) {
		struct way_socket *at = &way->users[i];

		if (at->used && at->user.uid == user->uid &&
		    at->user.gid == user->gid) {
			return at;
		}
		if (at->used < oldest->used) {
			oldest = at;
		}
	}
	if (oldest->used) {
		rawsock_close(&oldest->raw);
		oldest->used = 0;
	}
	return oldest;
}

/* The sockets to send by; where the monitor has none, our own. */
static struct way_socket *
socket_for(struct way *way, const struct outbound_syn *in)
{
	const struct way_user user = { in->uid, in->gid };
	struct way_socket *place;
	int fds[2] = { -1, -1 };
	uint8_t answer[MONITOR_QUESTION_MAX];

	if (!in->has_uid || way->to_monitor < 0 ||
	    (user.uid == way->own.user.uid && user.gid == way->own.user.gid)) {
		return &way->own;
	}
	place = place_of(way, &user);
	if (!place->used) {
		if (monitor_ask(way->to_monitor, &user, sizeof user, answer,
				fds) < 0 ||
		    fds[0] < 0) {
			return &way->own;
		}
		place->user = user;
		place->raw = (struct rawsock){ .fd4 = fds[0], .fd6 = fds[1] };
	}
	place->used = ++way->uses;
	return place;
}

/* ---- where to */

/* Where the SYN goes: it may be bound to its device. */
static int
way_of_syn(struct way *way, const struct outbound_syn *in,
	   const struct packet *syn, struct route *route)
{
	struct route_flow flow = {
		.src = syn->src,
		.dst = syn->dst,
		.mark = in->mark,
		.has_uid = in->has_uid,
		.uid = in->uid,
		.sport = syn->sport,
		.dport = syn->dport,
	};
	int rc = route_of_flow(&way->routes, &flow, false, route);

	if (rc < 0 || route->device != in->outdev) {
		flow.device = in->outdev;
		rc = route_of_flow(&way->routes, &flow, false, route);
	}
	return rc;
}

/* Whether a raw socket's frames go there, too. */
static bool
raw_goes_there(struct way *way, const struct outbound_syn *in,
	       const struct packet *syn, const struct way_socket *from,
	       const struct route *there)
{
	const struct route_flow flow = {
		.src = syn->src,
		.dst = syn->dst,
		.device = in->outdev,
		.mark = way->own_mark,
		.has_uid = true,
		.uid = from->user.uid,
	};
	struct route route;

	return route_of_flow(&way->routes, &flow, true, &route) == 0 &&
		!route.several && route.device == there->device &&
		packet_addr_equal(&route.gateway, &there->gateway);
}

static int
send_beside(struct way *way, const struct outbound_syn *in,
	    const struct packet *syn, const struct route *there,
	    const struct packet_view *frames, size_t count)
{
	const struct packet_addr *hop =
		there->gateway.family ? &there->gateway : &syn->dst;
	struct neighbour neighbour;
	bool has_neighbours;
	int rc;

	if (way->packet < 0) {
		return -EOPNOTSUPP;
	}
	rc = packetsock_device(way->packet, in->outdev, &has_neighbours);
	if (rc == 0 && has_neighbours) {
		rc = neighbour_find(&way->routes, hop, in->outdev, &neighbour);
	}
	return rc < 0 ? rc
		      : packetsock_send(way->packet, in->outdev,
					has_neighbours ? &neighbour : NULL,
					in->mark, frames, count);
}

int
way_send(struct way *way, const struct outbound_syn *in,
	 const struct packet *syn, const struct packet_view *frames,
	 size_t count)
{
	struct way_socket *from = socket_for(way, in);
	struct route there;

	/* Where the kernel knows no better, or no neighbour yet: as it can. */
	if (way_of_syn(way, in, syn, &there) == 0 &&
	    !raw_goes_there(way, in, syn, from, &there) &&
	    send_beside(way, in, syn, &there, frames, count) == 0) {
		return 0;
	}
	return rawsock_send(&from->raw, &syn->src, &syn->dst, in->outdev,
			    way->own_mark, frames, count);
}
