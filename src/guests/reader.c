#include "guests/reader.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/privileges.h"
#include "guests/index.h"
#include "guests/search.h"
#include "os/clock.h"

#define SEARCH_AGAIN_MS 1000u
/* Of its time, at the most so much goes to what nobody waits for. */
#define SHARE 50u
#define REFRESH_MS 5000u
/* A kernel that has not run for so long may be what a reboot has left. */
#define STILL_MS 3000u
#define LISTING_US 60000000u

struct reader {
	int fd;
	struct search search;
	struct index index;
	struct search_found own;
	struct kernel *kernel;      /* own.kernel, while known */
	enum guest_unknown unknown; /* why there is none; or GUEST_KNOWN */
	bool searching;
	uint64_t began_ms, due_ms; /* a search; the next, or a refresh */
	uint64_t again_ms;         /* no search without need before */
	uint64_t refreshed_ms;     /* not again before */
	uint64_t switches, moved_ms;
	bool asked; /* since the last refresh */
};

static bool
say(const struct reader *r, const struct reader_answer *answer)
{
	ssize_t sent;

	do {
		sent = write(r->fd, answer, sizeof *answer);
	} while (sent < 0 && errno == EINTR);
	return sent == sizeof *answer;
}

/* Look for a kernel; one that is known goes on to be asked meanwhile. */
static void
begin_search(struct reader *r)
{
	r->searching = true;
	r->began_ms = clock_ms();
	search_begin(&r->search, &r->search.ram);
}

/* There is no kernel that is known. */
static void
begin_anew(struct reader *r)
{
	r->unknown = GUEST_STARTING;
	r->kernel = NULL;
	index_clear(&r->index);
	begin_search(r);
}

/* Whether the kernel that was found is there; and note whether it runs. */
static bool
note_life(struct reader *r)
{
	uint64_t switches;

	if (!kernel_is_there(r->kernel, &switches)) {
		return false;
	}
	if (switches != r->switches) {
		r->switches = switches;
		r->moved_ms = clock_ms();
	}
	return true;
}

static void
search_on(struct reader *r)
{
	const enum guest_unknown found = search_step(&r->search);
	const uint64_t now = clock_ms();

	if (found == GUEST_STARTING) {
		return;
	}
	r->searching = false;
	r->unknown = found;
	r->kernel = NULL;
	r->again_ms = now + SEARCH_AGAIN_MS + (now - r->began_ms) * SHARE;
	r->due_ms = r->again_ms;
	if (found == GUEST_KNOWN) {
		r->own = r->search.found[0];
		r->kernel = &r->own.kernel;
		r->kernel->paging.ram.of = &r->own.memory;
		(void)index_refresh(&r->index, r->kernel);
		r->moved_ms = now;
		(void)note_life(r);
		r->refreshed_ms = now;
		r->due_ms = now + REFRESH_MS;
	}
}

static struct memory *
memory_of(struct reader *r)
{
	return &r->own.memory;
}

/* It did not have what it should: whether it is still the one that runs. */
static void
check_kernel(struct reader *r)
{
	if (!note_life(r)) {
		begin_anew(r);
	} else if (!r->searching && clock_ms() - r->moved_ms > STILL_MS &&
		   clock_ms() >= r->again_ms) {
		begin_search(r);
	}
}

/* Keep what is remembered of its processes near to what they are. */
static void
refresh(struct reader *r)
{
	const uint64_t began = clock_us();

	if (r->asked) {
		memory_of(r)->until = began + LISTING_US;
		(void)index_refresh(&r->index, r->kernel);
		r->asked = false;
	}
	memory_of(r)->until = 0;
	r->refreshed_ms = clock_ms() + (clock_us() - began) * SHARE / 1000;
	r->due_ms = r->refreshed_ms + REFRESH_MS;
	/* The search ends at once where the guest has: nobody else says so. */
	if (!note_life(r)) {
		begin_anew(r);
	}
}

/* ---- answers */

static void
who(struct reader *r, const struct guest_connection *of,
    struct guest_owner *owner)
{
	const uint64_t began = clock_us();

	*owner = (struct guest_owner){ .unknown = r->unknown };
	if (!r->kernel) {
		return;
	}
	memory_of(r)->until = began + GUEST_BUDGET_US;
	index_owner(&r->index, r->kernel, of, owner);
	memory_of(r)->until = 0;
	owner->took_us = (uint32_t)(clock_us() - began);
	r->asked = true;
	if (owner->unknown == GUEST_LATE && r->due_ms > r->refreshed_ms) {
		r->due_ms = r->refreshed_ms; /* as soon as nobody asks */
	}
	if (owner->unknown == GUEST_GONE) {
		r->unknown = GUEST_GONE; /* and so has the guest */
		r->kernel = NULL;
	} else if (owner->unknown != GUEST_KNOWN && !owner->has_uid) {
		check_kernel(r);
	}
}

static void
about(struct reader *r, struct reader_about *about)
{
	*about = (struct reader_about){
		.unknown = r->unknown,
		.ram = memory_size(&r->search.ram),
	};
	if (r->kernel) {
		memory_of(r)->until = clock_us() + LISTING_US;
		(void)index_refresh(&r->index, r->kernel);
		memory_of(r)->until = 0;
		about->levels = r->kernel->paging.levels;
		about->processes = r->index.count;
		about->shift = r->kernel->paging.image - PAGING_IMAGE;
		memcpy(about->release, r->kernel->release,
		       sizeof about->release);
	}
}

/* A process's sockets, one after the other. */
struct listing {
	const struct reader *reader;
	uint64_t id;
	struct kernel_task task;
};

static int
list_file(void *of, uint64_t file)
{
	const struct listing *l = of;
	struct reader_answer answer = { .id = l->id, .kind = READER_SOCKETS };
	struct kernel_socket socket;
	const int rc = kernel_file_socket(l->reader->kernel, file, &socket,
					  &answer.is.socket.connection);

	/* What has changed meanwhile is not one of them any more. */
	if (rc != 1) {
		return rc == -ETIME ? rc : 0;
	}
	answer.is.socket.process = l->task.process;
	answer.is.socket.uid = socket.uid;
	answer.is.socket.state = socket.state;
	return say(l->reader, &answer) ? 0 : -EPIPE;
}

static int
list_task(const struct reader *r, uint64_t id, uint64_t address)
{
	struct listing l = { .reader = r, .id = id };
	struct kernel_files files;
	int rc = kernel_read_task(r->kernel, address, &l.task);

	if (rc == 0 && l.task.files == 0) {
		rc = kernel_task_files(r->kernel, &l.task);
	}
	if (rc < 0 || l.task.mm == 0 || l.task.files == 0) {
		return rc;
	}
	rc = kernel_task_uid(r->kernel, &l.task);
	if (rc == 0) {
		rc = kernel_read_files(r->kernel, l.task.files, &files);
	}
	return rc < 0 ? rc : kernel_each_file(r->kernel, &files, list_file, &l);
}

static void
list(struct reader *r, uint64_t id)
{
	struct reader_answer end = { .id = id, .kind = READER_END };
	int rc = 0;

	end.is.about.unknown = r->unknown;
	if (r->kernel) {
		memory_of(r)->until = clock_us() + LISTING_US;
		rc = index_refresh(&r->index, r->kernel);
	}
	for (uint32_t i = 0; r->kernel && i < r->index.count; i++) {
		const int one = list_task(r, id, r->index.at[i].address);

		if (one == -EPIPE || one == -ETIME) {
			rc = one;
			break;
		}
	}
	memory_of(r)->until = 0;
	if (rc < 0) {
		end.is.about.unknown = index_reason(rc);
	}
	say(r, &end);
}

static bool
answer(struct reader *r, const struct reader_question *question)
{
	struct reader_answer reply;

	memset(&reply, 0, sizeof reply);
	reply.id = question->id;
	reply.kind = question->kind;
	switch (question->kind) {
	case READER_WHO:
		who(r, &question->connection, &reply.is.owner);
		break;
	case READER_ABOUT:
		about(r, &reply.is.about);
		break;
	case READER_SOCKETS:
		list(r, question->id);
		return true;
	default:
		return false;
	}
	return say(r, &reply);
}

/* ---- its life */

/* How long nothing is to be done, if nobody asks. */
static int
wait_ms(const struct reader *r)
{
	const uint64_t now = clock_ms();

	return r->searching || r->unknown == GUEST_GONE ? 0
		: r->due_ms > now                       ? (int)(r->due_ms - now)
							: 0;
}

static int
serve(struct reader *r)
{
	for (;;) {
		struct pollfd at = { r->fd, POLLIN, 0 };
		struct reader_question question;
		ssize_t got;

		if (poll(&at, 1, wait_ms(r)) == 0) {
			if (r->unknown == GUEST_GONE) {
				return 0;
			}
			if (r->searching) {
				search_on(r);
			} else if (r->kernel) {
				refresh(r);
			} else {
				begin_anew(r);
			}
			continue;
		}
		got = read(r->fd, &question, sizeof question);
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got != sizeof question || !answer(r, &question)) {
			return 0;
		}
	}
}

/* What it has of its parent's, and who takes it over is not to have. */
static void
leave_all(const struct reader_setup *setup)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fd != setup->fd && fd != setup->memory.fd) {
			close(fd);
		}
	}
	if (setup->conf) {
		client_conf_forget(setup->conf);
	}
}

int
reader_run(void *context)
{
	const struct reader_setup *setup = context;
	struct reader *r = calloc(1, sizeof *r);
	char why[WHY_MAX];
	int rc;

	if (!r) {
		return 1;
	}
	r->fd = setup->fd;
	r->search.ram = setup->memory;
	r->search.given = setup->btf;
	r->search.given_len = setup->btf_len;
	r->search.init_task = setup->init_task;
	leave_all(setup);
	rc = privileges_drop(PRIVILEGES_READER, NULL, setup->parent, why);
	if (rc == 0) {
		begin_anew(r);
		rc = serve(r);
	}
	free(r);
	return rc == 0 ? 0 : 1;
}
