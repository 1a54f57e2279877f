/*
 * The least that any packet can cost: a program of XDP that drops all that
 * comes to a device.
 *
 *   drop DEVICE
 *
 * Says "ready" on standard error.  Ended by SIGTERM or SIGINT, it prints
 * one line of JSON: the packets it had.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fastpath/bpf.h"
#include "drop_image.h"

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "drop: %s: %s\n", what, why);
	exit(2);
}

static int
attach(int map, uint32_t device)
{
	const struct elf_symbol symbol = { .name = "count_map", .value = map };
	const struct bpf_program program = {
		.object = drop_image,
		.size = drop_image_size,
		.section = "xdp",
		.type = BPF_PROG_TYPE_XDP,
		.symbols = &symbol,
		.symbols_count = 1,
		.name = "drop",
	};
	int fd = bpf_program_load(&program);

	if (fd == -ENOEXEC) {
		fail("program", "built without clang");
	}
	return fd < 0 ? fd : bpf_link_make(fd, device, BPF_XDP, 0);
}

int
main(int argc, char **argv)
{
	const struct bpf_map map = { BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 1, 0 };
	uint32_t device = argc == 2 ? if_nametoindex(argv[1]) : 0;
	uint64_t packets;
	sigset_t signals;
	int count_map, number, rc;

	if (device == 0) {
		fail("usage", "DEVICE");
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	count_map = bpf_map_make(&map);
	rc = count_map < 0 ? count_map : attach(count_map, device);
	if (rc < 0) {
		fail(argv[1], strerror(-rc));
	}
	fprintf(stderr, "drop: ready\n");
	sigwait(&signals, &number);
	rc = bpf_map_sums(count_map, &packets, 1);
	if (rc < 0) {
		fail("count", strerror(-rc));
	}
	printf("{\"packets\":%llu}\n", (unsigned long long)packets);
	return 0;
}
