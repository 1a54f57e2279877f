#include "fastpath/bpf_netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static int
call(int command, union bpf_attr *attr)
{
	long rc = syscall(SYS_bpf, command, attr, sizeof *attr);

	return rc < 0 ? -errno : (int)rc;
}

static uint64_t
address(const void *at)
{
	return (uint64_t)(uintptr_t)at;
}

static int
open_netns(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

uint64_t
bpf_netns(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) == 0 ? st.st_ino : 0;
}

int
bpf_netns_link(int program, uint32_t attach)
{
	union bpf_attr attr = { 0 };
	int netns = open_netns();
	int rc;

	if (netns < 0) {
		return netns;
	}
	attr.link_create.prog_fd = (uint32_t)program;
	attr.link_create.target_fd = (uint32_t)netns;
	attr.link_create.attach_type = attach;
	rc = call(BPF_LINK_CREATE, &attr);
	close(netns);
	return rc;
}

int
bpf_link_replace(int link, int program)
{
	union bpf_attr attr = { 0 };

	attr.link_update.link_fd = (uint32_t)link;
	attr.link_update.new_prog_fd = (uint32_t)program;
	return call(BPF_LINK_UPDATE, &attr);
}

int
bpf_link_end(int link)
{
	union bpf_attr attr = { 0 };

	attr.link_detach.link_fd = (uint32_t)link;
	return call(BPF_LINK_DETACH, &attr);
}

static int
describe(int fd, void *info, size_t size)
{
	union bpf_attr attr = { 0 };

	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = (uint32_t)size;
	attr.info.info = address(info);
	return call(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

bool
bpf_link_is_here(int link, uint32_t attach)
{
	struct bpf_link_info info = { 0 };

	return describe(link, &info, sizeof info) == 0 &&
		info.type == BPF_LINK_TYPE_NETNS &&
		info.netns.attach_type == attach &&
		info.netns.netns_ino == bpf_netns();
}

uint32_t
bpf_link_id(int link)
{
	struct bpf_link_info info = { 0 };

	return describe(link, &info, sizeof info) == 0 ? info.id : 0;
}

uint32_t
bpf_program_id(int program)
{
	struct bpf_prog_info info = { 0 };

	return describe(program, &info, sizeof info) == 0 ? info.id : 0;
}

uint32_t
bpf_link_program(int link)
{
	struct bpf_link_info info = { 0 };

	return describe(link, &info, sizeof info) == 0 ? info.prog_id : 0;
}

void
bpf_program_name(uint32_t id, char name[BPF_NAME_MAX])
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr attr = { 0 };
	int fd;

	attr.prog_id = id;
	fd = call(BPF_PROG_GET_FD_BY_ID, &attr);
	if (fd >= 0 && describe(fd, &info, sizeof info) == 0 && info.name[0]) {
		snprintf(name, BPF_NAME_MAX, "%s", info.name);
	} else {
		snprintf(name, BPF_NAME_MAX, "id %u", id);
	}
	if (fd >= 0) {
		close(fd);
	}
}

/* What is at a place of a network namespace, or of a device. */
static int
programs_at(uint32_t target, uint32_t attach,
	    uint32_t ids[BPF_NETNS_PROGRAMS_MAX])
{
	union bpf_attr attr = { 0 };
	int rc;

	attr.query.target_fd = target; /* the same place: target_ifindex */
	attr.query.attach_type = attach;
	attr.query.prog_ids = address(ids);
	attr.query.prog_cnt = BPF_NETNS_PROGRAMS_MAX;
	rc = call(BPF_PROG_QUERY, &attr);
	return rc < 0 ? rc : (int)attr.query.prog_cnt;
}

int
bpf_netns_programs(uint32_t attach, uint32_t ids[BPF_NETNS_PROGRAMS_MAX])
{
	int netns = open_netns();
	int rc;

	if (netns < 0) {
		return netns;
	}
	rc = programs_at((uint32_t)netns, attach, ids);
	close(netns);
	return rc;
}

int
bpf_device_programs(uint32_t device, uint32_t attach,
		    uint32_t ids[BPF_NETNS_PROGRAMS_MAX])
{
	return programs_at(device, attach, ids);
}

bool
bpf_can_pin(const char *directory)
{
	struct statfs fs;

	return statfs(directory, &fs) == 0 &&
		(uint32_t)fs.f_type == BPF_FS_MAGIC;
}

int
bpf_pin(int fd, const char *path)
{
	union bpf_attr attr = { 0 };

	attr.bpf_fd = (uint32_t)fd;
	attr.pathname = address(path);
	return call(BPF_OBJ_PIN, &attr);
}

int
bpf_pinned(const char *path)
{
	union bpf_attr attr = { 0 };

	attr.pathname = address(path);
	return call(BPF_OBJ_GET, &attr);
}
