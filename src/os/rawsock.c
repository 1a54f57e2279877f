#include "os/rawsock.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int
rawsock_open(struct rawsock *raw)
{
	int on = 1;

	*raw = (struct rawsock){ .fd6 = -1 };
	raw->fd4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (raw->fd4 < 0) {
		return -errno;
	}
	/* IPPROTO_RAW implies the header for IPv4; for IPv6 since 4.5. */
	raw->fd6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (raw->fd6 >= 0) {
		setsockopt(raw->fd6, IPPROTO_IPV6, IPV6_HDRINCL, &on,
			   sizeof on);
		/* From addresses of others, too, as IPv4's does. */
		setsockopt(raw->fd6, IPPROTO_IPV6, IPV6_FREEBIND, &on,
			   sizeof on);
	}
	return 0;
}

void
rawsock_close(struct rawsock *raw)
{
	if (raw->fd4 >= 0) {
		close(raw->fd4);
	}
	if (raw->fd6 >= 0) {
		close(raw->fd6);
	}
}

static int
set_mark(struct rawsock *raw, uint32_t mark)
{
	if (mark == raw->mark) {
		return 0;
	}
	if (setsockopt(raw->fd4, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0) {
		return -errno;
	}
	if (raw->fd6 >= 0 &&
	    setsockopt(raw->fd6, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0) {
		return -errno;
	}
	raw->mark = mark;
	return 0;
}

/*
 * Where packets go and what their IP header is to say, for sendmsg(2):
 * an address and control messages.
 */
struct flow {
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to;
	socklen_t to_len;
	union {
		struct cmsghdr header; /* for its alignment */
		uint8_t room[128];     /* an address and an int, each padded */
	} control;
	size_t control_len;
};

static void
put_control(struct flow *flow, int level, int type, const void *data,
	    size_t len)
{
	struct cmsghdr header = {
		.cmsg_level = level,
		.cmsg_type = type,
		.cmsg_len = (socklen_t)CMSG_LEN(len),
	};
	uint8_t *at = flow->control.room + flow->control_len;

	memcpy(at, &header, sizeof header);
	memcpy(at + CMSG_LEN(0), data, len);
	flow->control_len += CMSG_SPACE(len);
}

static void
init_v4(struct flow *flow, const struct packet_addr *src,
	const struct packet_addr *dst, uint32_t device)
{
	struct in_pktinfo info = { .ipi_ifindex = (int)device };

	memcpy(&info.ipi_spec_dst, src->bytes, 4);
	flow->to.v4.sin_family = AF_INET;
	memcpy(&flow->to.v4.sin_addr, dst->bytes, 4);
	flow->to_len = sizeof flow->to.v4;
	put_control(flow, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
}

static void
init_v6(struct flow *flow, const struct packet_addr *src,
	const struct packet_addr *dst, uint32_t device)
{
	struct in6_pktinfo info = { .ipi6_ifindex = device };

	memcpy(&info.ipi6_addr, src->bytes, 16);
	flow->to.v6.sin6_family = AF_INET6;
	flow->to.v6.sin6_scope_id = device;
	memcpy(&flow->to.v6.sin6_addr, dst->bytes, 16);
	flow->to_len = sizeof flow->to.v6;
	put_control(flow, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
}

/*
 * musl's sendmmsg() is a loop of sendmsg(), as it can't trust the padding
 * of what it is given.  Ours is zero.
 */
static int
send_many(int fd, struct mmsghdr *messages, size_t count)
{
	return (int)syscall(SYS_sendmmsg, fd, messages, (unsigned)count,
			    MSG_DONTWAIT);
}

int
rawsock_send(struct rawsock *raw, const struct packet_addr *src,
	     const struct packet_addr *dst, uint32_t device, uint32_t mark,
	     const struct packet_view *packets, size_t count)
{
	struct flow flow;
	struct mmsghdr messages[RAWSOCK_BATCH] = { 0 };
	struct iovec parts[RAWSOCK_BATCH];
	int fd = dst->family == 4 ? raw->fd4 : raw->fd6;
	int rc = set_mark(raw, mark);
	size_t sent = 0;

	if (rc < 0) {
		return rc;
	}
	if (fd < 0) {
		return -EAFNOSUPPORT;
	}
	memset(&flow, 0, sizeof flow);
	if (dst->family == 4) {
		init_v4(&flow, src, dst, device);
	} else {
		init_v6(&flow, src, dst, device);
	}
	for (size_t i = 0; i < count; i++) {
		parts[i].iov_base = (void *)(uintptr_t)packets[i].bytes;
		parts[i].iov_len = packets[i].len;
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &flow.to,
			.msg_namelen = flow.to_len,
			.msg_iov = &parts[i],
			.msg_iovlen = 1,
			.msg_control = &flow.control,
			.msg_controllen = (socklen_t)flow.control_len,
		};
	}
	while (sent < count) {
		int done = send_many(fd, messages + sent, count - sent);

		if (done < 0 && errno != EINTR) {
			return -errno;
		}
		sent += done > 0 ? (size_t)done : 0;
	}
	return 0;
}
