/* A kernel in memory that is made up: read, and what lies in wait in it. */
#include "unit/guests_fake.h"
#include "unit/support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guests/index.h"

static struct fake fake;
static struct kernel kernel;
static struct index processes;
static struct guest_owner owner;

static void
make(unsigned levels, bool newer)
{
	fake_make(&fake, levels, newer);
	fake_kernel(&fake, &kernel);
	index_clear(&processes);
	assert_true(kernel_take(&kernel, fake_init_task(&fake)));
	assert_int_equal(index_refresh(&processes, &kernel), 0);
	assert_int_equal(processes.count, FAKE_PROCESSES - 1);
	fake.reads = 0;
}

static enum guest_unknown
ask(void)
{
	memset(&owner, 0x5a, sizeof owner);
	index_owner(&processes, &kernel, &fake.connection, &owner);
	return owner.unknown;
}

static void
owner_is_found(void **state)
{
	(void)state;
	for (unsigned way = 0; way < 4; way++) {
		make(4 + way % 2, way / 2);
		assert_int_equal(ask(), GUEST_KNOWN);
		assert_true(owner.has_uid);
		assert_int_equal(owner.uid, FAKE_UID);
		assert_int_equal(owner.state, 2);
		assert_int_equal(owner.process.pid, 3);
		assert_int_equal(owner.process.uid, FAKE_UID);
		assert_string_equal(owner.process.comm, "talker");
		assert_string_equal(owner.exe, "/bin/talker");
		assert_int_equal(owner.holders, 1);
		assert_int_equal(owner.parents_count, 1);
		assert_string_equal(owner.parents[0].comm, "init");
		assert_string_equal(kernel.release, "6.1.0-fake");
		assert_int_equal(kernel.paging.levels, 4 + way % 2);
		assert_int_equal(kernel.paging.direct, fake.direct);
	}
}

/* Its first processor is never idle: the scheduler's clock goes on. */
static void
a_busy_kernel_runs(void **state)
{
	const uint64_t free = FAKE_RAM - 8192;
	uint64_t before, after, cfs, rq;

	(void)state;
	make(4, false);
	assert_true(fake.used < free);
	cfs = fake.direct + free;
	rq = cfs + 4096;
	assert_true(kernel_is_there(&kernel, &before));
	fake_set(&fake, fake.task[0], LAYOUT_TASK_CFS, cfs);
	fake_set(&fake, cfs, LAYOUT_CFS_RQ, rq);
	fake_set(&fake, rq, LAYOUT_RQ_CLOCK, 5);
	assert_true(kernel_is_there(&kernel, &after));
	assert_int_equal(after, before + 5);
	/* Wherever it points. */
	fake_set(&fake, cfs, LAYOUT_CFS_RQ, 1);
	assert_true(kernel_is_there(&kernel, &after));
	assert_int_equal(after, before);
}

/* The cost of a SYN, in reads: a change of it is one of the speed. */
static void
few_reads(void **state)
{
	(void)state;
	make(4, false);
	fake.connection.parents = false;
	assert_int_equal(ask(), GUEST_KNOWN);
	fake.reads = 0;
	assert_int_equal(ask(), GUEST_KNOWN);
	assert_true(fake.reads <= 30);
}

static void
others_are_unknown(void **state)
{
	struct guest_connection *c = &fake.connection;

	(void)state;
	make(4, false);
	c->dport++;
	assert_int_equal(ask(), GUEST_NO_SOCKET);
	assert_false(owner.has_uid);
	c->dport--;
	c->sport++;
	assert_int_equal(ask(), GUEST_NO_SOCKET);
	c->sport--;
	c->src.bytes[3]++;
	assert_int_equal(ask(), GUEST_NO_SOCKET);
	c->src.bytes[3]--;
	c->src.family = c->dst.family = 6;
	assert_int_equal(ask(), GUEST_NO_SOCKET);
	c->src.family = c->dst.family = 4;
	/* Not one that is being opened, though the ports are the same. */
	fake_set(&fake, fake.sock, LAYOUT_SOCK_STATE, 1);
	assert_int_equal(ask(), GUEST_NO_SOCKET);
	c->opening = false;
	assert_int_equal(ask(), GUEST_KNOWN);
	assert_int_equal(owner.state, 1);
	/* The user is known, whoever has the socket. */
	fake_put(&fake, fake.table + 3 * 8, 0);
	assert_int_equal(ask(), GUEST_NO_PROCESS);
	assert_true(owner.has_uid);
	assert_int_equal(owner.uid, FAKE_UID);
	fake_set(&fake, fake.sock, LAYOUT_SOCK_SOCKET, 0);
	assert_int_equal(ask(), GUEST_NO_PROCESS);
}

static void
ipv6_and_mapped(void **state)
{
	const uint32_t src = fake.layout.offset[LAYOUT_SOCK_SRC6];
	struct guest_connection *c = &fake.connection;
	uint8_t *at;

	(void)state;
	(void)src;
	make(4, false);
	fake_set(&fake, fake.sock, LAYOUT_SOCK_FAMILY, 10);
	assert_int_equal(ask(), GUEST_NO_SOCKET);
	at = fake_at(&fake, fake.sock);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *to = at +
			fake.layout.offset[i ? LAYOUT_SOCK_DST6
					     : LAYOUT_SOCK_SRC6];

		memset(to, 0, 16);
		to[10] = to[11] = 0xff;
		memcpy(to + 12, i ? c->dst.bytes : c->src.bytes, 4);
	}
	assert_int_equal(ask(), GUEST_KNOWN);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t *to = at +
			fake.layout.offset[i ? LAYOUT_SOCK_DST6
					     : LAYOUT_SOCK_SRC6];

		memset(to, 0x20 + (int)i, 16);
		memcpy(i ? c->dst.bytes : c->src.bytes, to, 16);
	}
	c->src.family = c->dst.family = 6;
	assert_int_equal(ask(), GUEST_KNOWN);
	c->dst.bytes[15]++;
	assert_int_equal(ask(), GUEST_NO_SOCKET);
}

/* What is remembered only says where to look. */
static void
changes_are_seen(void **state)
{
	(void)state;
	make(4, false);
	assert_int_equal(ask(), GUEST_KNOWN);
	fake_set(&fake, fake.task[3], LAYOUT_TASK_FILES, 0);
	fake_set(&fake, fake.task[5], LAYOUT_TASK_FILES, fake.files);
	assert_int_equal(ask(), GUEST_KNOWN);
	assert_int_equal(owner.process.pid, 5);
	/* The same memory is another process. */
	fake_set(&fake, fake.task[5], LAYOUT_TASK_START, 7);
	fake_set(&fake, fake.task[5], LAYOUT_TASK_TGID, 77);
	assert_int_equal(ask(), GUEST_KNOWN);
	assert_int_equal(owner.process.pid, 77);
	fake_set(&fake, fake.task[4], LAYOUT_TASK_FILES, fake.files);
	fake_set(&fake, fake.file, LAYOUT_FILE_COUNT, 2);
	fake_set(&fake, fake.files, LAYOUT_FILES_COUNT, 1);
	index_clear(&processes);
	assert_int_equal(ask(), GUEST_KNOWN);
	assert_int_equal(owner.process.pid, 4);
	assert_int_equal(owner.holders, 2);
	/* A program that is no longer there. */
	fake_set(&fake, fake.dentry, LAYOUT_DENTRY_HASHED, 0);
	assert_int_equal(ask(), GUEST_KNOWN);
	assert_string_equal(owner.exe, "/bin/talker (deleted)");
}

/* ---- what a guest may have written there */

/* Everything that points, made to point to itself or to another. */
static void
circles_end(void **state)
{
	static const struct {
		enum layout_field field;
		size_t at; /* of struct fake */
	} pointers[] = {
		{ LAYOUT_TASK_NEXT, offsetof(struct fake, task[2]) },
		{ LAYOUT_TASK_PREV, offsetof(struct fake, task[4]) },
		{ LAYOUT_TASK_PARENT, offsetof(struct fake, task[1]) },
		{ LAYOUT_TASK_SIGNAL, offsetof(struct fake, task[3]) },
		{ LAYOUT_TASK_FILES, offsetof(struct fake, task[3]) },
		{ LAYOUT_TASK_CRED, offsetof(struct fake, task[3]) },
		{ LAYOUT_TASK_MM, offsetof(struct fake, task[3]) },
		{ LAYOUT_SOCK_NODE, offsetof(struct fake, sock) },
		{ LAYOUT_SOCK_SOCKET, offsetof(struct fake, sock) },
		{ LAYOUT_SOCKET_FILE, offsetof(struct fake, socket) },
		{ LAYOUT_PORT_NODE, offsetof(struct fake, port) },
		{ LAYOUT_PORT_OWNERS, offsetof(struct fake, port) },
		{ LAYOUT_DENTRY_PARENT, offsetof(struct fake, dentry) },
		{ LAYOUT_DENTRY_NAME, offsetof(struct fake, dentry) },
		{ LAYOUT_MOUNT_PARENT, offsetof(struct fake, mount) },
		{ LAYOUT_MOUNT_ROOT, offsetof(struct fake, mount) },
		{ LAYOUT_NET_LIST, offsetof(struct fake, net) },
	};
	static const uint64_t far[] = { 0,
					1,
					0xffffffffffffffffu,
					0xffffffffffffffc0u,
					0x8000000000000000u,
					0xffff888000000000u,
					PAGING_IMAGE,
					0xffffffffbfffffffu };

	(void)state;
	for (size_t i = 0; i < COUNT(pointers); i++) {
		for (size_t to = 0; to < COUNT(pointers) + COUNT(far); to++) {
			uint64_t from, value;

			make(4, false);
			memcpy(&from, (char *)&fake + pointers[i].at,
			       sizeof from);
			if (to < COUNT(pointers)) {
				memcpy(&value, (char *)&fake + pointers[to].at,
				       sizeof value);
				value +=
					kernel.layout.offset[pointers[i].field];
			} else {
				value = far[to - COUNT(pointers)];
			}
			fake_set(&fake, from, pointers[i].field, value);
			index_clear(&processes);
			ask();
			assert_true(owner.unknown < GUEST_UNKNOWNS);
			/* Whatever it is, it has an end. */
			assert_true(fake.reads < 3000000);
			assert_non_null(memchr(owner.exe, 0, GUEST_EXE_MAX));
			index_refresh(&processes, &kernel);
			(void)kernel_take(&kernel, fake_init_task(&fake));
		}
	}
}

/* A list of processes that goes on and on: each read finds the next. */
static void
endless(struct fake *f, uint64_t physical, uint8_t *bytes, size_t len)
{
	const uint32_t begin = f->layout.begin[LAYOUT_PART_TASK];
	static uint64_t last;

	if (len == f->layout.end[LAYOUT_PART_TASK] - begin &&
	    physical != fake_init_task(f) + begin) {
		const uint32_t next = f->layout.offset[LAYOUT_TASK_NEXT];
		const uint64_t at = f->direct + physical - begin;
		/* Eight bytes further: all of RAM is processes. */
		const uint64_t to = at + 8 - f->direct < FAKE_RAM - 1024
			? at + 8
			: f->direct + FAKE_RAM / 4;
		const uint64_t back = last;

		memset(bytes, 0, len);
		for (unsigned i = 0; i < 8; i++) {
			bytes[next - begin + i] =
				(uint8_t)((to + next) >> 8 * i);
			bytes[next - begin + 8 + i] =
				(uint8_t)((back + next) >> 8 * i);
		}
		last = at;
	} else if (len == f->layout.end[LAYOUT_PART_TASK] - begin) {
		last = f->task[0];
	}
}

static void
ten_million_processes(void **state)
{
	(void)state;
	make(4, false);
	fake.change = endless;
	assert_int_equal(index_refresh(&processes, &kernel), -E2BIG);
	assert_true(fake.reads < 10ul * KERNEL_TASKS_MAX);
	fake.reads = 0;
	fake.most = 2000;
	assert_int_not_equal(ask(), GUEST_KNOWN);
	assert_true(fake.reads <= 2000 + 8);
}

static void
no_time_is_no_answer(void **state)
{
	(void)state;
	make(4, false);
	assert_int_equal(ask(), GUEST_KNOWN);
	for (unsigned long most = fake.reads; most-- > 1;) {
		make(4, false);
		fake.most = most;
		assert_int_equal(ask(), GUEST_LATE);
		assert_string_equal(owner.process.comm, "");
		assert_int_equal(fake.reads, most + 1);
	}
}

/* What changes from read to read. */
static void
tear(struct fake *f, uint64_t physical, uint8_t *bytes, size_t len)
{
	uint64_t *seed = f->of;

	(void)physical;
	if (random_below(seed, 16) == 0) {
		bytes[random_below(seed, (uint32_t)len)] =
			(uint8_t)random_u32(seed);
	}
}

static void
torn_reads(void **state)
{
	uint64_t seed = property_seed();
	const unsigned long steps = property_steps(20000);

	(void)state;
	make(4, false);
	fake.change = tear;
	fake.of = &seed;
	for (unsigned long i = 0; i < steps; i++) {
		fake.reads = 0;
		fake.most = 5000;
		ask();
		assert_true(owner.unknown < GUEST_UNKNOWNS);
		assert_true(owner.parents_count <= GUEST_PARENTS_MAX);
		assert_non_null(memchr(owner.exe, 0, GUEST_EXE_MAX));
		assert_non_null(memchr(owner.process.comm, 0, GUEST_COMM_MAX));
		assert_true(fake.reads <= 5001);
		if (i % 64 == 0) {
			index_clear(&processes);
		}
	}
	fake.of = NULL;
}

/* What only looks like a kernel. */
static void
others_are_not_taken(void **state)
{
	static const enum layout_field fields[] = {
		LAYOUT_TASK_PID,     LAYOUT_TASK_TGID, LAYOUT_TASK_PARENT,
		LAYOUT_TASK_LEADER,  LAYOUT_TASK_NEXT, LAYOUT_TASK_COMM,
		LAYOUT_TASK_NSPROXY,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(fields); i++) {
		fake_make(&fake, 4, false);
		fake_kernel(&fake, &kernel);
		fake_set(&fake, fake.task[0], fields[i], 0x7000);
		assert_false(kernel_take(&kernel, fake_init_task(&fake)));
	}
	/* Tables that map it elsewhere. */
	fake_make(&fake, 4, false);
	fake_kernel(&fake, &kernel);
	fake_set(&fake, fake.task[1], LAYOUT_TASK_MM, fake.files);
	assert_false(kernel_take(&kernel, fake_init_task(&fake)));
	for (uint64_t at = 0; at < FAKE_RAM; at += 8) {
		fake_make(&fake, 4, false);
		fake_kernel(&fake, &kernel);
		if (at != fake_init_task(&fake)) {
			assert_false(kernel_take(&kernel, at));
		}
		at += 4096 - 8;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owner_is_found),
		cmocka_unit_test(a_busy_kernel_runs),
		cmocka_unit_test(few_reads),
		cmocka_unit_test(others_are_unknown),
		cmocka_unit_test(ipv6_and_mapped),
		cmocka_unit_test(changes_are_seen),
		cmocka_unit_test(circles_end),
		cmocka_unit_test(ten_million_processes),
		cmocka_unit_test(no_time_is_no_answer),
		cmocka_unit_test(torn_reads),
		cmocka_unit_test(others_are_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
