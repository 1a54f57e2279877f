#include "fastpath/door_pin.h"

#include <dirent.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fastpath/bpf.h"
#include "fastpath/bpf_netns.h"

#define BPFFS "/sys/fs/bpf"
#define FILE_MAX (DOOR_PATH_MAX + 16)

void
door_pin_path(char path[DOOR_PATH_MAX], uint16_t queue)
{
	snprintf(path, DOOR_PATH_MAX, BPFFS "/tap-server-%u-%llu", queue,
		 (unsigned long long)bpf_netns());
}

static void
file_of(char file[FILE_MAX], const char *path, const char *name)
{
	snprintf(file, FILE_MAX, "%s/%s", path, name);
}

bool
door_can_pin(void)
{
	return bpf_can_pin(BPFFS);
}

/* Of the first process ID namespace: the kernel's PROC_PID_INIT_INO. */
#define FIRST_PID_NAMESPACE 0xeffffffcu

/* Whether a process has a file system mounted. */
static bool
has_mounted(const char *process, dev_t device)
{
	char line[1024], path[64];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%.16s/mountinfo", process);
	file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof line, file)) {
		unsigned major, minor;

		found = sscanf(line, "%*u %*u %u:%u ", &major, &minor) == 2 &&
			makedev(major, minor) == device;
	}
	if (file) {
		fclose(file);
	}
	return found;
}

bool
door_pins_outlive(void)
{
	const long self = getpid();
	const struct dirent *entry;
	struct stat fs, st;
	bool found = false;
	DIR *dir;

	if (stat("/proc/self/ns/pid", &st) < 0 ||
	    st.st_ino != FIRST_PID_NAMESPACE || stat(BPFFS, &fs) < 0) {
		return false;
	}
	dir = opendir("/proc");
	while (dir && !found && (entry = readdir(dir))) {
		const long pid = strtol(entry->d_name, NULL, 10);

		found = pid > 0 && pid != self &&
			has_mounted(entry->d_name, fs.st_dev);
	}
	if (dir) {
		closedir(dir);
	}
	return found;
}

/*
 * Where everybody may write in bpffs, it may be another one's: whose map we
 * took, he could enter himself.
 */
static int
check_directory(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		return -errno;
	}
	return S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
			(st.st_mode & 022) == 0
		? 0
		: -EPERM;
}

int
door_pin(const char *path, int fd, const char *name)
{
	char file[FILE_MAX];
	int rc;

	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		return -errno;
	}
	rc = check_directory(path);
	if (rc < 0) {
		return rc;
	}
	file_of(file, path, name);
	if (unlink(file) < 0 && errno != ENOENT) {
		return -errno;
	}
	return bpf_pin(fd, file);
}

int
door_get_pinned(const char *path, const char *name)
{
	char file[FILE_MAX];
	int rc = check_directory(path);

	if (rc < 0) {
		return rc;
	}
	file_of(file, path, name);
	return bpf_pinned(file);
}

/* Without its name alone it would live as long as somebody has it open. */
static void
end_link(const char *path)
{
	int link = door_get_pinned(path, DOOR_PIN_LINK);

	if (link >= 0 && bpf_link_is_here(link, BPF_SK_LOOKUP)) {
		(void)bpf_link_end(link);
	}
	bpf_close(&link);
}

int
door_remove(uint16_t queue)
{
	static const char *const names[] = { DOOR_PIN_LINK, DOOR_PIN_ACCEPTED };
	char path[DOOR_PATH_MAX], file[FILE_MAX];
	int rc = -ENOENT;

	door_pin_path(path, queue);
	/* A file system that can't be written says so of what is not there. */
	if (access(path, F_OK) < 0) {
		return -errno;
	}
	end_link(path);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		file_of(file, path, names[i]);
		if (unlink(file) == 0) {
			rc = rc == -ENOENT ? 0 : rc;
		} else if (errno != ENOENT) {
			rc = -errno;
		}
	}
	if (rmdir(path) < 0 && errno != ENOENT) {
		rc = -errno;
	}
	return rc;
}

size_t
door_pinned(uint16_t *queues, size_t max)
{
	DIR *dir = opendir(BPFFS);
	const struct dirent *entry;
	size_t count = 0;

	while (dir && count < max && (entry = readdir(dir))) {
		char path[DOOR_PATH_MAX];
		unsigned queue;

		if (sscanf(entry->d_name, "tap-server-%u-", &queue) != 1 ||
		    queue > UINT16_MAX) {
			continue;
		}
		door_pin_path(path, (uint16_t)queue);
		if (strcmp(path + sizeof BPFFS, entry->d_name) == 0) {
			queues[count++] = (uint16_t)queue;
		}
	}
	if (dir) {
		closedir(dir);
	}
	return count;
}
