/*
 * A flood of SYNs, as fast as one processor makes them: a program of XDP
 * that is run on live frames (Linux 5.18), fills each in anew and sends
 * it out of a device.
 *
 *   flood DEVICE DESTINATION_MAC DESTINATION PORT [WORD=VALUE...]
 *
 *   kind=syn         random source, source port, sequence number, window
 *   kind=group       groups with a right time and key number, in order,
 *                    each with a mark and source of its own, and a wrong
 *                    authenticator
 *   rate=N           frames a second, in bursts of a twentieth of it; 0
 *                    (the default): all there can be
 *   seconds=N        how long; 5
 *   src=ADDRESS/BITS where sources are; 198.18.0.0/15, or 2001:db8::/96
 *   key=N extra=N    what SYN1 of a group says; 10 and 1
 *
 * A device of veth takes such frames only where its other end has GRO on,
 * or a program of XDP.  Ends early on SIGTERM.  Prints one line of JSON:
 * what was sent, and in how many seconds; what came is the other end's to
 * count.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fastpath/bpf.h"
#include "base/bytes.h"
#include "flood_image.h"
#include "flood_map.h"
#include "protocol/packet.h"

#define FRAME_MAX 74 /* Ethernet, IPv6, TCP */
#define SECOND 1000000000ull
/*
 * To begin and to end a run takes the kernel some 10 ms each.  So a run
 * is long, until a timer interrupts it, and the program itself waits for
 * each frame's time; which takes a whole processor, so that what is slow
 * is done in short runs from here.
 */
#define RUN_LONG (1u << 22)
#define RUN_SHORT 4096u
#define RATE_SLOW 20000u

struct flood {
	struct flood_config config;
	uint8_t frame[FRAME_MAX];
	uint64_t seconds;
	int state_map;
	struct packet_addr dst, src;
	unsigned src_bits;
};

static volatile sig_atomic_t stopped;

static void
stop(int number)
{
	(void)number;
	stopped = 1;
}

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "flood: %s: %s\n", what, why);
	exit(2);
}

static uint64_t
now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static unsigned long
number(const char *text, unsigned long most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value > most) {
		fail(text, "no such number");
	}
	return value;
}

static void
address(struct packet_addr *addr, const char *text)
{
	memset(addr, 0, sizeof *addr);
	addr->family = strchr(text, ':') ? 6 : 4;
	if (inet_pton(addr->family == 6 ? AF_INET6 : AF_INET, text,
		      addr->bytes) != 1) {
		fail(text, "no address");
	}
}

static void
source(struct flood *f, char *text)
{
	char *bits = strchr(text, '/');

	if (!bits) {
		fail(text, "ADDRESS/BITS is wanted");
	}
	*bits = '\0';
	address(&f->src, text);
	f->src_bits = (unsigned)number(bits + 1, f->src.family == 6 ? 128 : 32);
	if (f->src.family == 6 && f->src_bits < 96) {
		fail(text, "the last 32 bits alone change: /96 or more");
	}
}

static void
word(struct flood *f, char *text)
{
	char *value = strchr(text, '=');

	if (!value) {
		fail(text, "WORD=VALUE is wanted");
	}
	*value++ = '\0';
	if (strcmp(text, "kind") == 0 &&
	    (strcmp(value, "syn") == 0 || strcmp(value, "group") == 0)) {
		f->config.group = value[0] == 'g';
	} else if (strcmp(text, "rate") == 0) {
		f->config.rate = number(value, 1000000000);
	} else if (strcmp(text, "seconds") == 0) {
		f->seconds = number(value, 86400);
	} else if (strcmp(text, "key") == 0) {
		f->config.key_no = (uint32_t)number(value, 65535);
	} else if (strcmp(text, "extra") == 0) {
		f->config.extra = (uint32_t)number(value, 3);
	} else if (strcmp(text, "src") == 0) {
		source(f, value);
	} else {
		fail(text, "no such word, or value");
	}
}

/* The sum of 16-bit words that a checksum is made of. */
static uint32_t
sum(const uint8_t *at, size_t len)
{
	uint32_t total = 0;

	for (size_t i = 0; i < len; i += 2) {
		total += be16_load(at + i);
	}
	return total;
}

static size_t
make_frame(struct flood *f, const char *mac, uint16_t port)
{
	bool ip6 = f->dst.family == 6;
	uint8_t *ip = f->frame + 14;
	uint8_t *tcp = ip + (ip6 ? 40 : 20);
	size_t addr_len = ip6 ? 16 : 4;
	unsigned m[6];

	if (sscanf(mac, "%x:%x:%x:%x:%x:%x", &m[0], &m[1], &m[2], &m[3], &m[4],
		   &m[5]) != 6) {
		fail(mac, "no address of Ethernet");
	}
	for (size_t i = 0; i < 6; i++) {
		f->frame[i] = (uint8_t)m[i];
	}
	f->frame[6] = 2;
	be16_store(f->frame + 12, ip6 ? 0x86dd : 0x0800);
	ip[0] = ip6 ? 0x60 : 0x45;
	ip[ip6 ? 6 : 9] = 6;
	ip[ip6 ? 7 : 8] = 64;
	be16_store(ip + (ip6 ? 4 : 2), ip6 ? 20 : 40);
	memcpy(ip + (ip6 ? 8 : 12), f->src.bytes, addr_len);
	memcpy(ip + (ip6 ? 24 : 16), f->dst.bytes, addr_len);
	memset(ip + (ip6 ? 20 : 12), 0, 4);
	be16_store(tcp + 2, port);
	tcp[12] = 5 << 4;
	tcp[13] = PACKET_SYN;
	f->config.ip6 = ip6;
	f->config.src = be32_load(f->src.bytes + addr_len - 4);
	f->config.src_mask = (uint32_t)(UINT64_C(0xffffffff) >>
					(f->src_bits - (ip6 ? 96u : 0u)));
	f->config.src &= ~f->config.src_mask;
	f->config.ip_sum = sum(ip, 20);
	f->config.tcp_sum =
		sum(ip + (ip6 ? 8 : 12), 2 * addr_len) + 6 + 20 + sum(tcp, 20);
	/* The program wants this much, whatever the frame is. */
	return FRAME_MAX;
}

static int
make_map(uint32_t type, uint32_t value)
{
	const struct bpf_map map = { type, 4, value, 1, 0 };
	int fd = bpf_map_make(&map);

	if (fd < 0) {
		fail("map", strerror(-fd));
	}
	return fd;
}

static int
load(struct flood *f)
{
	const struct elf_symbol maps[] = {
		{ .name = "config_map",
		  .value = make_map(BPF_MAP_TYPE_ARRAY,
				    sizeof(struct flood_config)) },
		{ .name = "state_map",
		  .value = make_map(BPF_MAP_TYPE_ARRAY,
				    sizeof(struct flood_state)) },
	};
	const struct bpf_program program = {
		.object = flood_image,
		.size = flood_image_size,
		.section = "xdp",
		.type = BPF_PROG_TYPE_XDP,
		.symbols = maps,
		.symbols_count = 2,
		.name = "flood",
	};
	const uint32_t zero = 0;
	int fd = bpf_program_load(&program);

	f->state_map = maps[1].value;
	f->config.begin = now(CLOCK_MONOTONIC);
	if (fd == -ENOEXEC) {
		fail("program", "built without clang");
	}
	if (fd >= 0) {
		int rc = bpf_map_put(maps[0].value, &zero, &f->config, 0);

		fd = rc < 0 ? rc : fd;
	}
	if (fd < 0) {
		fail("program", strerror(-fd));
	}
	return fd;
}

static void
run_once(const struct flood *f, int program, size_t len, uint64_t count)
{
	int rc = bpf_program_live(program, f->frame, len, f->config.device,
				  (uint32_t)count);

	if (rc < 0 && rc != -EINTR) {
		fail("run", strerror(-rc));
	}
}

static void
run(const struct flood *f, int program, size_t len)
{
	const bool slow = f->config.rate && f->config.rate <= RATE_SLOW;
	const uint32_t zero = 0;
	struct flood_state state;
	uint64_t passed = 0, sent = 0;
	int rc;

	while (!stopped) {
		uint64_t due = f->config.rate * passed / SECOND;

		if (!slow) {
			run_once(f, program, len, RUN_LONG);
		} else if (due > sent) {
			due = due - sent > RUN_SHORT ? sent + RUN_SHORT : due;
			run_once(f, program, len, due - sent);
			sent = due;
		} else {
			usleep(500);
		}
		passed = now(CLOCK_MONOTONIC) - f->config.begin;
	}
	rc = bpf_map_get(f->state_map, &zero, &state);
	if (rc < 0) {
		fail("state", strerror(-rc));
	}
	printf("{\"kind\":\"%s\",\"frames\":%llu,\"seconds\":%.3f,"
	       "\"rate\":%.0f}\n",
	       f->config.group ? "group" : "syn",
	       (unsigned long long)state.sent, (double)passed / SECOND,
	       (double)state.sent * SECOND / (double)passed);
}

int
main(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = stop };
	struct flood f = { .seconds = 5,
			   .config = { .key_no = 10, .extra = 1 } };
	size_t len;

	if (argc < 5) {
		fail("usage",
		     "DEVICE DESTINATION_MAC DESTINATION PORT "
		     "[WORD=VALUE...]");
	}
	address(&f.dst, argv[3]);
	address(&f.src, f.dst.family == 6 ? "2001:db8::" : "198.18.0.0");
	f.src_bits = f.dst.family == 6 ? 96 : 15;
	for (int i = 5; i < argc; i++) {
		word(&f, argv[i]);
	}
	if (f.src.family != f.dst.family) {
		fail(argv[3],
		     "source and destination are of different IP "
		     "versions");
	}
	f.config.device = if_nametoindex(argv[1]);
	if (f.config.device == 0) {
		fail(argv[1], strerror(errno));
	}
	f.config.utc_offset = now(CLOCK_REALTIME) - now(CLOCK_MONOTONIC);
	len = make_frame(&f, argv[2], (uint16_t)number(argv[4], 65535));
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	alarm((unsigned)f.seconds);
	run(&f, load(&f), len);
	return 0;
}
