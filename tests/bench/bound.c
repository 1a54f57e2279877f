/*
 * The bound: what a connection costs that begins with five SYNs in place of
 * one, whatever they say.  An empty program makes them, another drops them.
 *
 *   bound DEVICE send|drop
 *
 * Says "ready" on standard error, and ends by SIGTERM or SIGINT.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bound_image.h"
#include "fastpath/bpf.h"

#ifndef BPF_TCX_INGRESS
#define BPF_TCX_INGRESS 46 /* enum bpf_attach_type, Linux 6.6 */
#define BPF_TCX_EGRESS 47
#endif

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "bound: %s: %s\n", what, why);
	exit(2);
}

int
main(int argc, char **argv)
{
	uint32_t device = argc == 3 ? if_nametoindex(argv[1]) : 0;
	struct bpf_program program = {
		.object = bound_image,
		.size = bound_image_size,
		.type = BPF_PROG_TYPE_SCHED_CLS,
		.name = "bound",
	};
	sigset_t signals;
	int number, fd;

	if (device == 0) {
		fail("usage", "DEVICE send|drop");
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	program.section = argv[2];
	fd = bpf_program_load(&program);
	if (fd == -ENOEXEC) {
		fail("program", "built without clang, or no such word");
	}
	if (fd >= 0) {
		fd = bpf_link_make(fd, device,
				   strcmp(argv[2], "send") == 0
					   ? BPF_TCX_EGRESS
					   : BPF_TCX_INGRESS,
				   0);
	}
	if (fd < 0) {
		fail(argv[1], strerror(-fd));
	}
	fprintf(stderr, "bound: ready\n");
	sigwait(&signals, &number);
	return 0;
}
