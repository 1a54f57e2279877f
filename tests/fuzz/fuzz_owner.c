/* SPDX-License-Identifier: ISC */
/*
 * What the worker may ask the monitor: whose a connection is.  Whatever it
 * asks, and whatever the kernel says of sockets, the answer fits.  A length,
 * the question, then the kernel's answers.
 */
#include "fuzz.h"

#include <dirent.h>

#include "fuzz/netlink_fake.h"
#include "os/sock_diag.c"

#include "daemon/monitor.h"

/* Not this machine's processes: there are none. */
static DIR *
no_processes(const char *path)
{
	(void)path;
	errno = ENOENT;
	return NULL;
}

#define opendir no_processes
#include "os/socket_holder.c"
#undef opendir
#include "client/socket_owner.c"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netlink nl = { .fd = -1, .seq = 1 };
	uint8_t answer[MONITOR_QUESTION_MAX + 16];
	struct cursor c = cursor_over(data, size);
	size_t len = cursor_u8(&c);
	const uint8_t *question;

	memset(answer, 0xa5, sizeof answer);
	question = piece(&c, &len);
	kernel_fake.answers = c;
	CHECK(socket_owner_answer(&nl, question, len, answer) <=
	      MONITOR_QUESTION_MAX);
	for (size_t i = MONITOR_QUESTION_MAX; i < sizeof answer; i++) {
		CHECK(answer[i] == 0xa5);
	}
	return 0;
}
