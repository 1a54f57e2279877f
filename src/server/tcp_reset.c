#include "server/tcp_reset.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "os/rawsock.h"

#define LABEL_MASK 0x000fffffu
#define LABEL_STATELESS 0x00080000u /* of flowlabel_state_ranges */
#define ECN_MASK 3
#define FLOWINFO_SEND 33 /* IPV6_FLOWINFO_SEND, which musl lacks */
#define MD5SIG 14        /* TCP_MD5SIG */
#define AO_INFO 40       /* TCP_AO_INFO, of Linux 6.7 */

/* A number of /proc/sys/net/ipv6, or what the kernel begins with. */
static int
read_setting(const char *name, int fallback)
{
	char path[128];
	FILE *file;
	int value;

	snprintf(path, sizeof path, "/proc/sys/net/ipv6/%s", name);
	file = fopen(path, "re");
	if (!file) {
		return fallback;
	}
	if (fscanf(file, "%d", &value) != 1) {
		value = fallback;
	}
	fclose(file);
	return value;
}

/* A raw socket gets a copy of all TCP there is, unless it wants none. */
static int
open_raw(int family)
{
	struct sock_filter nothing[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog program = { 1, nothing };
	int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			IPPROTO_TCP);

	if (fd < 0) {
		return -errno;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
		       sizeof program) < 0) {
		int saved = errno;

		close(fd);
		return -saved;
	}
	return fd;
}

/*
 * Whether the kernel has a kind of signature: it then complains of what
 * it is given, and not that there is no such option.
 */
static bool
knows_option(int option)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int nothing = 0;
	bool knows;

	if (fd < 0) {
		return false;
	}
	knows = setsockopt(fd, IPPROTO_TCP, option, &nothing, sizeof nothing) ==
			0 ||
		errno != ENOPROTOOPT;
	close(fd);
	return knows;
}

int
reset_open(struct reset *reset, const struct hash_key *hash)
{
	int whole = IP_PMTUDISC_DO;
	int on = 1;
	int automatic = read_setting("auto_flowlabels", 1);

	*reset = (struct reset){ .fd6 = -1, .hash = *hash };
	reset->fd4 = open_raw(AF_INET);
	if (reset->fd4 < 0) {
		return reset->fd4;
	}
	if (setsockopt(reset->fd4, IPPROTO_IP, IP_MTU_DISCOVER, &whole,
		       sizeof whole) < 0) {
		int saved = errno;

		reset_close(reset);
		return -saved;
	}
	reset->fd6 = open_raw(AF_INET6);
	if (reset->fd6 >= 0) {
		setsockopt(reset->fd6, IPPROTO_IPV6, FLOWINFO_SEND, &on,
			   sizeof on);
	}
	reset->knows_md5 = knows_option(MD5SIG);
	reset->knows_ao = knows_option(AO_INFO);
	reset->labels = automatic == 1 || automatic == 3;
	reset->labels_reflect = read_setting("flowlabel_reflect", 0) & 2;
	reset->labels_marked = read_setting("flowlabel_state_ranges", 0);
	return 0;
}

void
reset_close(struct reset *reset)
{
	if (reset->fd4 >= 0) {
		close(reset->fd4);
	}
	if (reset->fd6 >= 0) {
		close(reset->fd6);
	}
	reset->fd4 = reset->fd6 = -1;
}

static uint32_t
label_for(const struct reset *reset, const struct packet *p,
	  const uint8_t *bytes)
{
	uint8_t flow[36];
	uint32_t label;

	label = be32_load(bytes) & LABEL_MASK;
	if (reset->labels_reflect && label != 0) {
		return label;
	}
	if (!reset->labels) {
		return 0;
	}
	memcpy(flow, p->src.bytes, 16);
	memcpy(flow + 16, p->dst.bytes, 16);
	be16_store(flow + 32, p->sport);
	be16_store(flow + 34, p->dport);
	label = (uint32_t)hash_bytes(&reset->hash, flow, sizeof flow) &
		LABEL_MASK;
	return reset->labels_marked ? label | LABEL_STATELESS : label;
}

/* Link-local addresses mean something on their own link only. */
static bool
is_link_local(const struct packet_addr *addr)
{
	return addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

int
reset_send(struct reset *reset, const struct packet *p, const uint8_t *bytes,
	   uint32_t device)
{
	int fd = p->src.family == 4 ? reset->fd4 : reset->fd6;
	uint8_t tcp[PACKET_TCP_HEADER];
	struct iovec part = { tcp, sizeof tcp };
	struct rawsock_flow flow;
	struct msghdr msg;

	if (!packet_reset(tcp, p) || (p->has_md5 && reset->knows_md5) ||
	    (p->has_signature && !p->has_md5 && reset->knows_ao)) {
		return 0;
	}
	if (fd < 0) {
		return -EAFNOSUPPORT;
	}
	if (p->src.family == 4) {
		rawsock_flow_init(&flow, &p->dst, &p->src, 0);
		rawsock_flow_option(&flow, IPPROTO_IP, IP_TOS,
				    p->tos & ~ECN_MASK);
	} else {
		rawsock_flow_init(&flow, &p->dst, &p->src,
				  is_link_local(&p->src) ? device : 0);
		rawsock_flow_option(&flow, IPPROTO_IPV6, IPV6_TCLASS,
				    p->tos & ~ECN_MASK);
		flow.to.v6.sin6_flowinfo = htonl(label_for(reset, p, bytes));
	}
	msg = rawsock_flow_message(&flow, &part);
	return sendmsg(fd, &msg, 0) < 0 ? -errno : 0;
}
