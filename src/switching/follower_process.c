#include "switching/follower_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/why.h"
#include "daemon/pass_fds.h"
#include "daemon/privileges.h"
#include "switching/follower.h"
#include "switching/line_buffer.h"
#include "tap.h"

/* Memory that a long line took goes back. */
#define KEPT_BYTES (256u << 10)
/* A file, and the one before it. */
#define GENERATIONS 2
#define LAST_TURNS 64
#define DRAIN_MAX 16 /* reads; what is left wakes again */

struct source {
	int fd; /* or -1 */
	struct line_buffer lines;
	size_t most; /* of its memory that was used */
};

struct reader {
	int line;
	size_t count;
	struct {
		enum alert_format format;
		struct source sources[GENERATIONS]; /* the newest first */
	} files[SWITCH_CONF_FILES_MAX];
};

/* It waits: nobody is to lose an alert. */
static void
tell(const struct reader *r, size_t file, enum follower_word_kind kind,
     const struct alert *alert)
{
	struct follower_word word = { .kind = kind, .file = (uint32_t)file };

	if (alert) {
		word.alert = *alert;
	}
	if (send(r->line, &word, sizeof word, MSG_NOSIGNAL) < 0) {
		_exit(TAP_OK);
	}
}

static void
read_lines(const struct reader *r, size_t file, struct source *s)
{
	size_t len, skipped = 0;
	bool torn = false;
	const char *line;

	while ((line = line_buffer_next(&s->lines, &len, &skipped))) {
		struct alert alert;

		switch (alert_parse(r->files[file].format, line, len, &alert)) {
		case ALERT_FOUND:
			tell(r, file, FOLLOWER_ALERT, &alert);
			break;
		case ALERT_TORN:
			torn = true;
			break;
		case ALERT_NONE:
			break;
		}
	}
	if (torn) {
		tell(r, file, FOLLOWER_TORN, NULL);
	}
	if (skipped) {
		tell(r, file, FOLLOWER_LONG, NULL);
	}
}

static void
give_back(struct source *s)
{
	if (s->most > KEPT_BYTES && s->lines.end == 0) {
		(void)madvise(s->lines.bytes + KEPT_BYTES,
			      s->lines.size - KEPT_BYTES, MADV_DONTNEED);
		s->most = 0;
	}
}

/* At its end.  Whether it became shorter than what was read of it. */
static bool
was_cut(const struct source *s)
{
	const off_t at = lseek(s->fd, 0, SEEK_CUR);
	const off_t end = lseek(s->fd, 0, SEEK_END);
	const bool cut = at >= 0 && end >= 0 && end < at;

	(void)lseek(s->fd, cut ? 0 : at, SEEK_SET);
	return cut;
}

/* Some of it.  Whether there may be more. */
static bool
read_some(const struct reader *r, size_t file, struct source *s)
{
	for (size_t sum = 0; sum < FOLLOWER_TURN_MAX;) {
		size_t room;
		char *at = line_buffer_room(&s->lines, &room);
		ssize_t got;

		room = room < KEPT_BYTES ? room : KEPT_BYTES;
		got = read(s->fd, at, room);
		if (got > 0) {
			line_buffer_put(&s->lines, (size_t)got);
			s->most =
				s->lines.end > s->most ? s->lines.end : s->most;
			read_lines(r, file, s);
			give_back(s);
			sum += (size_t)got;
			continue;
		}
		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0 || !was_cut(s)) {
			return false;
		}
		line_buffer_clear(&s->lines);
		tell(r, file, FOLLOWER_CUT, NULL);
	}
	return true;
}

static bool
read_all(struct reader *r)
{
	bool more = false;

	for (size_t i = 0; i < r->count; i++) {
		/* What was written first comes first. */
		for (size_t k = GENERATIONS; k-- > 0;) {
			struct source *s = &r->files[i].sources[k];

			more |= s->fd >= 0 && read_some(r, i, s);
		}
	}
	return more;
}

/* The monitor hands over a file. */
static void
take_file(struct reader *r)
{
	struct follower_file_word word;
	int fds[PASS_FDS_MAX] = { -1, -1 };
	const ssize_t got = pass_fds_receive(r->line, &word, sizeof word, fds);
	struct source *sources, oldest;

	if (got == -EAGAIN || got == -EINTR) {
		return;
	}
	if (got != (ssize_t)sizeof word || fds[0] < 0 ||
	    word.file >= r->count) {
		_exit(TAP_OK);
	}
	sources = r->files[word.file].sources;
	/* All of what it has by now, before the next one's. */
	for (int i = 0; sources[0].fd >= 0 && i < LAST_TURNS; i++) {
		if (!read_some(r, word.file, &sources[0])) {
			break;
		}
	}
	oldest = sources[1];
	if (oldest.fd >= 0) {
		close(oldest.fd);
	}
	sources[1] = sources[0];
	sources[0] = oldest;
	line_buffer_clear(&sources[0].lines);
	sources[0].fd = fds[0];
	r->files[word.file].format = (enum alert_format)word.format;
}

static int
open_memory(struct reader *r)
{
	for (size_t i = 0; i < r->count * GENERATIONS; i++) {
		struct source *s = &r->files[i / 2].sources[i % 2];

		/* Pages come as they are used. */
		s->fd = -1;
		s->lines.size = FOLLOWER_LINE_MAX;
		s->lines.bytes = mmap(
			NULL, s->lines.size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (s->lines.bytes == MAP_FAILED) {
			return -1;
		}
	}
	return 0;
}

/* What they say is said by the files, too. */
static void
drain(int changes)
{
	static char room[4096];

	for (int i = 0; i < DRAIN_MAX; i++) {
		if (read(changes, room, sizeof room) <= 0) {
			return;
		}
	}
}

void
follower_process(int line, int changes, size_t files, const char *user,
		 pid_t parent)
{
	static struct reader r;
	char why[WHY_MAX];
	bool more = false;

	r = (struct reader){ .line = line, .count = files };
	if (open_memory(&r) < 0 ||
	    privileges_drop(PRIVILEGES_FOLLOWER, user, parent, why) < 0) {
		_exit(TAP_SYSTEM);
	}
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = line, .events = POLLIN },
			{ .fd = changes, .events = POLLIN },
		};

		if (poll(fds, 2, more ? 0 : -1) < 0 && errno != EINTR) {
			_exit(TAP_SYSTEM);
		}
		if (fds[0].revents) {
			take_file(&r);
		}
		if (fds[1].revents) {
			drain(changes);
		}
		more = read_all(&r);
	}
}
