#include "os/socket_holder.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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

pid_t
socket_holder(unsigned long inode)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	char name[64], folder[64];
	pid_t found = 0;

	snprintf(name, sizeof name, "socket:[%lu]", inode);
	while (proc && found == 0 && (entry = readdir(proc))) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9') {
			continue;
		}
		snprintf(folder, sizeof folder, "/proc/%.16s/fd",
			 entry->d_name);
		if (holds(folder, name)) {
			found = (pid_t)strtol(entry->d_name, NULL, 10);
		}
	}
	if (proc) {
		closedir(proc);
	}
	return found;
}

pid_t
socket_holder_of_port(int protocol, uint32_t port)
{
	FILE *file = fopen("/proc/net/netlink", "re");
	char line[256];
	pid_t found = 0;

	/* Its address, protocol, port, groups, five numbers more, inode. */
	while (file && found == 0 && fgets(line, sizeof line, file)) {
		unsigned long inode;
		unsigned at_port;
		int at_protocol;

		if (sscanf(line, "%*s %d %u %*s %*s %*s %*s %*s %*s %lu",
			   &at_protocol, &at_port, &inode) == 3 &&
		    at_protocol == protocol && at_port == port) {
			found = socket_holder(inode);
		}
	}
	if (file) {
		fclose(file);
	}
	return found;
}
