#include "os/netlink.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bytes.h"

/* Notifications read in one turn, since they may never stop coming. */
#define DRAIN_MAX 1024u
#define ALIGN(len) (((len) + 3u) & ~(size_t)3u)

/* The capabilities in effect; how they were goes to *before.  0 or -errno. */
static int
lower(struct __user_cap_data_struct before[2])
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2];

	if (syscall(SYS_capget, &header, before) < 0) {
		return -errno;
	}
	memcpy(none, before, sizeof none);
	none[0].effective = none[1].effective = 0;
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int
raise_again(const struct __user_cap_data_struct before[2])
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	return syscall(SYS_capset, &header, before) < 0 ? -errno : 0;
}

static int
open_socket(int protocol, bool may_change)
{
	struct __user_cap_data_struct before[2];
	int rc = may_change ? 0 : lower(before);
	int fd = rc < 0 ? rc
			: socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);

	if (rc == 0 && fd < 0) {
		fd = -errno;
	}
	if (rc == 0 && !may_change) {
		rc = raise_again(before);
	}
	if (rc < 0 && fd >= 0) {
		close(fd);
	}
	return rc < 0 ? rc : fd;
}

static int
open_as(struct netlink *nl, int protocol, bool may_change)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof addr;
	int saved;

	*nl = (struct netlink){ .fd = -1, .seq = 1 };
	nl->fd = open_socket(protocol, may_change);
	if (nl->fd < 0) {
		saved = -nl->fd;
		nl->fd = -1;
		return -saved;
	}
	if (bind(nl->fd, (struct sockaddr *)&addr, sizeof addr) < 0 ||
	    getsockname(nl->fd, (struct sockaddr *)&addr, &len) < 0) {
		saved = errno;
		netlink_close(nl);
		return -saved;
	}
	nl->port = addr.nl_pid;
	return 0;
}

int
netlink_open(struct netlink *nl, int protocol)
{
	return open_as(nl, protocol, protocol == NETLINK_NETFILTER);
}

int
netlink_open_with_rights(struct netlink *nl, int protocol)
{
	return open_as(nl, protocol, true);
}

int
netlink_watch(struct netlink *nl, int protocol, const int *groups, size_t count)
{
	int rc = netlink_open(nl, protocol);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
			       &groups[i], sizeof groups[i]) < 0) {
			rc = -errno;
			netlink_close(nl);
		}
	}
	return rc;
}

void
netlink_close(struct netlink *nl)
{
	if (nl->fd >= 0) {
		close(nl->fd);
	}
	nl->fd = -1;
}

/* Room for len more bytes, zeroed up to their alignment, or NULL. */
static uint8_t *
extend(struct netlink_msg *msg, size_t len)
{
	uint8_t *at = msg->bytes + msg->len;

	if (msg->full || ALIGN(len) > msg->size - msg->len) {
		msg->full = true;
		return NULL;
	}
	memset(at, 0, ALIGN(len));
	msg->len += ALIGN(len);
	return at;
}

/* The length of the message begun last, written where it stands. */
static void
set_length(struct netlink_msg *msg)
{
	uint32_t len = (uint32_t)(msg->len - msg->start);

	memcpy(msg->bytes + msg->start, &len, sizeof len);
}

void
netlink_begin(struct netlink_msg *msg, uint16_t type, uint16_t flags,
	      uint32_t seq)
{
	struct nlmsghdr header = {
		.nlmsg_type = type,
		.nlmsg_flags = flags,
		.nlmsg_seq = seq,
	};
	uint8_t *at;

	msg->start = msg->len;
	at = extend(msg, sizeof header);
	if (at) {
		memcpy(at, &header, sizeof header);
		set_length(msg);
	}
}

void
netlink_header(struct netlink_msg *msg, const void *header, size_t len)
{
	uint8_t *at = extend(msg, len);

	if (at) {
		memcpy(at, header, len);
		set_length(msg);
	}
}

void
netlink_put(struct netlink_msg *msg, uint16_t type, const void *payload,
	    size_t len)
{
	struct nlattr attr = {
		.nla_len = (uint16_t)(sizeof attr + len),
		.nla_type = type,
	};
	uint8_t *at = extend(msg, sizeof attr + len);

	if (at) {
		memcpy(at, &attr, sizeof attr);
		if (len > 0) {
			memcpy(at + sizeof attr, payload, len);
		}
		set_length(msg);
	}
}

void
netlink_put_u8(struct netlink_msg *msg, uint16_t type, uint8_t value)
{
	netlink_put(msg, type, &value, sizeof value);
}

void
netlink_put_be16(struct netlink_msg *msg, uint16_t type, uint16_t value)
{
	uint8_t bytes[2];

	be16_store(bytes, value);
	netlink_put(msg, type, bytes, sizeof bytes);
}

void
netlink_put_be32(struct netlink_msg *msg, uint16_t type, uint32_t value)
{
	uint8_t bytes[4];

	be32_store(bytes, value);
	netlink_put(msg, type, bytes, sizeof bytes);
}

size_t
netlink_nest(struct netlink_msg *msg, uint16_t type)
{
	size_t at = msg->len;

	netlink_put(msg, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void
netlink_unnest(struct netlink_msg *msg, size_t nest)
{
	uint16_t len = (uint16_t)(msg->len - nest);

	if (!msg->full) {
		memcpy(msg->bytes + nest, &len, sizeof len);
	}
}

int
netlink_send(struct netlink *nl, const struct netlink_msg *msg)
{
	ssize_t sent;

	if (msg->full) {
		return -EMSGSIZE;
	}
	do {
		/* Without an address, to the kernel: see netlink_open(). */
		sent = send(nl->fd, msg->bytes, msg->len, 0);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

bool
netlink_next(const uint8_t *bytes, size_t len, size_t *at,
	     struct netlink_reply *reply)
{
	struct nlmsghdr header;
	size_t left = len - *at;

	if (left < sizeof header) {
		return false;
	}
	memcpy(&header, bytes + *at, sizeof header);
	if (header.nlmsg_len < sizeof header || header.nlmsg_len > left) {
		return false;
	}
	reply->type = header.nlmsg_type;
	reply->flags = header.nlmsg_flags;
	reply->seq = header.nlmsg_seq;
	reply->payload = bytes + *at + sizeof header;
	reply->len = header.nlmsg_len - sizeof header;
	left -= ALIGN(header.nlmsg_len) < left ? ALIGN(header.nlmsg_len) : left;
	*at = len - left;
	return true;
}

int
netlink_error(const struct netlink_reply *reply)
{
	int32_t error;

	if (reply->type != NLMSG_ERROR || reply->len < sizeof error) {
		return EBADMSG;
	}
	memcpy(&error, reply->payload, sizeof error);
	/* -errno; any other value of a broken sender is refused. */
	return error > 0 || error < -4095 ? EBADMSG : -error;
}

int
netlink_attrs(const uint8_t *payload, size_t len, size_t header_len,
	      struct netlink_attr *attrs, uint16_t most)
{
	size_t at = ALIGN(header_len);

	memset(attrs, 0, (most + 1u) * sizeof *attrs);
	while (at < len) {
		struct nlattr attr;
		uint16_t type;

		if (len - at < sizeof attr) {
			return -1;
		}
		memcpy(&attr, payload + at, sizeof attr);
		if (attr.nla_len < sizeof attr || attr.nla_len > len - at) {
			return -1;
		}
		type = attr.nla_type & (uint16_t)NLA_TYPE_MASK;
		if (type <= most) {
			attrs[type].payload = payload + at + sizeof attr;
			attrs[type].len = attr.nla_len - sizeof attr;
		}
		at += ALIGN(attr.nla_len);
	}
	return 0;
}

bool
netlink_be32(const struct netlink_attr *attr, uint32_t *value)
{
	if (!attr->payload || attr->len != 4) {
		return false;
	}
	*value = be32_load(attr->payload);
	return true;
}

/* The end of a dump has the error that ended it early, or none. */
static int
end_of_dump(const struct netlink_reply *reply)
{
	int32_t error = 0;

	if (reply->len >= sizeof error) {
		memcpy(&error, reply->payload, sizeof error);
	}
	return error < 0 && error >= -4095 ? error : 1;
}

/* The messages of one datagram; 1 where the request has come to its end. */
static int
take_datagram(const uint8_t *bytes, size_t len, uint32_t seq,
	      int (*take)(void *, const struct netlink_reply *), void *context)
{
	struct netlink_reply reply;
	size_t at = 0;

	while (netlink_next(bytes, len, &at, &reply)) {
		int rc;

		if (reply.seq != seq) {
			continue;
		}
		if (reply.type == NLMSG_DONE) {
			return end_of_dump(&reply);
		}
		if (reply.type == NLMSG_ERROR) {
			rc = netlink_error(&reply);
			return rc ? -rc : 1;
		}
		rc = take ? take(context, &reply) : 0;
		if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

int
netlink_call(struct netlink *nl, const struct netlink_msg *msg,
	     int (*take)(void *, const struct netlink_reply *), void *context)
{
	static uint8_t bytes[32768]; /* the most that a dump sends at once */
	struct nlmsghdr header;
	int rc = netlink_send(nl, msg);

	if (rc == 0) {
		memcpy(&header, msg->bytes + msg->start, sizeof header);
	}
	while (rc == 0) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof from;
		ssize_t got = recvfrom(nl->fd, bytes, sizeof bytes, 0,
				       (struct sockaddr *)&from, &from_len);

		if (got < 0) {
			rc = errno == EINTR ? 0 : -errno;
		} else if (from.nl_pid == 0) {
			rc = take_datagram(bytes, (size_t)got, header.nlmsg_seq,
					   take, context);
		}
	}
	return rc < 0 ? rc : 0;
}

bool
netlink_drain(int fd)
{
	uint8_t ignored[4096];
	bool any = false;

	for (unsigned n = 0; n < DRAIN_MAX; n++) {
		if (recv(fd, ignored, sizeof ignored, MSG_DONTWAIT) < 0 &&
		    errno != ENOBUFS) {
			break;
		}
		any = true;
	}
	return any;
}
