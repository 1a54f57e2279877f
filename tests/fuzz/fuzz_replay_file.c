/* SPDX-License-Identifier: ISC */
/*
 * A file of replays as somebody has left it: only one that is whole is kept,
 * and what is opened works.  The time, then what is written over such a file:
 * each piece an offset, a length and bytes; then how much is cut off.
 */
#include "base/why.h"
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/piece.h"
#include "server/replay_file.c"

#define CAPACITY REPLAY_CAPACITY_MIN
#define NOW 1000000u

static char path[64];

static void
remove_path(void)
{
	unlink(path);
}

static void
make_path(void)
{
	int fd;

	if (path[0]) {
		return;
	}
	snprintf(path, sizeof path, "/tmp/tap-fuzz-replays.XXXXXX");
	fd = mkstemp(path);
	CHECK(fd >= 0);
	close(fd);
	atexit(remove_path);
}

/* Bytes of such a file. */
static size_t
whole(void)
{
	return HEADER + replay_store_size(CAPACITY) +
		sizeof(struct connections);
}

static void
open_store(struct replay_file *store, uint64_t now)
{
	char why[WHY_MAX];

	CHECK(replay_file_open(store, path, CAPACITY, now, why) == 0);
	CHECK(store->state != REPLAY_FILE_MEMORY);
	CHECK(why[0] == '\0');
	CHECK(store->size == whole());
}

/* True where the header was changed, or the size. */
static bool
damage(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_over(data, size);
	int fd = open(path, O_RDWR);
	bool changed = false;
	uint8_t was[256];

	CHECK(fd >= 0);
	while (cursor_left(&c) > 3) {
		off_t at = cursor_u16(&c);
		size_t len = cursor_u8(&c);
		const uint8_t *bytes;

		bytes = piece(&c, &len);
		memset(was, 0, sizeof was);
		if (pread(fd, was, len, at) != (ssize_t)len ||
		    (at < HEADER && memcmp(was, bytes, len) != 0)) {
			changed = true;
		}
		CHECK(pwrite(fd, bytes, len, at) == (ssize_t)len);
	}
	if (cursor_left(&c) > 0) {
		off_t end = lseek(fd, 0, SEEK_END) - cursor_u8(&c);

		CHECK(ftruncate(fd, end) == 0);
	}
	changed |= lseek(fd, 0, SEEK_END) != (off_t)whole();
	close(fd);
	return changed;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct replay_file store;
	struct replay replay;
	uint8_t *index = malloc(replay_index_size(CAPACITY));
	static const struct hash_key key = { 1, 2 };
	bool changed;

	CHECK(index != NULL);
	make_path();
	CHECK(truncate(path, 0) == 0);
	open_store(&store, NOW);
	CHECK(store.state == REPLAY_FILE_NEW);
	replay_file_close(&store);
	changed = damage(data, size);
	open_store(&store, NOW + 1);
	CHECK(store.state != REPLAY_FILE_NEW);
	CHECK(changed || store.state == REPLAY_FILE_KEPT ||
	      store.state == REPLAY_FILE_PARTIAL);
	/* What knows less than all begins later than all that was accepted. */
	CHECK(store.state == REPLAY_FILE_KEPT ||
	      store.begin_ms == NOW + 1 + INGRESS_AHEAD_MS);
	CHECK(store.state != REPLAY_FILE_KEPT || store.begin_ms <= NOW + 1);
	replay_init(&replay, store.replay, index, CAPACITY, &key);
	replay_remember(&replay, 7, UINT64_MAX - 1);
	CHECK(replay_remember(&replay, 7, UINT64_MAX - 1) != REPLAY_NEW);
	replay_file_close(&store);
	/* And now it is one of ours. */
	open_store(&store, NOW + 2);
	CHECK(store.state == REPLAY_FILE_KEPT ||
	      store.state == REPLAY_FILE_PARTIAL);
	replay_file_close(&store);
	free(index);
	return 0;
}
