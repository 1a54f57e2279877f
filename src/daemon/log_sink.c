#include "daemon/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"

enum way {
	AS_IS,    /* blocking: writes wait for the reader */
	BY_SEND,  /* a socket */
	BY_COPY,  /* opened again by us, non-blocking */
	BY_POLL,  /* cannot be opened again: poll(2) before a write */
	BY_WRITE, /* a regular file, which never blocks */
};

static struct {
	enum way way;
	int fd;
	char text[LOG_SINK_SIZE];
	size_t len;
	size_t lines; /* that wait, whole or in part */
	bool gathers;
	uint64_t lost, told, others; /* lost by other processes */
	uint64_t *also;              /* where the monitor looks, or NULL */
} sink = { .way = AS_IS, .fd = STDERR_FILENO };

static void
open_copy(void)
{
	int fd = open("/proc/self/fd/2",
		      O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	sink.way = fd < 0 ? BY_POLL : BY_COPY;
	sink.fd = fd < 0 ? STDERR_FILENO : fd;
}

void
log_sink_never_wait(void)
{
	struct stat st;

	if (sink.way != AS_IS) {
		return;
	}
	sink.way = BY_WRITE;
	if (fstat(STDERR_FILENO, &st) < 0) {
		return;
	}
	if (S_ISSOCK(st.st_mode)) {
		sink.way = BY_SEND;
	} else if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) {
		open_copy();
	}
}

int
log_sink_fd(void)
{
	return sink.fd;
}

void
log_sink_leave(uint64_t *lost)
{
	sink.len = 0;
	sink.lines = 0;
	sink.lost = 0;
	sink.told = 0;
	sink.others = 0;
	sink.also = lost;
}

static ssize_t
put(const char *text, size_t len)
{
	struct pollfd fd = { .fd = sink.fd, .events = POLLOUT };

	if (sink.way == BY_SEND) {
		return send(sink.fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	if (sink.way == BY_POLL && poll(&fd, 1, 0) != 1) {
		return -1;
	}
	return write(sink.fd, text, len);
}

static void
lose(size_t lines)
{
	sink.lost += lines;
	if (sink.also) {
		__atomic_fetch_add(sink.also, lines, __ATOMIC_RELAXED);
	}
}

/* False: some of it still waits. */
static bool
flush(void)
{
	while (sink.len > 0) {
		ssize_t done = put(sink.text, sink.len);

		if (done < 0 && errno == EINTR) {
			continue;
		}
		if (done <= 0) {
			return false;
		}
		sink.lines -= bytes_count(sink.text, (size_t)done, '\n');
		sink.len -= (size_t)done;
		memmove(sink.text, sink.text + done, sink.len);
	}
	return true;
}

bool
log_sink_flush(void)
{
	sink.gathers = false;
	return flush();
}

void
log_sink_gather(void)
{
	sink.gathers = sink.way != AS_IS;
}

void
log_sink_put(const char *line, size_t len)
{
	if (sink.way == AS_IS) {
		if (write(STDERR_FILENO, line, len) < 0) {
			lose(1);
		}
		return;
	}
	if (len > sizeof sink.text - sink.len) {
		(void)flush();
	}
	if (len > sizeof sink.text - sink.len) {
		lose(1);
		return;
	}
	memcpy(sink.text + sink.len, line, len);
	sink.len += len;
	sink.lines++;
	if (!sink.gathers) {
		(void)flush();
	}
}

bool
log_sink_is_clear(void)
{
	return sink.len == 0 || flush();
}

void
log_sink_close(void)
{
	if (!log_sink_flush()) {
		lose(sink.lines);
		sink.len = 0;
		sink.lines = 0;
	}
}

uint64_t
log_sink_lost(void)
{
	return sink.lost;
}

uint64_t
log_sink_untold(void)
{
	/* Only the process that adds up lost lines reports them. */
	return sink.also ? 0 : sink.lost + sink.others - sink.told;
}

void
log_sink_note_others(uint64_t lost)
{
	sink.others = lost;
}

void
log_sink_told(uint64_t lost)
{
	sink.told += lost;
}
