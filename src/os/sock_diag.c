#include "os/sock_diag.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"

/* The kernel's numbers (net/tcp_states.h), which no header of ours has. */
enum state {
	STATE_SYN_SENT = 2,
	STATE_TIME_WAIT = 6,
	STATE_CLOSE = 7,
	STATE_LISTEN = 10,
};

/* Nobody has one in TIME_WAIT any more. */
#define STATES_CONNECTED                                                       \
	(~(1u << STATE_TIME_WAIT | 1u << STATE_CLOSE | 1u << STATE_LISTEN) &   \
	 0x1fff)

int
sock_diag_open(struct netlink *nl)
{
	return netlink_open(nl, NETLINK_SOCK_DIAG);
}

static void
build_as(uint16_t type, struct netlink *nl, struct netlink_msg *msg,
	 const struct inet_diag_req_v2 *request, uint16_t flags)
{
	netlink_begin(msg, type, (uint16_t)(NLM_F_REQUEST | flags), nl->seq++);
	netlink_header(msg, request, sizeof *request);
}

static void
build(struct netlink *nl, struct netlink_msg *msg,
      const struct inet_diag_req_v2 *request, uint16_t flags)
{
	build_as(SOCK_DIAG_BY_FAMILY, nl, msg, request, flags);
}

/* What names one. */
static struct inet_diag_req_v2
request_of(const struct sock_diag_connection *connection)
{
	struct inet_diag_req_v2 request = {
		.sdiag_family =
			connection->local.family == 4 ? AF_INET : AF_INET6,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = UINT32_MAX,
		.id.idiag_if = connection->device,
		.id.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE },
	};

	be16_store((uint8_t *)&request.id.idiag_sport, connection->local_port);
	be16_store((uint8_t *)&request.id.idiag_dport, connection->remote_port);
	memcpy(request.id.idiag_src, connection->local.bytes, 16);
	memcpy(request.id.idiag_dst, connection->remote.bytes, 16);
	return request;
}

static int
take_one(void *context, const struct netlink_reply *reply)
{
	struct inet_diag_msg *found = context;

	if (reply->type == SOCK_DIAG_BY_FAMILY && reply->len >= sizeof *found) {
		memcpy(found, reply->payload, sizeof *found);
	}
	return 0;
}

/* The socket of a connection; state 0 where there is none.  0 or -errno. */
static int
find(struct netlink *nl, const struct sock_diag_connection *connection,
     struct inet_diag_msg *found)
{
	const struct inet_diag_req_v2 request = request_of(connection);
	NETLINK_MSG(msg, 64);
	int rc;

	memset(found, 0, sizeof *found);
	/* The answer and then an acknowledgement, or an error alone. */
	build(nl, &msg, &request, NLM_F_ACK);
	rc = netlink_call(nl, &msg, take_one, found);
	if (rc < 0) {
		return rc == -ENOENT ? 0 : rc;
	}
	if (found->idiag_state == STATE_LISTEN ||
	    found->idiag_state == STATE_CLOSE) {
		found->idiag_state = 0;
	}
	return 0;
}

int
sock_diag_exists(struct netlink *nl,
		 const struct sock_diag_connection *connection)
{
	struct inet_diag_msg found;
	int rc = find(nl, connection, &found);

	return rc < 0 ? rc : found.idiag_state != 0;
}

int
sock_diag_inode(struct netlink *nl,
		const struct sock_diag_connection *connection, uint32_t *inode)
{
	struct inet_diag_msg found;
	int rc = find(nl, connection, &found);

	if (rc == 0 && (found.idiag_state == 0 || found.idiag_inode == 0)) {
		rc = -ENOENT;
	}
	*inode = found.idiag_inode;
	return rc;
}

int
sock_diag_destroy(const struct sock_diag_connection *connection)
{
	struct inet_diag_req_v2 request = request_of(connection);
	struct inet_diag_msg found;
	struct netlink nl;
	NETLINK_MSG(msg, 64);
	int rc = netlink_open_with_rights(&nl, NETLINK_SOCK_DIAG);

	if (rc < 0) {
		return rc;
	}
	rc = find(&nl, connection, &found);
	if (rc == 0 && found.idiag_state == 0) {
		rc = -ENOENT;
	}
	if (rc == 0) {
		/* That one alone: else the kernel would take its listener. */
		memcpy(request.id.idiag_cookie, found.id.idiag_cookie,
		       sizeof request.id.idiag_cookie);
		build_as(SOCK_DESTROY, &nl, &msg, &request, NLM_F_ACK);
		rc = netlink_call(&nl, &msg, NULL, NULL);
	}
	netlink_close(&nl);
	return rc;
}

struct each {
	void (*take)(void *, const struct sock_diag_socket *);
	void *context;
};

static struct packet_addr
addr_of(uint8_t family, const uint32_t words[4])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct packet_addr addr = { .family = family == AF_INET ? 4 : 6 };

	memcpy(addr.bytes, words, 16);
	if (addr.family == 4) {
		memset(addr.bytes + 4, 0, 12);
	} else if (memcmp(addr.bytes, mapped, sizeof mapped) == 0) {
		/* An IPv4 connection of an IPv6 socket. */
		addr.family = 4;
		memmove(addr.bytes, addr.bytes + 12, 4);
		memset(addr.bytes + 4, 0, 12);
	}
	return addr;
}

static int
take_connection(void *context, const struct netlink_reply *reply)
{
	const struct each *each = context;
	struct netlink_attr attrs[INET_DIAG_MARK + 1];
	struct sock_diag_socket socket = { .mark = 0 };
	struct inet_diag_msg found;

	if (reply->type != SOCK_DIAG_BY_FAMILY || reply->len < sizeof found) {
		return 0;
	}
	memcpy(&found, reply->payload, sizeof found);
	if (netlink_attrs(reply->payload, reply->len, sizeof found, attrs,
			  INET_DIAG_MARK) == 0 &&
	    attrs[INET_DIAG_MARK].len == sizeof socket.mark) {
		memcpy(&socket.mark, attrs[INET_DIAG_MARK].payload,
		       sizeof socket.mark);
	}
	socket.uid = found.idiag_uid;
	socket.opening = found.idiag_state == STATE_SYN_SENT;
	socket.connection = (struct sock_diag_connection){
		.local = addr_of(found.idiag_family, found.id.idiag_src),
		.remote = addr_of(found.idiag_family, found.id.idiag_dst),
		.local_port = be16_load((uint8_t *)&found.id.idiag_sport),
		.remote_port = be16_load((uint8_t *)&found.id.idiag_dport),
		.device = found.id.idiag_if,
	};
	each->take(each->context, &socket);
	return 0;
}

static int
each_in(struct netlink *nl, uint32_t states,
	void (*take)(void *, const struct sock_diag_socket *), void *context)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct each each = { take, context };
	int rc = 0;

	for (size_t i = 0; i < sizeof families && rc == 0; i++) {
		struct inet_diag_req_v2 request = {
			.sdiag_family = families[i],
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = states,
		};
		NETLINK_MSG(msg, 64);

		build(nl, &msg, &request, NLM_F_DUMP);
		rc = netlink_call(nl, &msg, take_connection, &each);
	}
	return rc;
}

int
sock_diag_each(struct netlink *nl,
	       void (*take)(void *, const struct sock_diag_socket *),
	       void *context)
{
	return each_in(nl, STATES_CONNECTED, take, context);
}

int
sock_diag_each_opening(void (*take)(void *, const struct sock_diag_socket *),
		       void *context)
{
	struct netlink nl;
	int rc = netlink_open_with_rights(&nl, NETLINK_SOCK_DIAG);

	if (rc == 0) {
		rc = each_in(&nl, 1u << STATE_SYN_SENT, take, context);
		netlink_close(&nl);
	}
	return rc;
}
