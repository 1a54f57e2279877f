#include "rawsock.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
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
	}
	return 0;
}

void
rawsock_close(struct rawsock *raw)
{
	close(raw->fd4);
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
	if (raw->fd6 >= 0 && setsockopt(raw->fd6, SOL_SOCKET, SO_MARK, &mark,
					sizeof mark) < 0) {
		return -errno;
	}
	raw->mark = mark;
	return 0;
}

/* The way a packet is to take: where to, from where, through what. */
struct route {
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to;
	socklen_t to_len;
	union {
		struct cmsghdr header;
		char v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
		char v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
	socklen_t control_len;
};

static void
route_v4(struct route *route, const struct packet_addr *src,
	 const struct packet_addr *dst, uint32_t device)
{
	struct in_pktinfo info = { .ipi_ifindex = (int)device };

	memcpy(&info.ipi_spec_dst, src->bytes, 4);
	route->to.v4.sin_family = AF_INET;
	memcpy(&route->to.v4.sin_addr, dst->bytes, 4);
	route->to_len = sizeof route->to.v4;
	route->control.header = (struct cmsghdr){
		.cmsg_level = IPPROTO_IP,
		.cmsg_type = IP_PKTINFO,
		.cmsg_len = CMSG_LEN(sizeof info),
	};
	memcpy(CMSG_DATA(&route->control.header), &info, sizeof info);
	route->control_len = CMSG_SPACE(sizeof info);
}

static void
route_v6(struct route *route, const struct packet_addr *src,
	 const struct packet_addr *dst, uint32_t device)
{
	struct in6_pktinfo info = { .ipi6_ifindex = device };

	memcpy(&info.ipi6_addr, src->bytes, 16);
	route->to.v6.sin6_family = AF_INET6;
	route->to.v6.sin6_scope_id = device;
	memcpy(&route->to.v6.sin6_addr, dst->bytes, 16);
	route->to_len = sizeof route->to.v6;
	route->control.header = (struct cmsghdr){
		.cmsg_level = IPPROTO_IPV6,
		.cmsg_type = IPV6_PKTINFO,
		.cmsg_len = CMSG_LEN(sizeof info),
	};
	memcpy(CMSG_DATA(&route->control.header), &info, sizeof info);
	route->control_len = CMSG_SPACE(sizeof info);
}

int
rawsock_send(struct rawsock *raw, const struct packet_addr *src,
	     const struct packet_addr *dst, uint32_t device, uint32_t mark,
	     const struct rawsock_packet *packets, size_t count)
{
	struct route route = { 0 };
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
	if (dst->family == 4) {
		route_v4(&route, src, dst, device);
	} else {
		route_v6(&route, src, dst, device);
	}
	for (size_t i = 0; i < count; i++) {
		parts[i].iov_base = (void *)(uintptr_t)packets[i].bytes;
		parts[i].iov_len = packets[i].len;
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &route.to,
			.msg_namelen = route.to_len,
			.msg_iov = &parts[i],
			.msg_iovlen = 1,
			.msg_control = &route.control,
			.msg_controllen = route.control_len,
		};
	}
	while (sent < count) {
		int done = sendmmsg(fd, messages + sent,
				    (unsigned)(count - sent), MSG_DONTWAIT);

		if (done < 0 && errno != EINTR) {
			return -errno;
		}
		sent += done > 0 ? (size_t)done : 0;
	}
	return 0;
}
