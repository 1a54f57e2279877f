#include "guests/task.h"

#include <errno.h>
#include <string.h>

#include "guests/little.h"

#define POINTER 8u
/* A process may have 2^20 open files, unless its administrator wants more. */
#define FILES_MAX (1u << 20)
#define AT_A_TIME 512u /* pointers */
#define THREADS_MAX 64u
#define NAME_MAX_HERE 255u
#define PATH_STEPS_MAX 128u

int
kernel_read_task(const struct kernel *k, uint64_t address,
		 struct kernel_task *task)
{
	struct layout_view view;
	const int rc = layout_read(&k->layout, &k->paging, LAYOUT_PART_TASK,
				   address, &view);

	if (rc < 0) {
		return rc;
	}
	*task = (struct kernel_task){
		.address = address,
		.mm = layout_u64(&view, LAYOUT_TASK_MM),
		.files = layout_u64(&view, LAYOUT_TASK_FILES),
		.cred = layout_u64(&view, LAYOUT_TASK_CRED),
		.parent = layout_u64(&view, LAYOUT_TASK_PARENT),
		.start = layout_u64(&view, LAYOUT_TASK_START),
		.next = layout_u64(&view, LAYOUT_TASK_NEXT) -
			k->layout.offset[LAYOUT_TASK_NEXT],
		.prev = layout_u64(&view, LAYOUT_TASK_PREV) -
			k->layout.offset[LAYOUT_TASK_NEXT],
		.signal = layout_u64(&view, LAYOUT_TASK_SIGNAL),
		.process.pid = layout_u32(&view, LAYOUT_TASK_TGID),
	};
	memcpy(task->process.comm, layout_bytes(&view, LAYOUT_TASK_COMM),
	       GUEST_COMM_MAX);
	task->process.comm[GUEST_COMM_MAX - 1] = '\0';
	return 0;
}

int
kernel_task_uid(const struct kernel *k, struct kernel_task *task)
{
	struct layout_view view;
	const int rc = layout_read(&k->layout, &k->paging, LAYOUT_PART_CRED,
				   task->cred, &view);

	task->process.uid =
		rc < 0 ? UINT32_MAX : layout_u32(&view, LAYOUT_CRED_EUID);
	return rc;
}

int
kernel_task_files(const struct kernel *k, struct kernel_task *task)
{
	const uint64_t link = k->layout.offset[LAYOUT_TASK_THREAD];
	struct kernel_task thread;
	struct layout_view view;
	uint64_t node = 0;
	int rc = layout_read(&k->layout, &k->paging, LAYOUT_PART_SIGNAL,
			     task->signal, &view);

	node = rc < 0 ? 0 : layout_u64(&view, LAYOUT_SIGNAL_THREADS);
	for (unsigned i = 0; rc == 0 && i < THREADS_MAX; i++) {
		rc = kernel_read_task(k, node - link, &thread);
		if (rc < 0 || thread.process.pid != task->process.pid) {
			break;
		}
		if (thread.files != 0) {
			task->files = thread.files;
			task->mm = thread.mm;
			break;
		}
		rc = paging_u64(&k->paging, node, &node);
	}
	return rc;
}

int
kernel_read_files(const struct kernel *k, uint64_t files,
		  struct kernel_files *into)
{
	struct layout_view view;
	int rc = layout_read(&k->layout, &k->paging, LAYOUT_PART_FILES, files,
			     &view);

	if (rc < 0) {
		return rc;
	}
	into->shared = layout_u32(&view, LAYOUT_FILES_COUNT);
	rc = layout_read(&k->layout, &k->paging, LAYOUT_PART_FDT,
			 layout_u64(&view, LAYOUT_FILES_FDT), &view);
	if (rc < 0) {
		return rc;
	}
	into->table = layout_u64(&view, LAYOUT_FDT_FD);
	into->count = layout_u32(&view, LAYOUT_FDT_MAX);
	return into->count > FILES_MAX ? -E2BIG : 0;
}

int
kernel_each_file(const struct kernel *k, const struct kernel_files *files,
		 int (*each)(void *of, uint64_t file), void *of)
{
	uint8_t bytes[AT_A_TIME * POINTER];
	int rc = 0;

	for (uint32_t at = 0; rc == 0 && at < files->count; at += AT_A_TIME) {
		const uint32_t left = files->count - at;
		const uint32_t part = left < AT_A_TIME ? left : AT_A_TIME;

		rc = paging_read(&k->paging,
				 files->table + (uint64_t)at * POINTER, bytes,
				 part * POINTER);
		for (uint32_t i = 0; rc == 0 && i < part; i++) {
			const uint64_t file = le64_load(bytes + i * POINTER);

			rc = file == 0 ? 0 : each(of, file);
		}
	}
	return rc;
}

static int
is_it(void *of, uint64_t file)
{
	return file == *(const uint64_t *)of;
}

int
kernel_has_file(const struct kernel *k, const struct kernel_files *files,
		uint64_t file)
{
	return kernel_each_file(k, files, is_it, &file);
}

int
kernel_read_file(const struct kernel *k, uint64_t address,
		 struct kernel_file *file)
{
	struct layout_view view;
	const int rc = layout_read(&k->layout, &k->paging, LAYOUT_PART_FILE,
				   address, &view);

	if (rc < 0) {
		return rc;
	}
	file->cred = layout_u64(&view, LAYOUT_FILE_CRED);
	/* Since Linux 6.13 they are counted from 0. */
	file->users = k->layout.offset[LAYOUT_FILE_COUNT] != LAYOUT_NONE
		? layout_u64(&view, LAYOUT_FILE_COUNT)
		: layout_u64(&view, LAYOUT_FILE_REF) + 1;
	return 0;
}

/* ---- paths */

/* A path that is written from its end on. */
struct path {
	char at[GUEST_EXE_MAX];
	size_t begin;
};

static bool
put_before(struct path *path, const void *bytes, size_t len)
{
	if (len > path->begin) {
		return false;
	}
	path->begin -= len;
	memcpy(path->at + path->begin, bytes, len);
	return true;
}

static int
put_name(const struct kernel *k, const struct layout_view *dentry,
	 struct path *path)
{
	const uint32_t len = layout_u32(dentry, LAYOUT_DENTRY_LEN);
	uint8_t name[NAME_MAX_HERE];
	int rc;

	if (len == 0 || len > sizeof name) {
		return -EFAULT;
	}
	rc = paging_read(&k->paging, layout_u64(dentry, LAYOUT_DENTRY_NAME),
			 name, len);
	if (rc < 0) {
		return rc;
	}
	if (memchr(name, '\0', len)) {
		return -EAGAIN;
	}
	return put_before(path, name, len) && put_before(path, "/", 1)
		? 0
		: -ENAMETOOLONG;
}

/*
 * Upwards, from what is mounted to where: mount is a vfsmount's address, which
 * is a part of the mount.
 */
static int
climb(const struct kernel *k, uint64_t mount, uint64_t dentry,
      struct path *path)
{
	const struct layout *l = &k->layout;
	const uint64_t inside = l->offset[LAYOUT_MOUNT_MNT];
	struct layout_view mnt, view;
	int rc = layout_read(l, &k->paging, LAYOUT_PART_MOUNT, mount - inside,
			     &mnt);

	for (unsigned i = 0; rc == 0 && i < PATH_STEPS_MAX; i++) {
		const uint64_t above = layout_u64(&mnt, LAYOUT_MOUNT_PARENT);

		if (dentry == layout_u64(&mnt, LAYOUT_MOUNT_ROOT)) {
			if (above == mount - inside) {
				return 0;
			}
			dentry = layout_u64(&mnt, LAYOUT_MOUNT_POINT);
			mount = above + inside;
			rc = layout_read(l, &k->paging, LAYOUT_PART_MOUNT,
					 above, &mnt);
			continue;
		}
		rc = layout_read(l, &k->paging, LAYOUT_PART_DENTRY, dentry,
				 &view);
		if (rc < 0 ||
		    layout_u64(&view, LAYOUT_DENTRY_PARENT) == dentry) {
			break;
		}
		rc = put_name(k, &view, path);
		dentry = layout_u64(&view, LAYOUT_DENTRY_PARENT);
	}
	return rc < 0 ? rc : -EAGAIN;
}

int
kernel_exe(const struct kernel *k, uint64_t mm, char exe[GUEST_EXE_MAX])
{
	static const char deleted[] = " (deleted)";
	struct path path = { .begin = GUEST_EXE_MAX - 1 };
	struct layout_view view;
	uint64_t dentry, mount;
	int rc;

	exe[0] = '\0';
	if (mm == 0) {
		return 0;
	}
	rc = layout_read(&k->layout, &k->paging, LAYOUT_PART_MM, mm, &view);
	if (rc == 0) {
		rc = layout_read(&k->layout, &k->paging, LAYOUT_PART_FILE,
				 layout_u64(&view, LAYOUT_MM_EXE), &view);
	}
	if (rc < 0) {
		return rc;
	}
	dentry = layout_u64(&view, LAYOUT_FILE_DENTRY);
	mount = layout_u64(&view, LAYOUT_FILE_MOUNT);
	rc = layout_read(&k->layout, &k->paging, LAYOUT_PART_DENTRY, dentry,
			 &view);
	if (rc == 0 && layout_u64(&view, LAYOUT_DENTRY_HASHED) == 0 &&
	    layout_u64(&view, LAYOUT_DENTRY_PARENT) != dentry) {
		put_before(&path, deleted, sizeof deleted - 1);
	}
	if (rc == 0) {
		rc = climb(k, mount, dentry, &path);
	}
	if (rc == 0) {
		memcpy(exe, path.at + path.begin, GUEST_EXE_MAX - path.begin);
		exe[GUEST_EXE_MAX - 1 - path.begin] = '\0';
	}
	return rc == -ENAMETOOLONG ? 0 : rc;
}
