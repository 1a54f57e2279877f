#include "guests/index.h"

#include <errno.h>
#include <string.h>

#define TRIES 3u
#define HASH 0x9e3779b97f4a7c15u

void
index_clear(struct index *index)
{
	index->count = 0;
	index->recents = 0;
	index->next = 0;
	memset(index->slot, 0, sizeof index->slot);
}

/* Where an address is, or has its place. */
static uint32_t *
slot_of(struct index *index, uint64_t address)
{
	uint32_t at = (uint32_t)((address >> 6) * HASH >> 40) % INDEX_SLOTS;

	while (index->slot[at] != 0 &&
	       index->at[index->slot[at] - 1].address != address) {
		at = (at + 1) % INDEX_SLOTS;
	}
	return &index->slot[at];
}

/* What the table of a process's files is by now; kernel threads have none. */
static int
look_at_files(const struct kernel *k, struct kernel_task *task,
	      struct kernel_files *files)
{
	*files = (struct kernel_files){ 0 };
	if (task->files == 0 && task->process.pid != 0) {
		(void)kernel_task_files(k, task);
	}
	return task->mm == 0 || task->files == 0
		? 0
		: kernel_read_files(k, task->files, files);
}

static int
remember(struct index *index, const struct kernel *k, struct kernel_task *task,
	 uint32_t *place)
{
	uint32_t *slot = slot_of(index, task->address);
	struct kernel_files files;
	int rc = look_at_files(k, task, &files);

	if (rc == -ETIME) {
		return rc;
	}
	if (*slot == 0) {
		if (index->count == KERNEL_TASKS_MAX) {
			return -E2BIG;
		}
		*slot = ++index->count;
	}
	*place = *slot - 1;
	index->at[*place] = (struct index_task){
		.address = task->address,
		.start = task->start,
		.cred = task->cred,
		.file_table = files.table,
		.files_count = rc < 0 ? 0 : files.count,
		.pid = task->process.pid,
	};
	return 0;
}

int
index_refresh(struct index *index, const struct kernel *k)
{
	struct kernel_task task;
	uint64_t before = k->init_task;
	uint32_t place;
	int rc;

	index_clear(index);
	rc = kernel_read_task(k, k->init_task, &task);
	while (rc == 0 && task.next != k->init_task) {
		rc = kernel_read_task(k, task.next, &task);
		/* A process that ends takes itself out of the list. */
		if (rc == 0 && task.prev != before) {
			rc = -EAGAIN;
		}
		if (rc == 0) {
			before = task.address;
			/* A list that comes back to another one is none. */
			rc = *slot_of(index, before) != 0
				? -EAGAIN
				: remember(index, k, &task, &place);
		}
	}
	return rc;
}

/* The processes that are new since: the list's end has the newest. */
static int
learn_new(struct index *index, const struct kernel *k)
{
	struct kernel_task task;
	uint32_t place;
	int rc = kernel_read_task(k, k->init_task, &task);

	for (uint32_t i = 0; rc == 0 && task.prev != k->init_task; i++) {
		const uint32_t *slot;

		rc = i == KERNEL_TASKS_MAX
			? -E2BIG
			: kernel_read_task(k, task.prev, &task);
		if (rc < 0) {
			break;
		}
		slot = slot_of(index, task.address);
		if (*slot != 0 && index->at[*slot - 1].start == task.start) {
			break;
		}
		rc = remember(index, k, &task, &place);
	}
	return rc;
}

/* Whether a process has a file, by where its files were. */
static int
had_file(const struct index *index, const struct kernel *k, uint32_t place,
	 uint64_t file)
{
	const struct index_task *task = &index->at[place];
	const struct kernel_files files = { task->file_table, task->files_count,
					    0 };

	return task->files_count == 0 ? 0 : kernel_has_file(k, &files, file);
}

/* And whether it has, by now; then what it is. */
static int
has_file(const struct kernel *k, const struct index_task *known, uint64_t file,
	 struct kernel_task *task, struct kernel_files *files)
{
	int rc = kernel_read_task(k, known->address, task);

	if (rc < 0 || task->start != known->start ||
	    task->process.pid != known->pid) {
		return rc;
	}
	rc = look_at_files(k, task, files);
	return rc < 0 ? rc : kernel_has_file(k, files, file);
}

/* ---- the search */

struct holder {
	const struct kernel *k;
	struct index *index;
	uint64_t address; /* of the file */
	struct kernel_file file;
	struct kernel_task task;
	struct kernel_files files;
	uint32_t place;
	uint32_t count;
};

/* Look at one place; 1: that is it; 0: go on; or -ETIME. */
static int
try_place(struct holder *h, uint32_t place)
{
	int rc = had_file(h->index, h->k, place, h->address);

	if (rc == 1) {
		rc = has_file(h->k, &h->index->at[place], h->address, &h->task,
			      &h->files);
		h->place = place;
	}
	return rc < 0 && rc != -ETIME ? 0 : rc;
}

/* Who has the rights that the file was opened with. */
static int
try_cred(struct holder *h)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < h->index->count; i++) {
		if (h->index->at[i].cred == h->file.cred) {
			rc = try_place(h, i);
		}
	}
	return rc;
}

static int
try_all(struct holder *h)
{
	struct index *index = h->index;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < index->count; i++) {
		index->next =
			index->next + 1 < index->count ? index->next + 1 : 0;
		rc = try_place(h, index->next);
	}
	return rc;
}

static int
find_holder(struct holder *h)
{
	int rc = kernel_read_file(h->k, h->address, &h->file);

	if (rc == 0) {
		rc = learn_new(h->index, h->k);
	}
	if (rc == 0) {
		rc = try_cred(h);
	}
	for (uint32_t i = 0; rc == 0 && i < h->index->recents; i++) {
		rc = try_place(h, h->index->recent[i]);
	}
	if (rc == 0) {
		rc = try_all(h);
	}
	if (rc == 0 && h->index->count > INDEX_AT_ONCE) {
		return -ETIME;
	}
	if (rc == 0) {
		rc = index_refresh(h->index, h->k);
		rc = rc < 0 ? rc : try_all(h);
	}
	return rc;
}

/*
 * Others that have the same file, where there may be such: of a process with
 * threads, the one that connects has it once more.
 */
static void
count_holders(struct holder *h)
{
	const uint64_t own = h->files.shared > 1 ? 2 : 1;

	h->count = 1;
	for (uint32_t i = 0; h->file.users > own && i < h->index->count; i++) {
		struct holder other = *h;
		const int rc = i == h->place ? 0 : try_place(&other, i);

		if (rc == -ETIME) {
			break;
		}
		if (rc == 1) {
			h->count++;
			if (other.task.process.pid < h->task.process.pid) {
				h->task = other.task;
			}
		}
	}
}

static void
note_recent(struct index *index, uint32_t place)
{
	uint32_t i = 0;

	while (i < index->recents && index->recent[i] != place) {
		i++;
	}
	if (i == index->recents) {
		index->recents += index->recents < INDEX_RECENT;
		i = index->recents - 1;
	}
	memmove(index->recent + 1, index->recent, i * sizeof *index->recent);
	index->recent[0] = place;
}

/* ---- the answer */

static int
read_parents(const struct kernel *k, const struct kernel_task *of,
	     struct guest_owner *owner)
{
	struct kernel_task task = *of;
	int rc = 0;

	while (rc == 0 && owner->parents_count < GUEST_PARENTS_MAX &&
	       task.parent != k->init_task && task.parent != task.address) {
		rc = kernel_read_task(k, task.parent, &task);
		if (rc == 0) {
			rc = kernel_task_uid(k, &task);
		}
		if (rc == 0) {
			owner->parents[owner->parents_count++] = task.process;
		}
	}
	return rc;
}

static int
tell(struct index *index, struct kernel *k, const struct guest_connection *of,
     const struct kernel_socket *socket, struct guest_owner *owner)
{
	struct holder h = { .k = k, .index = index, .address = socket->file };
	struct kernel_socket again = { 0 };
	int rc = socket->file == 0 ? 0 : find_holder(&h);

	if (rc <= 0) {
		return rc < 0 ? rc : -ESRCH;
	}
	note_recent(index, h.place);
	count_holders(&h);
	rc = kernel_task_uid(k, &h.task);
	if (rc == 0) {
		rc = kernel_exe(k, h.task.mm, owner->exe);
	}
	if (rc == 0 && of->parents) {
		rc = read_parents(k, &h.task, owner);
	}
	if (rc == 0) {
		rc = kernel_find_socket(k, of, &again);
	}
	if (rc < 0) {
		return rc;
	}
	owner->process = h.task.process;
	owner->holders = h.count;
	return again.sock == socket->sock && again.file == socket->file &&
			again.uid == socket->uid
		? 0
		: -EAGAIN;
}

enum guest_unknown
index_reason(int error)
{
	switch (error) {
	case 0:
		return GUEST_KNOWN;
	case -ENOENT:
		return GUEST_NO_SOCKET;
	case -ESRCH:
		return GUEST_NO_PROCESS;
	case -ETIME:
		return GUEST_LATE;
	case -E2BIG:
		return GUEST_TOO_MANY;
	case -EIO:
		return GUEST_GONE;
	default:
		return GUEST_CHANGED;
	}
}

void
index_owner(struct index *index, struct kernel *k,
	    const struct guest_connection *of, struct guest_owner *owner)
{
	int rc = -EAGAIN;

	for (unsigned i = 0; i < TRIES && rc < 0; i++) {
		struct kernel_socket socket;

		memset(owner, 0, sizeof *owner);
		rc = kernel_find_socket(k, of, &socket);
		if (rc == 0) {
			owner->has_uid = true;
			owner->uid = socket.uid;
			owner->state = socket.state;
			rc = tell(index, k, of, &socket, owner);
		}
		if (rc == -ETIME || rc == -E2BIG || rc == -EIO) {
			break;
		}
	}
	owner->unknown = index_reason(rc);
}
