#include "guests/kernel.h"

#include <errno.h>
#include <string.h>

#include "guests/little.h"
#include "guests/task.h"

/* The processes that are looked at for one that has tables. */
#define BELIEVED 64u

static bool
is_in_image(uint64_t address)
{
	return address >= PAGING_IMAGE && address < PAGING_IMAGE_END;
}

/* ---- init_task */

/* What must hold of it. */
static bool
is_init_task(const struct layout_view *view, uint64_t physical,
	     uint64_t *address)
{
	static const char comm[GUEST_COMM_MAX] = "swapper/0";
	static const char short_comm[GUEST_COMM_MAX] = "swapper";
	const uint8_t *name = layout_bytes(view, LAYOUT_TASK_COMM);

	*address = layout_u64(view, LAYOUT_TASK_LEADER);
	return (memcmp(name, comm, sizeof comm) == 0 ||
		memcmp(name, short_comm, sizeof short_comm) == 0) &&
		layout_u32(view, LAYOUT_TASK_PID) == 0 &&
		layout_u32(view, LAYOUT_TASK_TGID) == 0 &&
		layout_u64(view, LAYOUT_TASK_MM) == 0 &&
		layout_u64(view, LAYOUT_TASK_PARENT) == *address &&
		is_in_image(*address) &&
		(*address - physical) % PAGING_PAGE == 0;
}

/*
 * The first process behind it in the list, if all RAM is mapped at `direct`: it
 * points back.
 */
static bool
try_direct(struct kernel *k, uint64_t next, uint64_t direct,
	   struct kernel_task *task)
{
	k->paging.direct = direct;
	return kernel_read_task(k, next, task) == 0 &&
		task->prev == k->init_task && task->parent == k->init_task;
}

/* Tables of a process's that map init_task to where it was found. */
static bool
try_tables(struct kernel *k, uint64_t mm, uint64_t physical)
{
	struct paging *p = &k->paging;
	struct layout_view view;
	uint64_t found, run;

	if (layout_read(&k->layout, p, LAYOUT_PART_MM, mm, &view) < 0 ||
	    paging_translate(p, layout_u64(&view, LAYOUT_MM_PGD), &p->tables,
			     &run) < 0 ||
	    p->tables % PAGING_PAGE != 0) {
		return false;
	}
	p->levels = paging_levels(p->direct);
	if (paging_walk(p, k->init_task, &found, &run) == 0 &&
	    found == physical) {
		return true;
	}
	p->levels = 0;
	return false;
}

/*
 * The processes follow each other both ways; process 1 is the first, is never
 * over, and its tables stay.
 */
static bool
take_tables(struct kernel *k, struct kernel_task *task, uint64_t physical)
{
	for (unsigned i = 0; i < BELIEVED; i++) {
		const uint64_t before = task->address;

		if (task->mm != 0) {
			return try_tables(k, task->mm, physical);
		}
		if (kernel_read_task(k, task->next, task) < 0 ||
		    task->prev != before) {
			return false;
		}
	}
	return false;
}

/* Of all places where RAM can be mapped, the right one. */
static bool
find_tables(struct kernel *k, uint64_t next, uint64_t physical)
{
	struct kernel_task task;

	if (is_in_image(next) || !paging_is_kernel(next)) {
		return false;
	}
	for (uint64_t at = next % PAGING_DIRECT_UNIT; at < k->paging.ram.end;
	     at += PAGING_DIRECT_UNIT) {
		if (try_direct(k, next, next - at, &task)) {
			return take_tables(k, &task, physical);
		}
	}
	return false;
}

static void
read_release(struct kernel *k, uint64_t nsproxy)
{
	struct layout_view view;
	const uint8_t *release;

	k->release[0] = '\0';
	if (layout_read(&k->layout, &k->paging, LAYOUT_PART_NSPROXY, nsproxy,
			&view) < 0 ||
	    layout_read(&k->layout, &k->paging, LAYOUT_PART_UTS,
			layout_u64(&view, LAYOUT_NSPROXY_UTS), &view) < 0) {
		return;
	}
	release = layout_bytes(&view, LAYOUT_UTS_RELEASE);
	for (size_t i = 0; i < KERNEL_RELEASE_MAX - 1 && release[i] > ' ' &&
	     release[i] < 0x7f;
	     i++) {
		k->release[i] = (char)release[i];
		k->release[i + 1] = '\0';
	}
}

/* ---- network namespaces */

static int
read_net(const struct kernel *k, uint64_t address, struct kernel_net *net,
	 uint64_t *next)
{
	struct layout_view view;
	int rc = layout_read(&k->layout, &k->paging, LAYOUT_PART_NET_MIX,
			     address, &view);

	if (rc < 0) {
		return rc;
	}
	*net = (struct kernel_net){ address,
				    layout_u32(&view, LAYOUT_NET_MIX) };
	rc = layout_read(&k->layout, &k->paging, LAYOUT_PART_NET, address,
			 &view);
	*next = layout_u64(&view, LAYOUT_NET_LIST);
	return rc;
}

/* The list's head lies in the image, and is none. */
static int
read_nets(struct kernel *k)
{
	const uint64_t link = k->layout.offset[LAYOUT_NET_LIST];
	const uint64_t first = k->net[0].address;
	uint64_t next;
	int rc = read_net(k, first, &k->net[0], &next);

	k->nets = 1;
	for (unsigned i = 0; rc == 0 && i < KERNEL_NETS_MAX &&
	     next != first + link && k->nets < KERNEL_NETS_MAX;
	     i++) {
		if (is_in_image(next)) {
			rc = paging_u64(&k->paging, next, &next);
			continue;
		}
		rc = read_net(k, next - link, &k->net[k->nets], &next);
		k->nets += rc == 0;
	}
	return rc;
}

/* The table of bound ports, which all namespaces share. */
static int
find_binds(struct kernel *k, uint64_t nsproxy)
{
	const struct layout *l = &k->layout;
	struct layout_view view;
	uint64_t row;
	uint32_t size;
	int rc =
		layout_read(l, &k->paging, LAYOUT_PART_NSPROXY, nsproxy, &view);

	if (rc < 0) {
		return rc;
	}
	k->net[0].address = layout_u64(&view, LAYOUT_NSPROXY_NET);
	row = k->net[0].address + l->offset[LAYOUT_NET_DEATH_ROW];
	if (l->death_row_behind) {
		rc = paging_u64(&k->paging, row, &row);
	}
	if (rc == 0) {
		rc = layout_read(l, &k->paging, LAYOUT_PART_DEATH_ROW, row,
				 &view);
	}
	if (rc == 0) {
		rc = layout_read(l, &k->paging, LAYOUT_PART_HASHES,
				 layout_u64(&view, LAYOUT_DEATH_ROW_HASHES),
				 &view);
	}
	if (rc < 0) {
		return rc;
	}
	size = layout_u32(&view, LAYOUT_HASHES_BIND_SIZE);
	if (size == 0 || (size & (size - 1)) != 0) {
		return -EFAULT;
	}
	k->binds = layout_u64(&view, LAYOUT_HASHES_BIND);
	k->binds_mask = size - 1;
	return read_nets(k);
}

bool
kernel_take(struct kernel *k, uint64_t physical)
{
	struct layout_view view;
	uint64_t next, nsproxy;

	k->paging.direct = k->paging.image = 0;
	k->paging.levels = 0;
	if (layout_read_physical(&k->layout, &k->paging, LAYOUT_PART_TASK,
				 physical, &view) < 0 ||
	    !is_init_task(&view, physical, &k->init_task)) {
		return false;
	}
	next = layout_u64(&view, LAYOUT_TASK_NEXT) -
		k->layout.offset[LAYOUT_TASK_NEXT];
	nsproxy = layout_u64(&view, LAYOUT_TASK_NSPROXY);
	k->paging.image = k->init_task - physical;
	if (!find_tables(k, next, physical)) {
		return false;
	}
	read_release(k, nsproxy);
	return find_binds(k, nsproxy) == 0;
}

/* Of the processor whose idle process that is; 0: not known. */
static uint64_t
scheduler_clock(const struct kernel *k, const struct layout_view *task)
{
	const uint32_t *offset = k->layout.offset;
	uint64_t at = layout_u64(task, LAYOUT_TASK_CFS);

	if (at == 0 || offset[LAYOUT_CFS_RQ] == LAYOUT_NONE ||
	    offset[LAYOUT_RQ_CLOCK] == LAYOUT_NONE ||
	    paging_u64(&k->paging, at + offset[LAYOUT_CFS_RQ], &at) < 0 ||
	    paging_u64(&k->paging, at + offset[LAYOUT_RQ_CLOCK], &at) < 0) {
		return 0;
	}
	return at;
}

bool
kernel_is_there(const struct kernel *k, uint64_t *changes)
{
	struct layout_view view;
	uint64_t address;

	if (layout_read(&k->layout, &k->paging, LAYOUT_PART_TASK, k->init_task,
			&view) < 0) {
		return false;
	}
	*changes = layout_u64(&view, LAYOUT_TASK_SWITCHES) +
		scheduler_clock(k, &view);
	return is_init_task(&view, k->init_task - k->paging.image, &address) &&
		address == k->init_task;
}
