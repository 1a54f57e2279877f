/* SPDX-License-Identifier: ISC */
/*
 * Datagrams to the control socket, each a length and its bytes: each of
 * one byte is answered, and nothing else is.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "daemon/control.c"
#include "daemon/signals.h"

static int daemon_fd = -1, asker_fd = -1;

static void
open_both(void)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX }, addr;
	char made[] = "/tmp/tap-fuzz.XXXXXX";
	socklen_t len;

	folder = mkdtemp(made);
	CHECK(folder);
	len = address(&addr, "tap-fuzz");
	daemon_fd = control_listen("tap-fuzz");
	asker_fd = open_socket(&any, sizeof any.sun_family);
	CHECK(daemon_fd >= 0 && asker_fd >= 0);
	CHECK(connect(asker_fd, (struct sockaddr *)&addr, len) == 0);
	/* They have found each other. */
	CHECK(unlink(addr.sun_path) == 0 && rmdir(folder) == 0);
}

static bool
answer(void *context, enum control_request request,
       const struct control_peer *peer, struct text *t)
{
	(void)peer;
	++*(unsigned *)context;
	text_put(t, "%d", (int)request);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	unsigned asked = 0, answered = 0, replies = 0;
	char reply[16];

	if (daemon_fd < 0) {
		open_both();
	}
	/* No more than the kernel keeps waiting. */
	for (int i = 0; i < 8 && cursor_left(&c) > 0; i++) {
		size_t len = cursor_u8(&c);
		const uint8_t *bytes;

		len = len < cursor_left(&c) ? len : cursor_left(&c);
		bytes = cursor_bytes(&c, len);
		CHECK(send(asker_fd, bytes, len, 0) == (ssize_t)len);
		asked += len == 1 && bytes[0] != 0;
	}
	/* A zero byte ends a round, as if nobody had asked. */
	for (int i = 0; i < 9; i++) {
		daemon_answer(daemon_fd, answer, &answered);
	}
	while (recv(asker_fd, reply, sizeof reply, MSG_DONTWAIT) > 0) {
		replies++;
	}
	CHECK(answered == asked && replies == asked);
	return 0;
}
