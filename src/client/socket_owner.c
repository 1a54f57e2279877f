#include "client/socket_owner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/socket_holder.h"

int
socket_owner_path(struct netlink *diag,
		  const struct sock_diag_connection *connection,
		  char path[SOCKET_OWNER_PATH_MAX])
{
	char link[64];
	uint32_t inode;
	ssize_t len;
	pid_t process;
	int rc = sock_diag_inode(diag, connection, &inode);

	if (rc < 0) {
		return rc;
	}
	process = socket_holder(inode);
	if (process == 0) {
		return -ENOENT;
	}
	snprintf(link, sizeof link, "/proc/%d/exe", (int)process);
	len = readlink(link, path, SOCKET_OWNER_PATH_MAX - 1);
	if (len < 0) {
		return -errno;
	}
	path[len] = '\0';
	return 0;
}

size_t
socket_owner_answer(struct netlink *diag, const void *question, size_t len,
		    void *answer)
{
	struct sock_diag_connection connection;
	char path[SOCKET_OWNER_PATH_MAX] = "";

	if (len != sizeof connection) {
		return 0;
	}
	memcpy(&connection, question, sizeof connection);
	if (socket_owner_path(diag, &connection, path) < 0) {
		return 0;
	}
	len = strlen(path);
	memcpy(answer, path, len);
	return len;
}
