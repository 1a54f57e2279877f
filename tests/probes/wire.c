/* SPDX-License-Identifier: ISC */
#include "probes/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ETHER 14u
#define KIND4 0x0800u
#define KIND6 0x86ddu
#define BATCH 128u
#define ROOM (64 << 20)

void
die(const char *what)
{
	fprintf(stderr, "probes: %s: %s\n", what, strerror(errno));
	exit(3);
}

uint64_t
wire_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int
open_socket(unsigned kind, unsigned device)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons((uint16_t)kind),
		.sll_ifindex = (int)device,
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0) {
		die("packet socket");
	}
	return fd;
}

void
wire_open(struct wire *w, bool v6, const char *device, const char *mac)
{
	struct ifreq request = { 0 };
	int room = ROOM;
	int on = 1;
	unsigned index = if_nametoindex(device);

	w->v6 = v6;
	if (index == 0) {
		die(device);
	}
	/* Nothing comes in by the one that sends: it asks for no kind. */
	w->out = open_socket(0, index);
	w->in = open_socket(v6 ? KIND6 : KIND4, 0);
	setsockopt(w->in, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
	setsockopt(w->out, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
	if (setsockopt(w->in, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0) {
		die("time stamps");
	}
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
	if (ioctl(w->out, SIOCGIFHWADDR, &request) < 0) {
		die(device);
	}
	memcpy(w->link + 6, request.ifr_hwaddr.sa_data, 6);
	put16(w->link + 12, v6 ? KIND6 : KIND4);
	for (size_t i = 0; i < 6; i++) {
		char *end;

		w->link[i] = (uint8_t)strtoul(mac, &end, 16);
		mac = end + (*end == ':');
	}
}

void
wire_send(const struct wire *w, const struct packet *packets, size_t count)
{
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH][2];

	while (count > 0) {
		size_t now = count < BATCH ? count : BATCH;
		int sent;

		memset(messages, 0, now * sizeof *messages);
		for (size_t i = 0; i < now; i++) {
			parts[i][0] =
				(struct iovec){ (void *)(uintptr_t)w->link,
						ETHER };
			parts[i][1] = (struct iovec){
				(void *)(uintptr_t)packets[i].bytes,
				packets[i].len
			};
			messages[i].msg_hdr.msg_iov = parts[i];
			messages[i].msg_hdr.msg_iovlen = 2;
		}
		sent = sendmmsg(w->out, messages, (unsigned)now, 0);
		if (sent < 0 && errno != ENOBUFS && errno != EINTR) {
			die("send");
		}
		if (sent > 0) {
			packets += sent;
			count -= (size_t)sent;
		}
	}
}

/* Nothing else was asked for. */
static uint64_t
stamp_of(struct msghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	struct timespec t;

	if (!c || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SO_TIMESTAMPNS) {
		return 0;
	}
	memcpy(&t, CMSG_DATA(c), sizeof t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* One frame, without waiting: 1, 0 where there is none, -1: not for us. */
static int
take(const struct wire *w, struct heard *h)
{
	uint8_t link[ETHER];
	char control[128];
	struct sockaddr_ll from;
	struct iovec parts[2] = { { link, ETHER },
				  { h->bytes, sizeof h->bytes } };
	struct msghdr message = {
		.msg_name = &from,
		.msg_namelen = sizeof from,
		.msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = control,
		.msg_controllen = sizeof control,
	};
	ssize_t got = recvmsg(w->in, &message, MSG_DONTWAIT);

	if (got < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			die("receive");
		}
		return 0;
	}
	if (from.sll_pkttype == PACKET_OUTGOING || got < (ssize_t)ETHER + 20) {
		return -1;
	}
	h->len = (size_t)got - ETHER;
	h->ns = stamp_of(&message);
	return 1;
}

bool
wire_next(const struct wire *w, struct heard *h, uint64_t until_ns)
{
	for (;;) {
		struct pollfd fd = { .fd = w->in, .events = POLLIN };
		int rc = take(w, h);
		uint64_t now;

		if (rc > 0) {
			return true;
		}
		if (rc < 0) {
			continue;
		}
		now = wire_now();
		if (now >= until_ns) {
			return false;
		}
		if (until_ns - now > 1000000) {
			poll(&fd, 1, (int)((until_ns - now) / 1000000));
		}
	}
}
