#include "unit/guests_fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guests/btf.h"

#define DIRECT_4 0xffff9a4000000000u
#define DIRECT_5 0xff3a9a4000000000u
#define PATH_MAX_HERE 64
#define PRESENT 1u
#define LARGE 0x80u
#define BUCKETS 16u
#define MIX 0x1234567u
#define DEVICES 128u /* bytes of what has no size in LAYOUT */

struct field {
	const char *structure, *path;
	uint32_t size;
};

#define FIELD(name, part, structure, path, size) { structure, path, size },
static const struct field fields[] = { LAYOUT(FIELD, FIELD) };
#undef FIELD

/* ---- types */

struct types {
	uint8_t types[FAKE_BTF_MAX / 2], strings[FAKE_BTF_MAX / 4];
	size_t types_len, strings_len;
	uint32_t count;
	bool newer;
};

static void
put32(struct types *t, uint64_t value)
{
	for (unsigned i = 0; i < 4; i++) {
		t->types[t->types_len++] = (uint8_t)(value >> 8 * i);
	}
}

static uint32_t
put_string(struct types *t, const char *text, size_t len)
{
	const uint32_t at = (uint32_t)t->strings_len;

	memcpy(t->strings + at, text, len);
	t->strings[at + len] = '\0';
	t->strings_len += len + 1;
	return at;
}

static uint32_t
put_int(struct types *t, uint32_t size)
{
	put32(t, 0);
	put32(t, 1u << 24);
	put32(t, size);
	put32(t, size * 8);
	return ++t->count;
}

static uint32_t
put_array(struct types *t, uint32_t of, uint32_t count)
{
	put32(t, 0);
	put32(t, 3u << 24);
	put32(t, 0);
	put32(t, of);
	put32(t, of);
	put32(t, count);
	return ++t->count;
}

/* What newer kernels do not have, or older ones. */
static bool
is_there(const struct types *t, const struct field *f)
{
	return strcmp(f->path, t->newer ? "owners.first" : "bhash2.first") !=
		0 ||
		strcmp(f->structure, "inet_bind_bucket") != 0;
}

struct made {
	uint32_t type, size;
};

static struct made
put_leaf(struct types *t, uint32_t size)
{
	struct made m = { .size = size ? size : DEVICES };

	m.type = m.size <= 8 ? put_int(t, m.size)
			     : put_array(t, put_int(t, 1), m.size);
	return m;
}

static struct made put_structure(struct types *t, const char *name,
				 const char *prefix);

/* A member of the structure: a leaf, or what has members of its own. */
static struct made
put_member(struct types *t, const struct field *f, const char *prefix,
	   size_t len)
{
	char longer[PATH_MAX_HERE];
	const size_t whole = strlen(prefix) + len;

	if (f->path[whole] == '\0') {
		return put_leaf(t, f->size);
	}
	memcpy(longer, f->path, whole + 1);
	longer[whole + 1] = '\0';
	return put_structure(t, f->structure, longer);
}

static struct made
put_structure(struct types *t, const char *name, const char *prefix)
{
	uint32_t names[64], types[64], offsets[64];
	uint32_t count = 0, at = *prefix ? 0 : 24;
	const char *last = "";
	size_t last_len = 0;

	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		const struct field *f = &fields[i];
		const size_t skip = strlen(prefix);
		size_t len;
		struct made m;

		if (strcmp(f->structure, name) != 0 ||
		    strncmp(f->path, prefix, skip) != 0 || !is_there(t, f)) {
			continue;
		}
		len = strcspn(f->path + skip, ".");
		if (len == last_len &&
		    strncmp(last, f->path + skip, len) == 0) {
			continue;
		}
		last = f->path + skip;
		last_len = len;
		/* What only stands for others has what follows as its own. */
		if (f->path[skip + len] == '\0' &&
		    i + 1 < sizeof fields / sizeof fields[0] &&
		    strncmp(fields[i + 1].path, f->path, skip + len) == 0 &&
		    fields[i + 1].path[skip + len] == '.') {
			last_len = 0;
			continue;
		}
		m = put_member(t, f, prefix, len);
		at = (at + 7) & ~7u;
		names[count] = put_string(t, last, len);
		types[count] = m.type;
		offsets[count++] = at;
		at += m.size;
	}
	put32(t, *prefix ? 0 : put_string(t, name, strlen(name)));
	put32(t, 4u << 24 | count);
	put32(t, (at + 7) & ~7u);
	for (uint32_t i = 0; i < count; i++) {
		put32(t, names[i]);
		put32(t, types[i]);
		put32(t, offsets[i] * 8);
	}
	return (struct made){ ++t->count, (at + 7) & ~7u };
}

static void
store32(uint8_t *at, uint64_t value)
{
	for (unsigned i = 0; i < 4; i++) {
		at[i] = (uint8_t)(value >> 8 * i);
	}
}

static void
make_types(struct fake *fake)
{
	static const uint8_t begin[] = {
		0x9f, 0xeb, 1, 0, BTF_HEADER, 0, 0, 0
	};
	struct types *t = calloc(1, sizeof *t);

	t->newer = fake->newer;
	t->strings_len = 1;
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		size_t j = 0;

		while (strcmp(fields[j].structure, fields[i].structure) != 0) {
			j++;
		}
		if (i == j) {
			put_structure(t, fields[i].structure, "");
		}
	}
	memcpy(fake->btf, begin, sizeof begin);
	store32(fake->btf + 8, 0);
	store32(fake->btf + 12, t->types_len);
	store32(fake->btf + 16, t->types_len);
	store32(fake->btf + 20, t->strings_len);
	memcpy(fake->btf + BTF_HEADER, t->types, t->types_len);
	memcpy(fake->btf + BTF_HEADER + t->types_len, t->strings,
	       t->strings_len);
	fake->btf_len = BTF_HEADER + t->types_len + t->strings_len;
	free(t);
}

/* ---- memory */

uint8_t *
fake_at(struct fake *fake, uint64_t address)
{
	return fake->ram +
		(address >= PAGING_IMAGE ? address - FAKE_IMAGE
					 : address - fake->direct);
}

void
fake_put(struct fake *fake, uint64_t address, uint64_t value)
{
	store32(fake_at(fake, address), value);
	store32(fake_at(fake, address) + 4, value >> 32);
}

void
fake_set(struct fake *fake, uint64_t address, enum layout_field field,
	 uint64_t value)
{
	uint8_t *at = fake_at(fake, address) + fake->layout.offset[field];

	for (uint32_t i = 0; i < fields[field].size && i < 8; i++) {
		at[i] = (uint8_t)(value >> 8 * i);
	}
}

/* Room that is aligned as the kernel's, and zeroed. */
static uint64_t
room(struct fake *fake, size_t len, size_t align)
{
	const size_t at = (fake->used + align - 1) & ~(align - 1);

	fake->used = at + len;
	if (fake->used > FAKE_RAM) {
		abort();
	}
	return fake->direct + at;
}

static uint64_t
part(struct fake *fake, enum layout_part of)
{
	return room(fake, fake->layout.end[of] + 64, 64);
}

static void
set_text(struct fake *fake, uint64_t address, enum layout_field field,
	 const char *text)
{
	memcpy(fake_at(fake, address) + fake->layout.offset[field], text,
	       strlen(text) + 1);
}

/* The entries for an address, down to a page of `last`'s size. */
static void
map(struct fake *fake, uint64_t tables, uint64_t address, unsigned last)
{
	for (unsigned level = fake->levels; level > last; level--) {
		const unsigned shift = 12 + 9 * (level - 1);
		const uint64_t at = tables + 8 * (address >> shift & 511);
		uint64_t entry;

		memcpy(&entry, fake_at(fake, at), sizeof entry);
		if (entry == 0) {
			entry = room(fake, 4096, 4096) - fake->direct;
			fake_put(fake, at, entry | PRESENT);
		}
		tables = fake->direct + (entry & ~(uint64_t)4095);
	}
	fake_put(fake, tables + 8 * (address >> (12 + 9 * (last - 1)) & 511),
		 PRESENT | LARGE);
}

static uint64_t
make_tables(struct fake *fake)
{
	const uint64_t tables = room(fake, 4096, 4096);

	map(fake, tables, FAKE_IMAGE, 2);
	map(fake, tables, fake->direct, 3);
	return tables;
}

static uint64_t
make_dentry(struct fake *fake, uint64_t above, const char *name)
{
	const uint64_t at = part(fake, LAYOUT_PART_DENTRY);
	const uint64_t text = room(fake, strlen(name) + 1, 1);

	memcpy(fake_at(fake, text), name, strlen(name) + 1);
	fake_set(fake, at, LAYOUT_DENTRY_NAME, text);
	fake_set(fake, at, LAYOUT_DENTRY_LEN, strlen(name));
	fake_set(fake, at, LAYOUT_DENTRY_PARENT, above ? above : at);
	fake_set(fake, at, LAYOUT_DENTRY_HASHED, at);
	return at;
}

/* Its mm, whose program is /bin/talker. */
static uint64_t
make_mm(struct fake *fake)
{
	const uint64_t mm = part(fake, LAYOUT_PART_MM);
	const uint64_t exe = part(fake, LAYOUT_PART_FILE);
	const uint64_t root = make_dentry(fake, 0, "/");
	const uint64_t bin = make_dentry(fake, root, "bin");

	fake->dentry = make_dentry(fake, bin, "talker");
	fake->mount = part(fake, LAYOUT_PART_MOUNT);
	fake_set(fake, fake->mount, LAYOUT_MOUNT_PARENT, fake->mount);
	fake_set(fake, fake->mount, LAYOUT_MOUNT_ROOT, root);
	fake_set(fake, exe, LAYOUT_FILE_DENTRY, fake->dentry);
	fake_set(fake, exe, LAYOUT_FILE_MOUNT,
		 fake->mount + fake->layout.offset[LAYOUT_MOUNT_MNT]);
	fake_set(fake, mm, LAYOUT_MM_PGD, make_tables(fake));
	fake_set(fake, mm, LAYOUT_MM_EXE, exe);
	return mm;
}

static void
make_files(struct fake *fake)
{
	const uint64_t fdt = part(fake, LAYOUT_PART_FDT);

	fake->files = part(fake, LAYOUT_PART_FILES);
	fake->table = room(fake, 64 * 8, 64);
	fake_set(fake, fake->files, LAYOUT_FILES_COUNT, 1);
	fake_set(fake, fake->files, LAYOUT_FILES_FDT, fdt);
	fake_set(fake, fdt, LAYOUT_FDT_MAX, 64);
	fake_set(fake, fdt, LAYOUT_FDT_FD, fake->table);
}

static void
make_processes(struct fake *fake)
{
	static const char *const comms[FAKE_PROCESSES] = {
		"swapper/0", "init", "kthreadd", "talker", "sh", "cron",
	};
	const uint32_t link = fake->layout.offset[LAYOUT_TASK_NEXT];
	const uint64_t mm = make_mm(fake);

	make_files(fake);
	fake->signal = part(fake, LAYOUT_PART_SIGNAL);
	for (unsigned i = 0; i < FAKE_PROCESSES; i++) {
		fake->task[i] = part(fake, LAYOUT_PART_TASK);
	}
	fake->task[0] += FAKE_IMAGE - fake->direct;
	for (unsigned i = 0; i < FAKE_PROCESSES; i++) {
		const uint64_t task = fake->task[i];
		const uint64_t cred = part(fake, LAYOUT_PART_CRED);
		const uint64_t above = fake->task[i < 3 ? 0 : 1];

		fake_set(fake, task, LAYOUT_TASK_NEXT,
			 fake->task[(i + 1) % FAKE_PROCESSES] + link);
		fake_set(fake, task, LAYOUT_TASK_PREV,
			 fake->task[(i + FAKE_PROCESSES - 1) % FAKE_PROCESSES] +
				 link);
		fake_set(fake, task, LAYOUT_TASK_PID, i);
		fake_set(fake, task, LAYOUT_TASK_TGID, i);
		fake_set(fake, task, LAYOUT_TASK_PARENT, above);
		fake_set(fake, task, LAYOUT_TASK_LEADER, task);
		fake_set(fake, task, LAYOUT_TASK_START, 1000 + i);
		fake_set(fake, task, LAYOUT_TASK_CRED, cred);
		fake_set(fake, task, LAYOUT_TASK_SIGNAL, fake->signal);
		fake_set(fake, cred, LAYOUT_CRED_EUID, i == 3 ? FAKE_UID : 0);
		set_text(fake, task, LAYOUT_TASK_COMM, comms[i]);
		if (i == 1 || i >= 3) {
			fake_set(fake, task, LAYOUT_TASK_MM, mm);
		}
		if (i == 3) {
			fake_set(fake, task, LAYOUT_TASK_FILES, fake->files);
		}
	}
}

/* The connection of process 3. */
static void
make_socket(struct fake *fake)
{
	static const uint8_t src[] = { 10, 9, 0, 1 }, dst[] = { 10, 9, 0, 77 };
	const uint64_t inode = part(fake, LAYOUT_PART_INODE);
	struct guest_connection *c = &fake->connection;
	uint8_t *sock;

	fake->sock = part(fake, LAYOUT_PART_SOCK);
	fake->socket = part(fake, LAYOUT_PART_SOCKET);
	fake->file = part(fake, LAYOUT_PART_FILE);
	*c = (struct guest_connection){ .src.family = 4,
					.dst.family = 4,
					.sport = 36002,
					.dport = 25,
					.opening = true,
					.parents = true };
	memcpy(c->src.bytes, src, 4);
	memcpy(c->dst.bytes, dst, 4);
	sock = fake_at(fake, fake->sock);
	memcpy(sock + fake->layout.offset[LAYOUT_SOCK_SRC], src, 4);
	memcpy(sock + fake->layout.offset[LAYOUT_SOCK_DST], dst, 4);
	fake_set(fake, fake->sock, LAYOUT_SOCK_SPORT, c->sport);
	fake_set(fake, fake->sock, LAYOUT_SOCK_DPORT, 25 << 8);
	fake_set(fake, fake->sock, LAYOUT_SOCK_FAMILY, 2);
	fake_set(fake, fake->sock, LAYOUT_SOCK_STATE, 2);
	fake_set(fake, fake->sock, LAYOUT_SOCK_TYPE, 1);
	fake_set(fake, fake->sock, LAYOUT_SOCK_PROTOCOL, 6);
	fake_set(fake, fake->sock, LAYOUT_SOCK_UID, FAKE_UID);
	fake_set(fake, fake->sock, LAYOUT_SOCK_SOCKET, fake->socket);
	fake_set(fake, fake->socket, LAYOUT_SOCKET_SOCK, fake->sock);
	fake_set(fake, fake->socket, LAYOUT_SOCKET_FILE, fake->file);
	fake_set(fake, fake->file, LAYOUT_FILE_PRIVATE, fake->socket);
	fake_set(fake, fake->file, LAYOUT_FILE_INODE, inode);
	fake_set(fake, fake->file, LAYOUT_FILE_COUNT, 1);
	fake_set(fake, inode, LAYOUT_INODE_MODE, 0140777);
	fake_put(fake, fake->table + 3 * 8, fake->file);
}

/* And where that is found. */
static void
make_net(struct fake *fake)
{
	const struct layout *l = &fake->layout;
	const uint64_t hashes = part(fake, LAYOUT_PART_HASHES);
	const uint64_t buckets = room(fake, BUCKETS * l->bucket, 64);
	const uint64_t bucket = buckets +
		((fake->connection.sport + MIX) & (BUCKETS - 1)) * l->bucket;
	const uint64_t nsproxy = part(fake, LAYOUT_PART_NSPROXY);
	const uint64_t uts = part(fake, LAYOUT_PART_UTS);
	const uint64_t head = room(fake, 16, 16) - fake->direct + FAKE_IMAGE;
	const uint64_t link = l->offset[LAYOUT_SOCK_NODE];

	fake->net = room(fake, 4096, 64);
	fake_set(fake, fake->net, LAYOUT_NET_MIX, MIX);
	fake_set(fake, fake->net, LAYOUT_NET_LIST, head);
	fake_put(fake, head, fake->net + l->offset[LAYOUT_NET_LIST]);
	fake_put(fake,
		 fake->net + l->offset[LAYOUT_NET_DEATH_ROW] +
			 l->offset[LAYOUT_DEATH_ROW_HASHES],
		 hashes);
	fake_set(fake, hashes, LAYOUT_HASHES_BIND, buckets);
	fake_set(fake, hashes, LAYOUT_HASHES_BIND_SIZE, BUCKETS);
	fake->port = part(fake, LAYOUT_PART_PORT);
	fake_set(fake, bucket, LAYOUT_BIND_CHAIN,
		 fake->port + l->offset[LAYOUT_PORT_NODE]);
	fake_set(fake, fake->port, LAYOUT_PORT_NUMBER, fake->connection.sport);
	if (fake->newer) {
		const uint64_t address = part(fake, LAYOUT_PART_ADDRESS);

		fake_set(fake, fake->port, LAYOUT_PORT_ADDRESSES,
			 address + l->offset[LAYOUT_ADDRESS_NODE]);
		fake_set(fake, address, LAYOUT_ADDRESS_OWNERS,
			 fake->sock + link);
	} else {
		fake_set(fake, fake->port, LAYOUT_PORT_OWNERS,
			 fake->sock + link);
	}
	fake_set(fake, nsproxy, LAYOUT_NSPROXY_NET, fake->net);
	fake_set(fake, nsproxy, LAYOUT_NSPROXY_UTS, uts);
	set_text(fake, uts, LAYOUT_UTS_RELEASE, "6.1.0-fake");
	fake_set(fake, fake->task[0], LAYOUT_TASK_NSPROXY, nsproxy);
}

void
fake_make(struct fake *fake, unsigned levels, bool newer)
{
	uint32_t *index = malloc(BTF_TYPES_MAX * sizeof *index);
	const char *missing = "";
	struct btf btf;

	memset(fake, 0, sizeof *fake);
	fake->levels = levels;
	fake->newer = newer;
	fake->direct = levels == 5 ? DIRECT_5 : DIRECT_4;
	fake->used = 4096;
	make_types(fake);
	if (!btf_open(&btf, fake->btf, fake->btf_len, index) ||
	    !layout_from(&fake->layout, &btf, &missing)) {
		abort();
	}
	free(index);
	make_processes(fake);
	make_socket(fake);
	make_net(fake);
}

uint64_t
fake_init_task(const struct fake *fake)
{
	return fake->task[0] - FAKE_IMAGE;
}

static int
read_fake(void *of, uint64_t physical, void *into, size_t len)
{
	struct fake *fake = of;

	fake->reads++;
	if (fake->most != 0 && fake->reads > fake->most) {
		return -ETIME;
	}
	if (physical > FAKE_RAM || len > FAKE_RAM - physical) {
		return -EFAULT;
	}
	memcpy(into, fake->ram + physical, len);
	if (fake->change) {
		fake->change(fake, physical, into, len);
	}
	return 0;
}

void
fake_kernel(struct fake *fake, struct kernel *kernel)
{
	*kernel = (struct kernel){
		.layout = fake->layout,
		.paging.ram = { read_fake, fake, FAKE_RAM },
	};
	fake->reads = 0;
}
