#include "daemon/isolate.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/spawn.h"
#include "daemon/log_sink.h"

#define MAPPINGS_MAX 256u

struct mapping {
	uintptr_t from, to;
};

/*
 * What is shared, in one go: the list changes with what is let go.  How many,
 * or -errno.
 */
static int
find_shared(struct mapping found[MAPPINGS_MAX], const void *but)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	const uintptr_t kept = (uintptr_t)but;
	char line[512];
	int count = 0;

	if (!maps) {
		return -errno;
	}
	while (fgets(line, sizeof line, maps)) {
		unsigned long from, to;
		char how[8];

		if (sscanf(line, "%lx-%lx %7s", &from, &to, how) != 3 ||
		    how[3] != 's' || (kept >= from && kept < to)) {
			continue;
		}
		if (count == (int)MAPPINGS_MAX) {
			count = -E2BIG;
			break;
		}
		found[count++] = (struct mapping){ from, to };
	}
	fclose(maps);
	return count;
}

int
isolate_memory(const void *but)
{
	static struct mapping found[MAPPINGS_MAX];
	const int count = find_shared(found, but);

	for (int i = 0; i < count; i++) {
		if (munmap((void *)found[i].from, found[i].to - found[i].from) <
		    0) {
			return -errno;
		}
	}
	return count < 0 ? count : 0;
}

int
isolate(const int *fds, size_t count, const void *shared)
{
	int kept[ISOLATE_FDS_MAX + 1] = { log_sink_fd() };
	const int rc =
		count > ISOLATE_FDS_MAX ? -E2BIG : isolate_memory(shared);

	if (rc == 0) {
		memcpy(kept + 1, fds, count * sizeof *fds);
		spawn_close_others(kept, count + 1);
	}
	return rc;
}
