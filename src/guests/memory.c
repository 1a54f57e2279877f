#include "guests/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/spawn.h"
#include "guests/qmp.h"
#include "os/clock.h"

#define GIB (1ull << 30)
#define FOUR_GIB (4 * GIB)
#define SMALLEST (16ull << 20) /* no Linux of today runs in less */
#define PATH_MAX_HERE 256u
#define LOOK_AT_CLOCK 8u /* after so many reads */

/* ---- the process */

static int
open_at(int dir, const char *name, pid_t pid, char *why)
{
	char path[PATH_MAX_HERE];
	const int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		return fd;
	}
	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	if (errno == EACCES || errno == EPERM) {
		return why_set(why, -errno,
			       "%s: it needs the right to trace this process "
			       "(CAP_SYS_PTRACE)",
			       path);
	}
	return why_errno(why, -errno, path);
}

/* By the name of its program: others have no guest's RAM. */
static int
check_is_qemu(int dir, pid_t pid, char *why)
{
	char path[PATH_MAX_HERE];
	const ssize_t len = readlinkat(dir, "exe", path, sizeof path - 1);
	const char *name;

	if (len < 0) {
		return errno == ENOENT
			? why_set(why, -1, "process %d is no QEMU", (int)pid)
			: why_set(why, -errno, "/proc/%d/exe: %s", (int)pid,
				  strerror(errno));
	}
	path[len] = '\0';
	name = strrchr(path, '/');
	name = name ? name + 1 : path;
	return strncmp(name, "qemu-system", 11) == 0 ||
			strncmp(name, "qemu-kvm", 8) == 0 ||
			strncmp(name, "kvm", 3) == 0
		? 0
		: why_set(why, -1, "process %d is no QEMU, but %s", (int)pid,
			  path);
}

/*
 * The piece of memory that has this address; or with 0 the largest that is
 * written, and not executed.
 */
static int
find_ram(FILE *maps, uint64_t address, struct memory_region *ram)
{
	char line[PATH_MAX_HERE * 2], rights[8];
	uint64_t begin, end;
	bool whole = true;

	while (fgets(line, sizeof line, maps)) {
		const bool first = whole;

		whole = strchr(line, '\n') != NULL;
		if (first &&
		    sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s", &begin, &end,
			   rights) == 3 &&
		    strncmp(rights, "rw-", 3) == 0 && end > begin &&
		    (address == 0 ? end - begin > ram->len
				  : address >= begin && address < end)) {
			*ram = (struct memory_region){ 0, end - begin, begin };
		}
	}
	return ram->len >= SMALLEST ? 0 : -ENOENT;
}

static int
read_maps(struct memory *m, int dir, pid_t pid, uint64_t address, char *why)
{
	const int fd = open_at(dir, "maps", pid, why);
	FILE *maps;
	int rc;

	if (fd < 0) {
		return fd;
	}
	maps = fdopen(fd, "r");
	if (!maps) {
		close(fd);
		return why_errno(why, -ENOMEM, "/proc/PID/maps");
	}
	m->regions = 1;
	rc = find_ram(maps, address, &m->region[0]);
	fclose(maps);
	return rc < 0
		? why_set(why, -1, "process %d has no RAM of a guest", (int)pid)
		: 0;
}

/* RAM of a process, at an address if that is known, and else 0. */
static int
of_process(struct memory *m, pid_t pid, uint64_t address, char *why)
{
	char path[PATH_MAX_HERE];
	int rc, dir;

	*m = (struct memory){ .fd = -1 };
	snprintf(path, sizeof path, "/proc/%d", (int)pid);
	/* All of the same process, whoever gets its number later. */
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		return errno == ENOENT
			? why_set(why, -1, "there is no process %d", (int)pid)
			: why_errno(why, -errno, path);
	}
	rc = check_is_qemu(dir, pid, why);
	if (rc == 0) {
		rc = read_maps(m, dir, pid, address, why);
	}
	if (rc == 0) {
		m->fd = open_at(dir, "mem", pid, why);
		rc = m->fd < 0 ? m->fd : 0;
	}
	close(dir);
	return rc;
}

int
memory_of_process(struct memory *m, pid_t pid, char why[WHY_MAX])
{
	return of_process(m, pid, 0, why);
}

/* What begins at `low`; and behind the hole goes on at `high`, if not 0. */
static int
place(struct memory *m, uint64_t low, uint64_t high)
{
	const uint64_t end = m->region[0].at + m->region[0].len;

	m->placed = true;
	m->region[0] = (struct memory_region){ 0, end - low, low };
	if (high == 0) {
		return 0;
	}
	if (high <= low || high - low > FOUR_GIB || high >= end) {
		return -ENOTSUP;
	}
	m->region[0].len = high - low;
	m->region[1] = (struct memory_region){ FOUR_GIB, end - high, high };
	m->regions = 2;
	return 0;
}

/* What a process has found that may wait for QEMU; it is read here. */
struct asked {
	char path[PATH_MAX_HERE];
	pid_t pid;
	uint64_t low, high;
	int rc;
	char why[WHY_MAX];
};

static int
ask(void *context)
{
	struct asked *a = context;
	const int fd = qmp_open(a->path, &a->pid, a->why);

	a->rc = fd;
	if (fd < 0) {
		return 0;
	}
	a->rc = qmp_address(fd, 0, &a->low);
	if (a->rc == 0) {
		a->rc = qmp_address(fd, FOUR_GIB, &a->high);
		a->rc = a->rc == -ENOENT ? 0 : a->rc;
	}
	close(fd);
	if (a->rc < 0) {
		why_errno(a->why, a->rc, a->path);
	}
	return 0;
}

int
memory_of_qmp(struct memory *m, const char *path, char why[WHY_MAX])
{
	struct asked *a = mmap(NULL, sizeof *a, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int rc;

	*m = (struct memory){ .fd = -1 };
	if (a == MAP_FAILED) {
		return why_errno(why, -errno, path);
	}
	snprintf(a->path, sizeof a->path, "%s", path);
	rc = run_function(ask, a, 4 * QMP_WAIT_MS);
	if (rc < 0) {
		why_errno(why, rc, path);
	} else if (a->rc < 0) {
		rc = why_set(why, a->rc, "%s", a->why);
	} else {
		rc = of_process(m, a->pid, a->low, why);
	}
	if (rc == 0 && place(m, a->low, a->high) < 0) {
		memory_close(m);
		rc = why_set(why, -1,
			     "%s: the guest's RAM is in several pieces", path);
	}
	munmap(a, sizeof *a);
	return rc;
}

int
memory_of_file(struct memory *m, const char *path, char why[WHY_MAX])
{
	struct stat status;
	/* What is no file must not be waited for. */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	*m = (struct memory){ .fd = -1 };
	if (fd < 0 || fstat(fd, &status) < 0) {
		const int error = -errno;

		if (fd >= 0) {
			close(fd);
		}
		return why_errno(why, error, path);
	}
	if (!S_ISREG(status.st_mode) || status.st_size < (off_t)SMALLEST) {
		close(fd);
		return why_set(why, -1, "%s is not the RAM of a guest", path);
	}
	m->fd = fd;
	m->regions = 1;
	m->region[0] = (struct memory_region){ 0, (uint64_t)status.st_size, 0 };
	return 0;
}

void
memory_close(struct memory *m)
{
	if (m->fd >= 0) {
		close(m->fd);
	}
	m->fd = -1;
}

/* ---- places */

bool
memory_place(struct memory *m, const struct memory *one, unsigned no)
{
	/*
	 * Where the hole begins: pc's and microvm's with much RAM, q35's
	 * likewise, and both's with little.
	 */
	static const uint64_t holes[] = { FOUR_GIB, 3 * GIB, 2 * GIB,
					  0xe0000000u, 0xb0000000u };
	const uint64_t size = one->region[0].len;
	const uint64_t hole = no < MEMORY_SPLITS_MAX ? holes[no] : 0;

	*m = *one;
	if (one->placed || one->regions != 1) {
		return no == 0;
	}
	if (no >= MEMORY_SPLITS_MAX) {
		return false;
	}
	if (size > hole) {
		m->region[0].len = hole;
		m->region[1] =
			(struct memory_region){ FOUR_GIB, size - hole,
						one->region[0].at + hole };
		m->regions = 2;
	}
	return true;
}

uint64_t
memory_end(const struct memory *m)
{
	uint64_t end = 0;

	for (size_t i = 0; i < m->regions; i++) {
		const uint64_t here = m->region[i].physical + m->region[i].len;

		end = here > end ? here : end;
	}
	return end;
}

uint64_t
memory_size(const struct memory *m)
{
	uint64_t size = 0;

	for (size_t i = 0; i < m->regions; i++) {
		size += m->region[i].len;
	}
	return size;
}

/* ---- reading */

static int
read_at(const struct memory *m, uint64_t at, uint8_t *into, size_t len)
{
	while (len > 0) {
		const ssize_t got = pread(m->fd, into, len, (off_t)at);

		if (got <= 0) {
			if (got < 0 && errno == EINTR) {
				continue;
			}
			return -EIO;
		}
		into += got;
		at += (uint64_t)got;
		len -= (size_t)got;
	}
	return 0;
}

static bool
is_late(struct memory *m)
{
	if (m->until == 0 || ++m->reads < LOOK_AT_CLOCK) {
		return false;
	}
	m->reads = 0;
	return clock_us() > m->until;
}

int
memory_read(void *of, uint64_t physical, void *into, size_t len)
{
	struct memory *m = of;

	if (is_late(m)) {
		m->reads = LOOK_AT_CLOCK;
		return -ETIME;
	}
	for (size_t i = 0; i < m->regions; i++) {
		const struct memory_region *r = &m->region[i];

		if (physical >= r->physical &&
		    physical - r->physical < r->len &&
		    len <= r->len - (physical - r->physical)) {
			return read_at(m, r->at + (physical - r->physical),
				       into, len);
		}
	}
	return -EFAULT;
}
