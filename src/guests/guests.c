#include "guests/guests.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/spawn.h"
#include "guests/btf.h"
#include "guests/layout.h"
#include "os/clock.h"

#define ASK_AGAIN_MS 20
#define END_MS 1000u
#define SYMBOL_LINE_MAX 512u

/* ---- what a guest's line names */

static int
read_pid(const char *from, pid_t *pid, char *why)
{
	char text[32] = "";
	unsigned long number;
	size_t len;
	FILE *file;

	if (from[0] != '/') {
		*pid = (pid_t)strtoul(from, NULL, 10);
		return 0;
	}
	file = fopen(from, "re");
	if (!file) {
		return why_errno(why, -errno, from);
	}
	len = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' ')) {
		text[--len] = '\0';
	}
	if (value_number(text, 1, INT32_MAX, &number, why) < 0) {
		return why_set(why, -1,
			       "%s: there is no process's number in "
			       "it",
			       from);
	}
	*pid = (pid_t)number;
	return 0;
}

static int
open_memory(const struct client_guest *guest, struct memory *memory, char *why)
{
	pid_t pid = 0;
	int rc;

	if (guest->memory[0]) {
		return memory_of_file(memory, guest->memory, why);
	}
	if (guest->qmp[0]) {
		return memory_of_qmp(memory, guest->qmp, why);
	}
	rc = read_pid(guest->pid, &pid, why);
	return rc < 0 ? rc : memory_of_process(memory, pid, why);
}

/* Types are looked at before they are taken: who wrote the line is there. */
static int
check_types(const char *path, const uint8_t *bytes, size_t len, char *why)
{
	uint32_t *index = malloc(BTF_TYPES_MAX * sizeof *index);
	const char *missing = "a whole header";
	struct layout layout;
	struct btf btf;
	bool good;

	if (!index) {
		return why_errno(why, -ENOMEM, path);
	}
	good = btf_open(&btf, bytes, len, index) &&
		layout_from(&layout, &btf, &missing);
	free(index);
	return good ? 0
		    : why_set(why, -1,
			      "%s: these are not a kernel's types (BTF): there "
			      "is no %s",
			      path, missing);
}

static int
read_types(const char *path, struct reader_setup *setup, char *why)
{
	uint8_t *bytes;
	FILE *file;

	if (!path[0]) {
		return 0;
	}
	file = fopen(path, "re");
	bytes = file ? malloc(BTF_SIZE_MAX) : NULL;
	if (!bytes) {
		const int error = -errno;

		if (file) {
			fclose(file);
		}
		return why_errno(why, error, path);
	}
	setup->btf = bytes;
	setup->btf_len = fread(bytes, 1, BTF_SIZE_MAX, file);
	fclose(file);
	return check_types(path, bytes, setup->btf_len, why);
}

/* A line of a System.map: "ffffffff8200b440 D init_task". */
static int
read_symbols(const char *path, uint64_t *init_task, char *why)
{
	char line[SYMBOL_LINE_MAX];
	FILE *file;

	if (!path[0]) {
		return 0;
	}
	file = fopen(path, "re");
	if (!file) {
		return why_errno(why, -errno, path);
	}
	while (*init_task == 0 && fgets(line, sizeof line, file)) {
		char *end;
		const uint64_t at = strtoull(line, &end, 16);

		if (end[0] == ' ' && end[1] &&
		    strcmp(end + 2, " init_task\n") == 0) {
			*init_task = at;
		}
	}
	fclose(file);
	return *init_task != 0
		? 0
		: why_set(why, -1, "%s: no init_task is in it", path);
}

/* ---- the process */

static int
start(struct reader_setup *setup, struct guest_reader *reader)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		return -errno;
	}
	setup->fd = ends[1];
	setup->parent = getpid();
	reader->process = spawn_function_with(
		reader_run, setup, (const int[]){ ends[1], setup->memory.fd },
		2);
	close(ends[1]);
	if (reader->process < 0) {
		const int error = (int)reader->process;

		close(ends[0]);
		reader->process = 0;
		return error;
	}
	reader->fd = ends[0];
	return 0;
}

static void
note_file(int fd, struct guest_reader *reader)
{
	struct stat status;

	if (fstat(fd, &status) == 0) {
		reader->device = status.st_dev;
		reader->inode = status.st_ino;
	}
}

int
guest_start(const struct client_guest *guest, struct client_conf *conf,
	    struct guest_reader *reader, char why[WHY_MAX])
{
	struct reader_setup setup = { .memory.fd = -1, .conf = conf };
	int rc;

	*reader = (struct guest_reader){ .fd = -1 };
	rc = read_types(guest->btf, &setup, why);
	if (rc == 0) {
		rc = read_symbols(guest->symbols, &setup.init_task, why);
	}
	if (rc == 0) {
		rc = open_memory(guest, &setup.memory, why);
	}
	if (rc == 0) {
		note_file(setup.memory.fd, reader);
		rc = start(&setup, reader);
		if (rc < 0) {
			why_errno(why, rc, "a process");
		}
	}
	memory_close(&setup.memory);
	free((void *)(uintptr_t)setup.btf);
	return rc < 0 ? why_of(why, rc, guest->name) : 0;
}

bool
guest_has_ended(struct guest_reader *reader)
{
	int ignored;

	if (reader->process != 0 && spawn_ended(reader->process, &ignored)) {
		reader->process = 0;
	}
	return reader->process == 0;
}

bool
guest_has_moved(const struct client_guest *guest,
		const struct guest_reader *reader)
{
	struct stat status;

	return guest->memory[0] &&
		(stat(guest->memory, &status) < 0 ||
		 status.st_dev != reader->device ||
		 status.st_ino != reader->inode);
}

void
guest_stop(struct guest_reader *reader)
{
	if (!guest_has_ended(reader)) {
		kill(reader->process, SIGKILL);
		/* Memory that is on a file system that hangs may hold it. */
		for (unsigned i = 0; i < END_MS && !guest_has_ended(reader);
		     i++) {
			poll(NULL, 0, 1);
		}
		reader->process = 0;
	}
	if (reader->fd >= 0) {
		close(reader->fd);
	}
	reader->fd = -1;
}

/* ---- questions and answers */

static int
send_question(int fd, const struct reader_question *question)
{
	ssize_t sent;

	do {
		sent = send(fd, question, sizeof *question,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0) {
		return errno == ECONNRESET ? -EPIPE : -errno;
	}
	return 0;
}

int
guest_ask(int fd, uint64_t id, const struct guest_connection *connection)
{
	struct reader_question question;

	memset(&question, 0, sizeof question);
	question.id = id;
	question.kind = READER_WHO;
	question.connection = *connection;
	return send_question(fd, &question);
}

static void
end_text(char *text, size_t size)
{
	text[size - 1] = '\0';
}

/* Whatever it is, it is within its bounds from now on. */
static void
tidy_owner(struct guest_owner *owner)
{
	if (owner->unknown >= GUEST_UNKNOWNS) {
		owner->unknown = GUEST_CHANGED;
	}
	if (owner->parents_count > GUEST_PARENTS_MAX) {
		owner->parents_count = GUEST_PARENTS_MAX;
	}
	end_text(owner->process.comm, sizeof owner->process.comm);
	end_text(owner->exe, sizeof owner->exe);
	for (size_t i = 0; i < GUEST_PARENTS_MAX; i++) {
		end_text(owner->parents[i].comm, sizeof owner->parents[i].comm);
	}
}

static int
receive(int fd, struct reader_answer *answer)
{
	const ssize_t got = recv(fd, answer, sizeof *answer, MSG_DONTWAIT);

	if (got < 0) {
		return errno == EINTR         ? -EAGAIN
			: errno == ECONNRESET ? -EPIPE
					      : -errno;
	}
	return got == sizeof *answer ? 0 : -EPIPE;
}

int
guest_answer(int fd, uint64_t *id, struct guest_owner *owner)
{
	struct reader_answer answer;
	const int rc = receive(fd, &answer);

	if (rc < 0) {
		return rc;
	}
	if (answer.kind != READER_WHO) {
		return -EPIPE;
	}
	*id = answer.id;
	*owner = answer.is.owner;
	tidy_owner(owner);
	return 0;
}

/* The next answer to this question, until a time. */
static int
await(int fd, uint64_t id, uint64_t until_ms, struct reader_answer *answer)
{
	for (;;) {
		const uint64_t now = clock_ms();
		struct pollfd at = { fd, POLLIN, 0 };
		int rc;

		if (now >= until_ms) {
			return -ETIME;
		}
		if (poll(&at, 1, (int)(until_ms - now)) == 0) {
			return -ETIME;
		}
		rc = receive(fd, answer);
		if (rc != -EAGAIN && (rc < 0 || answer->id == id)) {
			return rc;
		}
	}
}

/* Ask until it is no longer being looked into. */
static int
inquire(int fd, struct reader_question *question, unsigned most_ms,
	struct reader_answer *answer)
{
	const uint64_t until = clock_ms() + most_ms;

	memset(answer, 0, sizeof *answer);
	for (;;) {
		uint32_t unknown;
		int rc;

		question->id++;
		rc = send_question(fd, question);
		if (rc == 0) {
			rc = await(fd, question->id, until, answer);
		}
		if (rc < 0) {
			return rc;
		}
		unknown = answer->kind == READER_WHO
			? (uint32_t)answer->is.owner.unknown
			: answer->is.about.unknown;
		if (unknown != GUEST_STARTING || clock_ms() >= until) {
			return 0;
		}
		poll(NULL, 0, ASK_AGAIN_MS);
	}
}

int
guest_who(int fd, const struct guest_connection *connection, unsigned most_ms,
	  struct guest_owner *owner)
{
	struct reader_question question;
	struct reader_answer answer;
	int rc;

	memset(&question, 0, sizeof question);
	question.kind = READER_WHO;
	question.connection = *connection;
	rc = inquire(fd, &question, most_ms, &answer);
	if (rc < 0 || answer.kind != READER_WHO) {
		return rc < 0 ? rc : -EPIPE;
	}
	*owner = answer.is.owner;
	tidy_owner(owner);
	return 0;
}

int
guest_about(int fd, unsigned most_ms, struct reader_about *about)
{
	struct reader_question question;
	struct reader_answer answer;
	int rc;

	memset(&question, 0, sizeof question);
	question.kind = READER_ABOUT;
	rc = inquire(fd, &question, most_ms, &answer);
	if (rc < 0 || answer.kind != READER_ABOUT) {
		return rc < 0 ? rc : -EPIPE;
	}
	*about = answer.is.about;
	about->unknown = about->unknown < GUEST_UNKNOWNS ? about->unknown
							 : GUEST_CHANGED;
	end_text(about->release, sizeof about->release);
	return 0;
}

int
guest_sockets(int fd, unsigned most_ms,
	      int (*each)(void *of, const struct reader_socket *socket),
	      void *of, enum guest_unknown *unknown)
{
	const uint64_t until = clock_ms() + most_ms;
	struct reader_question question;
	struct reader_answer answer;
	struct reader_about about;
	int rc = guest_about(fd, most_ms, &about);

	*unknown = rc < 0 ? GUEST_GONE : (enum guest_unknown)about.unknown;
	if (rc < 0 || *unknown != GUEST_KNOWN) {
		return rc;
	}
	memset(&question, 0, sizeof question);
	question.kind = READER_SOCKETS;
	question.id = UINT64_MAX;
	rc = send_question(fd, &question);
	while (rc == 0) {
		rc = await(fd, question.id, until, &answer);
		if (rc == 0 && answer.kind == READER_END) {
			*unknown = answer.is.about.unknown < GUEST_UNKNOWNS
				? (enum guest_unknown)answer.is.about.unknown
				: GUEST_CHANGED;
			return 0;
		}
		if (rc == 0) {
			end_text(answer.is.socket.process.comm, GUEST_COMM_MAX);
			rc = each(of, &answer.is.socket);
		}
	}
	return rc;
}
