#include "server/replay_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/why.h"
#include "base/bytes.h"
#include "base/siphash.h"
#include "fastpath/ingress_map.h"

#define HEADER 4096u /* a page: what follows it is aligned */
#define VERSION 3u
#define ID_BYTES 16u

/* Where the fields are that have no fixed value. */
#define BOOT_AT 16
#define MACHINE_AT 32
#define BEGIN_AT 48
#define CHECK_AT 56
#define AHEAD_AT 64
#define ZEROS_AT 72

static const char magic[8] = { 't', 'a', 'p', 'r', 'e', 'p', 'l', 'y' };

/* 128 bits in hexadecimal, as the kernel and systemd write their ids. */
static void
read_id(uint8_t id[ID_BYTES], const char *path)
{
	FILE *file = fopen(path, "re");
	char digits[2 * ID_BYTES + 1];
	size_t count = 0;
	int c;

	memset(id, 0, ID_BYTES);
	while (file && count < 2 * ID_BYTES && (c = getc(file)) != EOF) {
		if (c != '-') {
			digits[count++] = (char)c;
		}
	}
	if (file) {
		fclose(file);
	}
	if (count == 2 * ID_BYTES) {
		hex_decode(id, ID_BYTES, digits, count);
	}
}

/* Against damage, not against forgery: the key is no secret. */
static uint64_t
check_of(uint64_t begin_ms)
{
	static const struct hash_key key = { 0x7461702d73746f72,
					     0x652d626567696e73 };

	return hash_bytes(&key, &begin_ms, sizeof begin_ms);
}

static void
make_header(uint8_t header[HEADER], uint32_t capacity)
{
	memset(header, 0, HEADER);
	memcpy(header, magic, sizeof magic);
	be32_store(header + 8, VERSION);
	be32_store(header + 12, capacity);
	read_id(header + BOOT_AT, "/proc/sys/kernel/random/boot_id");
	read_id(header + MACHINE_AT, "/etc/machine-id");
}

/* What an existing file's header says, against what ours would be. */
static enum replay_file_state
judge(const uint8_t *found, const uint8_t *ours, uint64_t now_ms)
{
	static const uint8_t unknown[ID_BYTES];
	uint64_t begin, check, ahead;

	memcpy(&begin, found + BEGIN_AT, sizeof begin);
	memcpy(&check, found + CHECK_AT, sizeof check);
	memcpy(&ahead, found + AHEAD_AT, sizeof ahead);
	if (memcmp(found, ours, BOOT_AT) != 0 ||
	    memcmp(found + MACHINE_AT, ours + MACHINE_AT, ID_BYTES) != 0 ||
	    memcmp(found + ZEROS_AT, ours + ZEROS_AT, HEADER - ZEROS_AT) != 0 ||
	    check != check_of(begin)) {
		return REPLAY_FILE_LOST;
	}
	/* Without a boot id, it may have been another boot. */
	return memcmp(found + BOOT_AT, ours + BOOT_AT, ID_BYTES) == 0 &&
			memcmp(ours + BOOT_AT, unknown, ID_BYTES) != 0 &&
			begin <= now_ms && ahead == 0
		? REPLAY_FILE_KEPT
		: REPLAY_FILE_PARTIAL;
}

static int
fail(char *why, const char *path, const char *what)
{
	return why_set(why, -1,
		       "%s: %s; replays are remembered in "
		       "memory only",
		       path, what);
}

/* Only a regular file of our own, because its content is trusted. */
static int
open_file(const char *path, bool *is_new, char *why)
{
	struct stat st;
	int fd = open(path,
		      O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
		      0600);

	if (fd < 0) {
		return fail(why, path,
			    errno == ELOOP ? "is a symbolic link"
					   : strerror(errno));
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		fail(why, path, "is no regular file");
	} else if (st.st_uid != geteuid() || st.st_mode & 022) {
		fail(why, path, "others than this user may write it");
	} else if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		fail(why, path, "another server uses it");
	} else {
		*is_new = st.st_size == 0;
		return fd;
	}
	close(fd);
	return -1;
}

/* Allocate all blocks: a full disk fails now, and not as a SIGBUS later. */
static int
map_file(struct replay_file *store, const char *path, char *why)
{
	int error = posix_fallocate(store->fd, 0, (off_t)store->size);

	if (error || ftruncate(store->fd, (off_t)store->size) < 0) {
		return fail(why, path, strerror(error ? error : errno));
	}
	store->map = mmap(NULL, store->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			  store->fd, 0);
	if (store->map == MAP_FAILED) {
		return fail(why, path, strerror(errno));
	}
	return 0;
}

void
replay_file_begin(struct replay_file *store, uint64_t now_ms)
{
	uint64_t check = check_of(now_ms);
	uint8_t *header = store->map;

	store->begin_ms = now_ms;
	memcpy(header + BEGIN_AT, &now_ms, sizeof now_ms);
	memcpy(header + CHECK_AT, &check, sizeof check);
}

void
replay_file_set_ahead(struct replay_file *store, bool ahead)
{
	const uint64_t value = ahead;

	memcpy((uint8_t *)store->map + AHEAD_AT, &value, sizeof value);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Where things are in the mapping. */
static void
set_places(struct replay_file *store, uint32_t capacity)
{
	uint8_t *at = (uint8_t *)store->map + HEADER;

	store->replay = (void *)at;
	store->connections = (void *)(at + replay_store_size(capacity));
}

/*
 * Write the header. The process may be killed at any time, so the magic, which
 * makes it valid, comes last.
 */
static void
put_header(struct replay_file *store, const uint8_t *header, uint64_t now_ms)
{
	uint8_t *at = store->map;

	memset(at, 0, sizeof magic);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (store->state == REPLAY_FILE_NEW ||
	    store->state == REPLAY_FILE_LOST) {
		replay_format(store->replay, be32_load(header + 12));
		memset(store->connections, 0, sizeof *store->connections);
	}
	memcpy(at + sizeof magic, header + sizeof magic, HEADER - sizeof magic);
	replay_file_begin(store, now_ms);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	memcpy(at, magic, sizeof magic);
}

static int
open_mapped(struct replay_file *store, const char *path, uint32_t capacity,
	    uint64_t now_ms, char *why)
{
	uint8_t header[HEADER];
	bool is_new = false;
	struct stat st;

	store->fd = open_file(path, &is_new, why);
	if (store->fd < 0) {
		return -1;
	}
	if (fstat(store->fd, &st) < 0 || map_file(store, path, why) < 0) {
		close(store->fd);
		store->fd = -1;
		return -1;
	}
	make_header(header, capacity);
	store->state =
		is_new ? REPLAY_FILE_NEW : judge(store->map, header, now_ms);
	if ((size_t)st.st_size != store->size && !is_new) {
		store->state = REPLAY_FILE_LOST;
	}
	set_places(store, capacity);
	if (store->state == REPLAY_FILE_KEPT) {
		memcpy(&store->begin_ms, (uint8_t *)store->map + BEGIN_AT,
		       sizeof store->begin_ms);
	} else {
		/* What it does not have may be from a clock that is ahead. */
		put_header(store, header,
			   is_new ? now_ms : now_ms + INGRESS_AHEAD_MS);
	}
	return 0;
}

int
replay_file_open(struct replay_file *store, const char *path, uint32_t capacity,
		 uint64_t now_ms, char *why)
{
	*store = (struct replay_file){
		.state = REPLAY_FILE_MEMORY,
		.size = HEADER + replay_store_size(capacity) +
			sizeof *store->connections,
		.fd = -1,
	};
	why[0] = '\0';
	if (path && open_mapped(store, path, capacity, now_ms, why) == 0) {
		return 0;
	}
	store->map = mmap(NULL, store->size, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (store->map == MAP_FAILED) {
		store->map = NULL;
		return -1;
	}
	set_places(store, capacity);
	replay_format(store->replay, capacity);
	replay_file_begin(store, now_ms);
	return 0;
}

void
replay_file_leave(struct replay_file *store)
{
	if (sysconf(_SC_PAGESIZE) == HEADER) {
		munmap(store->map, HEADER);
		store->map = NULL;
	}
	if (store->fd >= 0) {
		close(store->fd);
		store->fd = -1;
	}
}

void
replay_file_close(struct replay_file *store)
{
	if (store->map) {
		munmap(store->map, store->size);
	}
	if (store->fd >= 0) {
		close(store->fd);
	}
	*store = (struct replay_file){ .fd = -1 };
}
