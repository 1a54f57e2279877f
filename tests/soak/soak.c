/* SPDX-License-Identifier: ISC */
/*
 * Many connections, or many hostile packets, from raw sockets.
 * usage: soak sink PORT
 *        soak connect FROM TO PORT COUNT
 *        soak flood TO PORT COUNT QUEUES
 *
 * sink accepts connections and resets them.  connect authenticates COUNT of
 * them, waits for the answer to each, and sends each group a second time.
 * flood sends COUNT packets of all kinds that are to be refused, and waits
 * where the queue of QUEUES, a file as /proc/net/netfilter/nfnetlink_queue,
 * is long.  Both print what they have sent, as name=number.
 * Its packets have the firewall mark 1; the resets of the kernel, which
 * knows nothing of its connections, have to be dropped.
 * The key is number 10 of tests/hosts/lib.sh, with 60 bits.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "protocol/mac.h"
#include "protocol/packet.h"

#define HEADERS 40u  /* of IPv4 and TCP, without options */
#define DATA 8u      /* of a SYN that has some */
#define BATCH 256u   /* packets in one call */
#define ATTEMPTS 64u /* connections on their way at once */
#define RETRY_MS 1200u
#define KEY_NO 10u
/*
 * In the queue: the 4096 that the server holds, and not many beside, since a
 * socket that is full loses them, too.
 */
#define WAITING_MAX 5000u
#define PORT_LOW 1024u /* of the source ports, with those of the frames */
#define PORTS 12000u

static const char secret[] = "A1949A68393EA4B339FB8A597C38DBC9";

static struct mac_key key;
static struct in_addr from, to;
static uint16_t port;
static int out = -1;

static struct {
	uint8_t bytes[BATCH][HEADERS + DATA];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	unsigned count;
} batch;

static uint64_t state;

static uint32_t
any(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)(z >> 32);
}

static void
die(const char *what)
{
	perror(what);
	exit(3);
}

static uint64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static uint64_t
now_instant(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec << 8 |
		(uint64_t)now.tv_nsec * 256 / 1000000000;
}

static void
flush(void)
{
	unsigned sent = 0;

	while (sent < batch.count) {
		int rc = sendmmsg(out, batch.messages + sent,
				  batch.count - sent, 0);

		if (rc < 0 && errno != ENOBUFS && errno != EINTR) {
			die("sendmmsg");
		}
		sent += rc > 0 ? (unsigned)rc : 0;
	}
	batch.count = 0;
}

static void
put(struct in_addr src, uint16_t sport, uint32_t seq, uint32_t ack,
    uint8_t flags, uint16_t window, size_t data)
{
	static struct sockaddr_in dst = { .sin_family = AF_INET };
	uint8_t *at = batch.bytes[batch.count];
	size_t len = HEADERS + data;
	struct packet p;

	dst.sin_addr = to;
	memset(at, 0, HEADERS + DATA);
	at[0] = 0x45;
	be16_store(at + 2, (uint16_t)len);
	at[8] = 64;
	at[9] = IPPROTO_TCP;
	memcpy(at + 12, &src, 4);
	memcpy(at + 16, &to, 4);
	be16_store(at + 20, sport);
	be16_store(at + 22, port);
	be32_store(at + 28, ack);
	at[32] = HEADERS / 8 << 4;
	at[33] = flags;
	if (packet_parse(&p, at, len, len) != PACKET_OK) {
		die("a packet of our own");
	}
	packet_rewrite(at, &p, sport, seq, window);
	be16_store(at + 36, packet_tcp_checksum(at, &p));
	batch.parts[batch.count] = (struct iovec){ at, len };
	batch.messages[batch.count].msg_hdr = (struct msghdr){
		.msg_name = &dst,
		.msg_namelen = sizeof dst,
		.msg_iov = &batch.parts[batch.count],
		.msg_iovlen = 1,
	};
	if (++batch.count == BATCH) {
		flush();
	}
}

struct group {
	uint32_t seq[FRAME_MAX];
	uint16_t sport, mark;
};

#define FRAMES (FRAME_BASE + 1u)

static void
make(struct group *g, uint16_t key_no, uint64_t instant)
{
	const struct frame_head head = { 1, key_no, instant };
	static uint32_t isn;

	g->mark = (uint16_t)any();
	/*
	 * As random as they look, but none comes twice: two at the same
	 * moment would be the same group, and the second a replay.
	 */
	g->seq[FRAME_SYN0] = isn += 0x9e3779b1;
	g->seq[FRAME_SYN1] = frame_syn1(&head);
	g->seq[FRAME_SYN2] = frame_syn2(&head);
	mac_sign(&key, port, g->seq, NULL);
}

/* In the order of sending. */
static void
put_group(struct in_addr src, const struct group *g)
{
	static const enum frame_role order[FRAMES] = {
		FRAME_SYN2, FRAME_SYN1, FRAME_SYN3, FRAME_SYN4, FRAME_SYN0,
	};

	for (size_t i = 0; i < FRAMES; i++) {
		put(src, (uint16_t)(g->sport + order[i] * PORTS),
		    g->seq[order[i]], 0, PACKET_SYN, g->mark, 0);
	}
}

/* ---- connections */

static struct attempt {
	struct group g;
	uint64_t sent_ms;
	bool on_way;
} attempts[ATTEMPTS];

static struct {
	unsigned long syns, connections, retries, replays;
} sent;

static void
begin(struct attempt *f)
{
	make(&f->g, KEY_NO, now_instant());
	put_group(from, &f->g);
	sent.syns += FRAMES;
	f->sent_ms = now_ms();
	f->on_way = true;
}

/* A SYN/ACK: the connection stands; and its group must not do so again. */
static void
answered(const uint8_t *bytes, size_t len)
{
	struct packet p;
	struct attempt *f;

	if (packet_parse(&p, bytes, len, len) != PACKET_OK || p.sport != port ||
	    (p.flags & (PACKET_SYN | PACKET_ACK | PACKET_RST)) !=
		    (PACKET_SYN | PACKET_ACK)) {
		return;
	}
	f = &attempts[(p.dport - PORT_LOW) % ATTEMPTS];
	if (!f->on_way || p.dport != f->g.sport ||
	    p.ack != f->g.seq[FRAME_SYN0] + 1) {
		return;
	}
	f->on_way = false;
	sent.connections++;
	put(from, p.dport, p.ack, p.seq + 1, PACKET_ACK, 1024, 0);
	put_group(from, &f->g);
	sent.replays++;
	sent.syns += FRAMES;
}

static void
hear(int in)
{
	static uint8_t bytes[BATCH][128];
	static struct mmsghdr messages[BATCH];
	static struct iovec parts[BATCH];
	struct pollfd fd = { .fd = in, .events = POLLIN };
	int got;

	for (unsigned i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ bytes[i], sizeof bytes[i] };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i],
						       .msg_iovlen = 1 };
	}
	poll(&fd, 1, 10);
	got = recvmmsg(in, messages, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < got; i++) {
		answered(bytes[i], messages[i].msg_len);
	}
}

static int
connect_many(unsigned long count)
{
	int in = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
	int room = 8 << 20;
	unsigned long begun = 0;
	unsigned long next = 0;

	if (in < 0) {
		die("socket");
	}
	setsockopt(in, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
	while (sent.connections < count) {
		for (size_t i = 0; i < ATTEMPTS; i++) {
			struct attempt *f = &attempts[i];

			if (f->on_way && now_ms() - f->sent_ms > RETRY_MS) {
				sent.retries++;
				begin(f);
			}
		}
		/* Slots go round with the ports. */
		while (begun < count &&
		       !attempts[next % PORTS % ATTEMPTS].on_way) {
			struct attempt *f = &attempts[next % PORTS % ATTEMPTS];

			f->g.sport = (uint16_t)(PORT_LOW + next % PORTS);
			begin(f);
			begun++;
			next++;
		}
		flush();
		hear(in);
	}
	flush();
	printf("syns=%lu connections=%lu retries=%lu replays=%lu\n", sent.syns,
	       sent.connections, sent.retries, sent.replays);
	return 0;
}

/* ---- hostile packets */

static void
wait_for_queue(int queues)
{
	char text[4096];

	for (;;) {
		ssize_t got = pread(queues, text, sizeof text - 1, 0);
		unsigned waiting;

		if (got <= 0) {
			die("queues");
		}
		text[got] = '\0';
		if (sscanf(text, "%*u %*u %u", &waiting) != 1 ||
		    waiting < WAITING_MAX) {
			return;
		}
		poll(NULL, 0, 1);
	}
}

static int
flood(unsigned long count, const char *path)
{
	enum { LONE, MAC, KEY, TIME, DATA_IN, STRAY, KINDS };
	static const char *const names[KINDS] = { "lone", "mac",  "key",
						  "time", "data", "stray" };
	static const uint8_t strays[] = { PACKET_ACK, PACKET_RST, PACKET_FIN, 0,
					  PACKET_SYN | PACKET_ACK };
	unsigned long by_kind[KINDS] = { 0 };
	unsigned long packets = 0;
	unsigned long syns = 0;
	int queues = open(path, O_RDONLY | O_CLOEXEC);

	if (queues < 0) {
		die(path);
	}
	while (packets < count) {
		unsigned kind = any() % 8 < 3 ? LONE : any() % KINDS;
		struct in_addr src = { htonl(0x0a000000 | any() >> 8) };
		uint64_t instant = now_instant();
		struct group g;
		size_t one = 1;

		if (kind == MAC || kind == KEY || kind == TIME) {
			make(&g, kind == KEY ? 11 : KEY_NO,
			     kind == TIME ? instant - 900000 : instant);
			g.sport = (uint16_t)(PORT_LOW + any() % PORTS);
			g.seq[FRAME_SYN4] ^= kind == MAC;
			put_group(src, &g);
			one = FRAMES;
		} else if (kind == STRAY) {
			put(src, (uint16_t)any(), any(), any(),
			    strays[any() % sizeof strays], 1024, 0);
		} else {
			put(src, (uint16_t)any(), any(), 0, PACKET_SYN,
			    (uint16_t)any(), kind == DATA_IN ? DATA : 0);
		}
		by_kind[kind]++;
		packets += one;
		syns += kind == STRAY ? 0 : one;
		if (packets % 1024 < FRAMES) {
			flush();
			wait_for_queue(queues);
		}
	}
	flush();
	printf("packets=%lu syns=%lu", packets, syns);
	for (unsigned kind = 0; kind < KINDS; kind++) {
		printf(" %s=%lu", names[kind], by_kind[kind]);
	}
	printf("\n");
	return 0;
}

/* Until it is killed. */
_Noreturn static void
sink(void)
{
	const struct linger at_once = { 1, 0 };
	struct sockaddr_in any_addr = { .sin_family = AF_INET,
					.sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&any_addr, sizeof any_addr) < 0 ||
	    listen(fd, 4096) < 0) {
		die("sink");
	}
	for (;;) {
		int one = accept(fd, NULL, NULL);

		if (one >= 0) {
			setsockopt(one, SOL_SOCKET, SO_LINGER, &at_once,
				   sizeof at_once);
			close(one);
		}
	}
}

static void
prepare(void)
{
	uint8_t bytes[16];
	int on = 1;

	hex_decode(bytes, sizeof bytes, secret, 2 * sizeof bytes);
	mac_key_init(&key, MAC_HMAC_SHA256, 1, bytes, sizeof bytes, NULL, 0);
	out = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (out < 0 ||
	    setsockopt(out, IPPROTO_IP, IP_HDRINCL, &on, sizeof on) < 0 ||
	    setsockopt(out, SOL_SOCKET, SO_MARK, &on, sizeof on) < 0) {
		die("socket");
	}
	state = now_instant();
}

static uint16_t
number(const char *text)
{
	return (uint16_t)strtoul(text, NULL, 10);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	if (strcmp(what, "sink") == 0 && argc == 3) {
		port = number(argv[2]);
		sink();
	}
	prepare();
	if (strcmp(what, "connect") == 0 && argc == 6 &&
	    inet_aton(argv[2], &from) && inet_aton(argv[3], &to)) {
		port = number(argv[4]);
		return connect_many(strtoul(argv[5], NULL, 10));
	}
	if (strcmp(what, "flood") == 0 && argc == 6 &&
	    inet_aton(argv[2], &to)) {
		port = number(argv[3]);
		return flood(strtoul(argv[4], NULL, 10), argv[5]);
	}
	fprintf(stderr, "usage: see soak.c\n");
	return 2;
}
