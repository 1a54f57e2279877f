#include "os/packetsock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>

int
packetsock_open(void)
{
	/* Protocol 0: of what comes in, nothing. */
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

int
packetsock_device(int fd, uint32_t device, bool *has_neighbours)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET,
				    .sll_ifindex = (int)device };
	socklen_t len = sizeof addr;

	if (bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) < 0) {
		return -errno;
	}
	*has_neighbours = addr.sll_hatype == ARPHRD_ETHER;
	switch (addr.sll_hatype) {
	case ARPHRD_ETHER:
	case ARPHRD_NONE:
	case ARPHRD_RAWIP:
	case ARPHRD_PPP:
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

int
packetsock_send(int fd, uint32_t device, const struct neighbour *to,
		uint32_t mark, const struct packet_view *packets, size_t count)
{
	struct sockaddr_ll addr = { .sll_family = AF_PACKET,
				    .sll_ifindex = (int)device };

	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0) {
		return -errno;
	}
	if (to) {
		addr.sll_halen = (unsigned char)to->len;
		memcpy(addr.sll_addr, to->bytes, to->len);
	}
	for (size_t i = 0; i < count; i++) {
		const bool v4 = packets[i].bytes[0] >> 4 == 4;

		addr.sll_protocol = htons(v4 ? ETH_P_IP : ETH_P_IPV6);
		if (sendto(fd, packets[i].bytes, packets[i].len, MSG_DONTWAIT,
			   (struct sockaddr *)&addr, sizeof addr) < 0) {
			return i > 0 ? 0 : -errno;
		}
	}
	return 0;
}
