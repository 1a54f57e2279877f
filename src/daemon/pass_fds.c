#include "daemon/pass_fds.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for the descriptors of a message. */
union room {
	struct cmsghdr header; /* for its alignment */
	uint8_t bytes[CMSG_SPACE(PASS_FDS_MAX * sizeof(int))];
};

ssize_t
pass_fds_send(int to, const void *bytes, size_t len,
	      const int fds[PASS_FDS_MAX])
{
	union room room = { .bytes = { 0 } };
	struct iovec part = { (void *)(uintptr_t)bytes, len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	size_t count = 0;
	ssize_t sent;

	while (count < PASS_FDS_MAX && fds[count] >= 0) {
		count++;
	}
	if (count > 0) {
		room.header = (struct cmsghdr){
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = (socklen_t)CMSG_LEN(count * sizeof *fds),
		};
		memcpy(room.bytes + CMSG_LEN(0), fds, count * sizeof *fds);
		message.msg_control = &room;
		message.msg_controllen =
			(socklen_t)CMSG_SPACE(count * sizeof *fds);
	}
	sent = sendmsg(to, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	sent = sent < 0 ? -errno : sent;
	for (size_t i = 0; i < PASS_FDS_MAX; i++) {
		if (fds[i] >= 0) {
			close(fds[i]);
		}
	}
	return sent;
}

ssize_t
pass_fds_receive(int from, void *bytes, size_t size, int fds[PASS_FDS_MAX])
{
	union room room = { .bytes = { 0 } };
	struct iovec part = { bytes, size };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &room,
		.msg_controllen = sizeof room,
	};
	const ssize_t got =
		recvmsg(from, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	size_t count = 0;

	if (got < 0) {
		return -errno;
	}
	if (message.msg_controllen >= CMSG_LEN(sizeof(int)) &&
	    room.header.cmsg_level == SOL_SOCKET &&
	    room.header.cmsg_type == SCM_RIGHTS) {
		count = (room.header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
	}
	for (size_t i = 0; i < count && i < PASS_FDS_MAX; i++) {
		int fd;

		memcpy(&fd, room.bytes + CMSG_LEN(i * sizeof fd), sizeof fd);
		if (fds) {
			fds[i] = fd;
		} else {
			close(fd);
		}
	}
	return got;
}
