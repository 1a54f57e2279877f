/* SPDX-License-Identifier: ISC */
/*
 * Netlink with a kernel that answers what the input says: datagrams, each
 * two bytes of length (big-endian) and its bytes.  What it was asked last
 * is kept.
 */
#ifndef TAP_FUZZ_NETLINK_FAKE_H
#define TAP_FUZZ_NETLINK_FAKE_H

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "fuzz/piece.h"

static struct {
	struct cursor answers;
	uint8_t asked[4096];
	size_t asked_len;
} kernel_fake;

static ssize_t
fake_send(int fd, const void *bytes, size_t len, int flags)
{
	(void)fd;
	(void)flags;
	CHECK(len <= sizeof kernel_fake.asked);
	memcpy(kernel_fake.asked, bytes, len);
	kernel_fake.asked_len = len;
	return (ssize_t)len;
}

/* At the end of the input there is no answer more. */
static ssize_t
fake_recvfrom(int fd, void *bytes, size_t size, int flags,
	      struct sockaddr *from, socklen_t *from_len)
{
	size_t len = cursor_u16(&kernel_fake.answers);
	const uint8_t *answer = piece(&kernel_fake.answers, &len);

	(void)fd;
	(void)flags;
	(void)from;
	(void)from_len;
	if (kernel_fake.answers.bad) {
		errno = EAGAIN;
		return -1;
	}
	len = len < size ? len : size;
	memcpy(bytes, answer, len);
	return (ssize_t)len;
}

#define send fake_send
#define recvfrom fake_recvfrom
#include "os/netlink.c"
#undef send
#undef recvfrom

#endif
