#include "client/socket_owner.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Whether one of the descriptors in this folder of /proc is the socket. */
static bool
holds(const char *folder, const char *socket_name)
{
	DIR *fds = opendir(folder);
	const struct dirent *entry;
	bool found = false;

	while (fds && !found && (entry = readdir(fds))) {
		char target[64];
		ssize_t len = readlinkat(dirfd(fds), entry->d_name, target,
					 sizeof target - 1);

		if (len > 0) {
			target[len] = '\0';
			found = strcmp(target, socket_name) == 0;
		}
	}
	if (fds) {
		closedir(fds);
	}
	return found;
}

static int
program_of(const char *process, char path[SOCKET_OWNER_PATH_MAX])
{
	char link[64];
	ssize_t len;

	snprintf(link, sizeof link, "/proc/%.16s/exe", process);
	len = readlink(link, path, SOCKET_OWNER_PATH_MAX - 1);
	if (len < 0) {
		return -errno;
	}
	path[len] = '\0';
	return 0;
}

int
socket_owner_path(struct netlink *diag,
		  const struct sock_diag_connection *connection,
		  char path[SOCKET_OWNER_PATH_MAX])
{
	const struct dirent *entry;
	char name[64], folder[64];
	uint32_t inode;
	DIR *proc;
	int rc = sock_diag_inode(diag, connection, &inode);

	if (rc < 0) {
		return rc;
	}
	proc = opendir("/proc");
	if (!proc) {
		return -errno;
	}
	snprintf(name, sizeof name, "socket:[%u]", inode);
	rc = -ENOENT;
	while (rc == -ENOENT && (entry = readdir(proc))) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9') {
			continue;
		}
		snprintf(folder, sizeof folder, "/proc/%.16s/fd",
			 entry->d_name);
		if (holds(folder, name)) {
			rc = program_of(entry->d_name, path);
		}
	}
	closedir(proc);
	return rc;
}

size_t
socket_owner_answer(struct netlink *diag, const void *question, size_t len,
		    void *answer)
{
	struct sock_diag_connection connection;
	char path[SOCKET_OWNER_PATH_MAX];

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
