#include "client/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fastpath/bpf.h"

/* The inode of the first cgroup namespace (include/linux/proc_ns.h). */
#define FIRST_NAMESPACE 0xeffffffbu

/* Rules name groups from the root of the first namespace; ours may differ. */
static bool
sees_root(void)
{
	struct stat st;

	return stat("/proc/self/ns/cgroup", &st) == 0 &&
		st.st_ino == FIRST_NAMESPACE;
}

/* The hierarchy itself, by fsopen(2): it need not be mounted. */
static int
open_root(void)
{
	int context = (int)syscall(SYS_fsopen, "cgroup2", FSOPEN_CLOEXEC);
	int root = -1;

	if (context < 0) {
		return -errno;
	}
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL,
		    0) == 0) {
		root = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	}
	if (root < 0) {
		root = -errno;
	}
	close(context);
	return root;
}

int
cgroup_open(struct cgroup *scope)
{
	int rc;

	scope->root = -1;
	if (!sees_root()) {
		return -EOPNOTSUPP;
	}
	rc = open_root();
	if (rc < 0) {
		return rc;
	}
	snprintf(scope->name, sizeof scope->name, "tap-%ld", (long)getpid());
	if (mkdirat(rc, scope->name, 0755) < 0 && errno != EEXIST) {
		int saved = errno;

		close(rc);
		return -saved;
	}
	scope->root = rc;
	return 0;
}

/* Move a process ("0": this one) into the group of that list. */
static int
move(int root, const char *list, const char *process)
{
	int fd = openat(root, list, O_WRONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0) {
		return -errno;
	}
	if (write(fd, process, strlen(process)) < 0) {
		rc = -errno;
	}
	close(fd);
	return rc;
}

static void
list_of(char out[64], const struct cgroup *scope)
{
	snprintf(out, 64, "%s/cgroup.procs", scope->name);
}

int
cgroup_join(const struct cgroup *scope)
{
	char list[64];

	list_of(list, scope);
	return move(scope->root, list, "0");
}

int
cgroup_mark(const struct cgroup *scope, uint32_t mark)
{
	const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K,
		  .dst_reg = BPF_REG_0,
		  .imm = (int32_t)mark },
		{ .code = BPF_STX | BPF_MEM | BPF_W,
		  .dst_reg = BPF_REG_1,
		  .src_reg = BPF_REG_0,
		  .off = offsetof(struct bpf_sock, mark) },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K,
		  .dst_reg = BPF_REG_0,
		  .imm = 1 }, /* the socket is allowed */
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int group = openat(scope->root, scope->name,
			   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int loaded = group < 0
		? -errno
		: bpf_insns_load(program, sizeof program / sizeof program[0],
				 BPF_PROG_TYPE_CGROUP_SOCK,
				 BPF_CGROUP_INET_SOCK_CREATE, "tap_mark");
	int rc = loaded < 0
		? loaded
		: bpf_attach_cgroup(loaded, group, BPF_CGROUP_INET_SOCK_CREATE);

	if (loaded >= 0) {
		close(loaded);
	}
	if (group >= 0) {
		close(group);
	}
	return rc;
}

void
cgroup_close(struct cgroup *scope)
{
	char list[64], process[32];
	FILE *file;
	int fd;

	if (scope->root < 0) {
		return;
	}
	list_of(list, scope);
	fd = openat(scope->root, list, O_RDONLY | O_CLOEXEC);
	file = fd >= 0 ? fdopen(fd, "r") : NULL;
	while (file && fgets(process, sizeof process, file)) {
		process[strcspn(process, "\n")] = '\0';
		move(scope->root, "cgroup.procs", process);
	}
	if (file) {
		fclose(file);
	} else if (fd >= 0) {
		close(fd);
	}
	unlinkat(scope->root, scope->name, AT_REMOVEDIR);
	close(scope->root);
	scope->root = -1;
}
