#include "fastpath/bpf.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bytes.h"

#define LIVE_BATCH 64        /* frames at once, the kernel's own default */
#define EMPTY_ROOM 65536     /* bytes: for more entries than collide */
#define PROCESSORS_MAX 4096u /* of the largest machine to expect */

/* Kernels before 5.11 charge maps to this limit; root may lift it. */
static long
with_memory(int command, union bpf_attr *attr)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit before;
	long rc = syscall(SYS_bpf, command, attr, sizeof *attr);

	if (rc < 0 && errno == EPERM &&
	    getrlimit(RLIMIT_MEMLOCK, &before) == 0 &&
	    setrlimit(RLIMIT_MEMLOCK, &none) == 0) {
		rc = syscall(SYS_bpf, command, attr, sizeof *attr);
		if (setrlimit(RLIMIT_MEMLOCK, &before) < 0) {
			return rc;
		}
	}
	return rc;
}

static int
call(int command, union bpf_attr *attr)
{
	long rc = command == BPF_MAP_CREATE || command == BPF_PROG_LOAD
		? with_memory(command, attr)
		: syscall(SYS_bpf, command, attr, sizeof *attr);

	return rc < 0 ? -errno : (int)rc;
}

static uint64_t
address(const void *at)
{
	return (uint64_t)(uintptr_t)at;
}

int
bpf_map_make(const struct bpf_map *map)
{
	union bpf_attr attr = { 0 };

	attr.map_type = map->type;
	attr.key_size = map->key;
	attr.value_size = map->value;
	attr.max_entries = map->entries;
	attr.map_flags = map->flags;
	return call(BPF_MAP_CREATE, &attr);
}

static int
on_entry(int command, int map, const void *key, const void *value,
	 uint64_t flags)
{
	union bpf_attr attr = { 0 };

	attr.map_fd = (uint32_t)map;
	attr.key = address(key);
	attr.value = address(value);
	attr.flags = flags;
	return call(command, &attr);
}

int
bpf_map_put(int map, const void *key, const void *value, uint64_t flags)
{
	return on_entry(BPF_MAP_UPDATE_ELEM, map, key, value, flags);
}

int
bpf_map_get(int map, const void *key, void *value)
{
	return on_entry(BPF_MAP_LOOKUP_ELEM, map, key, value, 0);
}

int
bpf_map_remove(int map, const void *key)
{
	return on_entry(BPF_MAP_DELETE_ELEM, map, key, NULL, 0);
}

int
bpf_map_put_many(int map, const void *keys, const void *values, uint32_t count)
{
	union bpf_attr attr = { 0 };

	if (count == 0) {
		return 0;
	}
	attr.batch.map_fd = (uint32_t)map;
	attr.batch.keys = address(keys);
	attr.batch.values = address(values);
	attr.batch.count = count;
	return call(BPF_MAP_UPDATE_BATCH, &attr);
}

int
bpf_map_remove_many(int map, const void *keys, size_t key, uint32_t count)
{
	const uint8_t *at = keys;
	uint32_t done = 0;

	while (done < count) {
		union bpf_attr attr = { 0 };
		int rc;

		attr.batch.map_fd = (uint32_t)map;
		attr.batch.keys = address(at + done * key);
		attr.batch.count = count - done;
		rc = call(BPF_MAP_DELETE_BATCH, &attr);
		if (rc < 0 && rc != -ENOENT) {
			return rc;
		}
		/* It stops at one that is not there. */
		done += attr.batch.count + (rc < 0);
	}
	return 0;
}

int
bpf_map_empty(int map, size_t key, size_t value)
{
	/* Who has given up his privileges gets no memory any more. */
	static uint64_t room[EMPTY_ROOM / sizeof(uint64_t)];
	const size_t count = sizeof room / (key + value);
	uint32_t next = 0;
	bool first = true;
	int rc = 0;

	while (rc == 0) {
		union bpf_attr attr = { 0 };

		attr.batch.map_fd = (uint32_t)map;
		attr.batch.in_batch = first ? 0 : address(&next);
		attr.batch.out_batch = address(&next);
		attr.batch.keys = address(room);
		attr.batch.values = address(room) + count * key;
		attr.batch.count = (uint32_t)count;
		rc = call(BPF_MAP_LOOKUP_AND_DELETE_BATCH, &attr);
		first = false;
	}
	/* It may have had keys. */
	bytes_wipe(room, sizeof room);
	return rc == -ENOENT ? 0 : rc;
}

int
bpf_map_next(int map, const void *key, void *next)
{
	return on_entry(BPF_MAP_GET_NEXT_KEY, map, key, next, 0);
}

int
bpf_map_write(int map, const void *bytes, size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	if (at == MAP_FAILED) {
		return -errno;
	}
	memcpy(at, bytes, size);
	munmap(at, size);
	return 0;
}

static int
map_info(int map, struct bpf_map_info *info)
{
	union bpf_attr attr = { 0 };

	memset(info, 0, sizeof *info);
	attr.info.bpf_fd = (uint32_t)map;
	attr.info.info_len = sizeof *info;
	attr.info.info = address(info);
	return call(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

uint32_t
bpf_map_id(int map)
{
	struct bpf_map_info info;

	return map_info(map, &info) < 0 ? 0 : info.id;
}

int
bpf_map_describe(int map, struct bpf_map *made)
{
	struct bpf_map_info info;
	int rc = map_info(map, &info);

	*made = (struct bpf_map){ info.type, info.key_size, info.value_size,
				  info.max_entries, info.map_flags };
	return rc;
}

/* Those that such a map has values for. */
static unsigned
count_processors(void)
{
	static const char path[] = "/sys/devices/system/cpu/possible";
	FILE *file = fopen(path, "re");
	unsigned first = 0, last = 0;
	int c = ',';

	/* Ranges, as "0-3" or "0,2-5": the last number counts. */
	while (file && c != EOF && fscanf(file, "%u", &first) == 1) {
		last = first > last ? first : last;
		c = fgetc(file);
	}
	if (file) {
		fclose(file);
	}
	return last + 1;
}

int
bpf_map_sums(int map, uint64_t *sums, uint32_t count)
{
	static uint64_t each[PROCESSORS_MAX];
	static unsigned processors; /* the same until the host starts anew */
	int status = 0;

	memset(sums, 0, count * sizeof *sums);
	if (map < 0) {
		return -EBADF;
	}
	if (processors == 0) {
		processors = count_processors();
	}
	if (processors > PROCESSORS_MAX) {
		return -E2BIG;
	}
	for (uint32_t i = 0; i < count; i++) {
		int rc = bpf_map_get(map, &i, each);

		status = rc < 0 ? rc : status;
		for (unsigned n = 0; rc == 0 && n < processors; n++) {
			sums[i] += each[n];
		}
	}
	return status;
}

/*
 * Each function of a program, and the program itself, is `int f(int x)` to the
 * kernel.  One that is global by its type is checked once, for any x, and not
 * anew at each call.
 */
enum { TYPE_INT = 1, TYPE_PROTOTYPE, TYPE_FUNCTION };
static const struct {
	struct btf_header header;
	struct {
		struct btf_type number;
		uint32_t encoding;
		struct btf_type prototype;
		struct btf_param argument;
		struct btf_type function;
	} types;
	char names[12];
} function_types = {
	.header = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = sizeof(struct btf_header),
		.type_len = sizeof function_types.types,
		.str_off = sizeof function_types.types,
		.str_len = sizeof function_types.names,
	},
	.types = {
		.number = {
			.name_off = 1,
			.info = BTF_KIND_INT << 24,
			.size = sizeof(int),
		},
		.encoding = BTF_INT_SIGNED << 24 | 32,
		.prototype = {
			.info = BTF_KIND_FUNC_PROTO << 24 | 1,
			.type = TYPE_INT,
		},
		.argument = { .name_off = 5, .type = TYPE_INT },
		.function = {
			.name_off = 7,
			.info = BTF_KIND_FUNC << 24 | BTF_FUNC_GLOBAL,
			.type = TYPE_PROTOTYPE,
		},
	},
	.names = "\0int\0x\0tap",
};

static int
load_types(void)
{
	union bpf_attr attr = { 0 };

	attr.btf = address(&function_types);
	attr.btf_size = sizeof function_types;
	return call(BPF_BTF_LOAD, &attr);
}

static int
load(const struct bpf_insn *insns, size_t count,
     const struct bpf_program *program, const struct elf_functions *functions)
{
	struct bpf_func_info info[1 + ELF_FUNCTIONS_MAX] = {
		{ 0, TYPE_FUNCTION },
	};
	/* What the program is under: only that it is no GPL matters. */
	static const char licence[] = "ISC";
	union bpf_attr attr = { 0 };
	int types, rc;

	attr.prog_type = program->type;
	attr.expected_attach_type = program->attach;
	attr.prog_flags = program->flags;
	attr.insns = address(insns);
	attr.insn_cnt = (uint32_t)count;
	attr.license = address(licence);
	snprintf(attr.prog_name, sizeof attr.prog_name, "%s", program->name);
	if (functions->count == 0) {
		return call(BPF_PROG_LOAD, &attr);
	}
	for (size_t i = 0; i < functions->count; i++) {
		info[1 + i].insn_off = functions->start[i];
		info[1 + i].type_id = TYPE_FUNCTION;
	}
	types = load_types();
	if (types < 0) {
		return types;
	}
	attr.prog_btf_fd = (uint32_t)types;
	attr.func_info_rec_size = sizeof info[0];
	attr.func_info = address(info);
	attr.func_info_cnt = 1 + (uint32_t)functions->count;
	rc = call(BPF_PROG_LOAD, &attr);
	close(types);
	return rc;
}

int
bpf_insns_load(const struct bpf_insn *insns, size_t count, uint32_t type,
	       uint32_t attach, const char *name)
{
	const struct elf_functions none = { .count = 0 };
	const struct bpf_program program = {
		.type = type,
		.attach = attach,
		.name = name,
	};

	return load(insns, count, &program, &none);
}

int
bpf_program_load(const struct bpf_program *program)
{
	uint8_t *insns = malloc(ELF_PROGRAM_MAX);
	struct elf_functions functions;
	long len;
	int rc;

	if (!insns) {
		return -ENOMEM;
	}
	len = elf_program(program->object, program->size, program->section,
			  program->symbols, program->symbols_count, insns,
			  &functions);
	rc = len < 0 ? -ENOEXEC
		     : load((const void *)insns, (size_t)len / ELF_INSN,
			    program, &functions);
	free(insns);
	return rc;
}

int
bpf_attach_cgroup(int program, int cgroup, uint32_t attach)
{
	union bpf_attr attr = { 0 };

	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = attach;
	return call(BPF_PROG_ATTACH, &attr);
}

int
bpf_link_make(int program, uint32_t device, uint32_t attach, uint32_t flags)
{
	union bpf_attr attr = { 0 };

	attr.link_create.prog_fd = (uint32_t)program;
	attr.link_create.target_ifindex = device;
	attr.link_create.attach_type = attach;
	attr.link_create.flags = flags;
	return call(BPF_LINK_CREATE, &attr);
}

int
bpf_link_query(uint32_t device, uint32_t attach)
{
	union bpf_attr attr = { 0 };

	attr.query.target_fd = device; /* the same place: target_ifindex */
	attr.query.attach_type = attach;
	return call(BPF_PROG_QUERY, &attr);
}

/*
 * The kernel waits for that before it returns from a change of a map of
 * maps: who made it must not see the old map in use any more.
 */
int
bpf_wait(void)
{
	const struct bpf_map inner = { BPF_MAP_TYPE_ARRAY, 4, 4, 1, 0 };
	union bpf_attr attr = { 0 };
	const uint32_t zero = 0;
	int map = bpf_map_make(&inner);
	int outer, rc;

	if (map < 0) {
		return map;
	}
	attr.map_type = BPF_MAP_TYPE_ARRAY_OF_MAPS;
	attr.key_size = attr.value_size = 4;
	attr.max_entries = 1;
	attr.inner_map_fd = (uint32_t)map;
	outer = call(BPF_MAP_CREATE, &attr);
	rc = outer;
	if (outer >= 0) {
		const uint32_t value = (uint32_t)map;

		rc = bpf_map_put(outer, &zero, &value, BPF_ANY);
		close(outer);
	}
	close(map);
	return rc;
}

static int
run(int program, void *frame, size_t len, struct __sk_buff *context,
    int *verdict)
{
	union bpf_attr attr = { 0 };
	int rc;

	if (context) {
		attr.test.ctx_in = attr.test.ctx_out = address(context);
		attr.test.ctx_size_in = sizeof *context;
		attr.test.ctx_size_out = sizeof *context;
	}
	attr.test.prog_fd = (uint32_t)program;
	attr.test.data_in = address(frame);
	attr.test.data_size_in = (uint32_t)len;
	attr.test.data_out = address(frame);
	attr.test.data_size_out = (uint32_t)len;
	attr.test.repeat = 1;
	rc = call(BPF_PROG_TEST_RUN, &attr);
	/* Of tc it may be -1 as well: that is no error here. */
	*verdict = (int)attr.test.retval;
	return rc;
}

int
bpf_program_run(int program, void *frame, size_t len, int *verdict)
{
	return run(program, frame, len, NULL, verdict);
}

int
bpf_program_run_marked(int program, void *frame, size_t len, uint32_t *mark,
		       int *verdict)
{
	struct __sk_buff context = { .mark = *mark };
	int rc = run(program, frame, len, &context, verdict);

	*mark = context.mark;
	return rc;
}

int
bpf_program_live(int program, const void *frame, size_t len, uint32_t device,
		 uint32_t repeat)
{
	union bpf_attr attr = { 0 };
	struct xdp_md context = {
		.data_end = (uint32_t)len,
		.ingress_ifindex = device,
	};

	attr.test.prog_fd = (uint32_t)program;
	attr.test.data_in = address(frame);
	attr.test.data_size_in = (uint32_t)len;
	attr.test.ctx_in = address(&context);
	attr.test.ctx_size_in = sizeof context;
	attr.test.repeat = repeat;
	attr.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
	attr.test.batch_size = LIVE_BATCH;
	return call(BPF_PROG_TEST_RUN, &attr);
}

void
bpf_close(int *fd)
{
	if (*fd >= 0) {
		close(*fd);
	}
	*fd = -1;
}
