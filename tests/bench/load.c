/*
 * Connections to measure with: an answering end and an asking one, each a
 * single process around epoll.
 *
 *   load serve PORT          answers 32 bytes with 1024 and closes; what
 *                            begins otherwise is read to its end
 *   load ask ADDRESS PORT [WORD=VALUE...]
 *                            connect, 32 bytes, 1024 bytes, close: the
 *                            transaction of the papers (000, 5.1)
 *   load stream ADDRESS PORT [seconds=N]
 *                            one connection, as fast as it goes
 *
 *   parallel=N   so many at once; 1
 *   count=N      so many altogether; without it:
 *   seconds=N    as many as go in this time; 2
 *   timeout=N    seconds until a connection has failed; 45
 *   rate=N       so many begun each second, whatever comes of those before:
 *                the one that was begun `parallel` ago has failed by then
 *
 * The 32 bytes are a request of HTTP, so that any web server may answer.
 * Prints one line of JSON: times are in microseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull
#define REQUEST_BYTES 32
#define ANSWER_BYTES 1024
#define PARALLEL_MAX 16384 /* a second of the application flood */
#define BACKLOG 4096
#define SAMPLES_MAX (1u << 20) /* transactions of a minute */
#define EVENTS_MAX 256
#define CHUNK 65536     /* bytes of a stream written at once */
#define FILES_MAX 65536 /* connections that an end has open */
#define PACE_MS 1       /* between looks at what is due */

static const char request[REQUEST_BYTES + 1] =
	"GET / HTTP/1.0\r\nX: 123456789\r\n\r\n";

struct asked {
	int fd; /* below 0: nothing goes on here */
	uint64_t begun;
	bool connected;
};

struct load {
	struct sockaddr_in to;
	uint64_t parallel, count, seconds, timeout, rate;
	uint64_t begun, done, failed, ends;
	int epoll;
	struct asked asked[PARALLEL_MAX];
	uint32_t *connect, *whole; /* 1/10 us */
	size_t connects;
};

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "load: %s: %s\n", what, why);
	exit(2);
}

static uint64_t
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static unsigned long
number(const char *text, unsigned long most)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value > most) {
		fail(text, "no such number");
	}
	return value;
}

static void
watch(int epoll, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		fail("epoll", strerror(errno));
	}
}

/* ---- the answering end */

static int
listen_at(uint16_t port)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (const struct sockaddr *)&at, sizeof at) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		fail("listen", strerror(errno));
	}
	return fd;
}

static void
answer(int fd)
{
	static char bytes[CHUNK];
	ssize_t got = recv(fd, bytes, sizeof bytes, 0);

	if (got > REQUEST_BYTES || (got < 0 && errno == EAGAIN)) {
		return; /* a stream */
	}
	if (got == REQUEST_BYTES &&
	    memcmp(bytes, request, REQUEST_BYTES) == 0) {
		send(fd, bytes, ANSWER_BYTES, MSG_NOSIGNAL);
	}
	if (got <= 0 || memcmp(bytes, request, REQUEST_BYTES) == 0) {
		close(fd);
	}
}

static void
serve(uint16_t port)
{
	int listener = listen_at(port);
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	watch(epoll, listener, EPOLLIN, (uint64_t)listener);
	for (;;) {
		struct epoll_event events[EVENTS_MAX];
		int count = epoll_wait(epoll, events, EVENTS_MAX, -1);

		for (int i = 0; i < count; i++) {
			int fd = (int)events[i].data.u64;

			if (fd != listener) {
				answer(fd);
				continue;
			}
			fd = accept4(listener, NULL, NULL,
				     SOCK_NONBLOCK | SOCK_CLOEXEC);
			while (fd >= 0) {
				watch(epoll, fd, EPOLLIN, (uint64_t)fd);
				fd = accept4(listener, NULL, NULL,
					     SOCK_NONBLOCK | SOCK_CLOEXEC);
			}
		}
	}
}

/* ---- the asking end */

static void
word(struct load *l, const char *text)
{
	static const struct {
		const char *name;
		size_t offset;
		unsigned long most;
	} words[] = {
		{ "parallel=", offsetof(struct load, parallel), PARALLEL_MAX },
		{ "count=", offsetof(struct load, count), SAMPLES_MAX },
		{ "seconds=", offsetof(struct load, seconds), 3600 },
		{ "timeout=", offsetof(struct load, timeout), 3600 },
		{ "rate=", offsetof(struct load, rate), 1000000 },
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		size_t len = strlen(words[i].name);

		if (strncmp(text, words[i].name, len) == 0) {
			uint64_t value = number(text + len, words[i].most);

			memcpy((char *)l + words[i].offset, &value,
			       sizeof value);
			return;
		}
	}
	fail(text, "no such word");
}

static void
address(struct load *l, const char *host, const char *port)
{
	l->to.sin_family = AF_INET;
	l->to.sin_port = htons((uint16_t)number(port, 65535));
	if (inet_pton(AF_INET, host, &l->to.sin_addr) != 1) {
		fail(host, "no address of IPv4");
	}
}

static bool
begin(struct load *l, size_t at)
{
	struct asked *a = &l->asked[at];

	a->begun = now();
	a->connected = false;
	a->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->fd < 0) {
		fail("socket", strerror(errno));
	}
	if (connect(a->fd, (const struct sockaddr *)&l->to, sizeof l->to) < 0 &&
	    errno != EINPROGRESS) {
		close(a->fd);
		a->fd = -1;
		l->failed++;
		return false;
	}
	watch(l->epoll, a->fd, EPOLLOUT, at);
	return true;
}

static uint32_t
since(uint64_t begun)
{
	uint64_t tenths = (now() - begun) / 100;

	return tenths > UINT32_MAX ? UINT32_MAX : (uint32_t)tenths;
}

static void
end(struct load *l, size_t at, bool well)
{
	struct asked *a = &l->asked[at];

	if (well && l->done < SAMPLES_MAX) {
		l->whole[l->done] = since(a->begun);
	}
	l->done += well;
	l->failed += !well;
	close(a->fd);
	a->fd = -1;
}

static void
go_on(struct load *l, size_t at)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = at };
	struct asked *a = &l->asked[at];
	char bytes[ANSWER_BYTES + 1];
	ssize_t got;

	if (!a->connected) {
		uint32_t took = since(a->begun);

		if (send(a->fd, request, REQUEST_BYTES, MSG_NOSIGNAL) !=
		    REQUEST_BYTES) {
			end(l, at, false);
			return;
		}
		if (l->connects < SAMPLES_MAX) {
			l->connect[l->connects++] = took;
		}
		a->connected = true;
		epoll_ctl(l->epoll, EPOLL_CTL_MOD, a->fd, &event);
		return;
	}
	do {
		got = recv(a->fd, bytes, sizeof bytes, 0);
	} while (got > 0);
	if (got == 0 || errno != EAGAIN) {
		end(l, at, got == 0);
	}
}

static bool
may_begin(const struct load *l, uint64_t begun)
{
	return l->count ? begun < l->count : now() < l->ends;
}

/* Returns how many still go on. */
static size_t
fill(struct load *l, uint64_t *begun)
{
	size_t open = 0;

	for (size_t i = 0; i < l->parallel; i++) {
		struct asked *a = &l->asked[i];

		if (a->fd >= 0 && now() - a->begun > l->timeout * SECOND) {
			end(l, i, false);
		}
		while (a->fd < 0 && may_begin(l, *begun)) {
			++*begun;
			begin(l, i);
		}
		open += a->fd >= 0;
	}
	return l->count || now() < l->ends ? open : 0;
}

/* As many as are due.  Returns 0 when the time is up. */
static size_t
pace(struct load *l, uint64_t *begun)
{
	const uint64_t passed = now() - l->begun;
	const uint64_t due = l->rate * passed / SECOND;

	for (; *begun < due; ++*begun) {
		const size_t at = *begun % l->parallel;

		if (l->asked[at].fd >= 0) {
			end(l, at, false);
		}
		begin(l, at);
	}
	return passed < l->seconds * SECOND;
}

static int
compare(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return x < y ? -1 : x > y;
}

static double
percentile(uint32_t *samples, size_t count, unsigned percent)
{
	size_t at;

	if (count == 0) {
		return 0;
	}
	qsort(samples, count, sizeof *samples, compare);
	at = (count - 1) * percent / 100;
	return samples[at] / 10.0;
}

static void
report(struct load *l, uint64_t begun)
{
	double seconds = (double)(now() - l->begun) / SECOND;
	size_t whole = l->done < SAMPLES_MAX ? l->done : SAMPLES_MAX;

	printf("{\"begun\":%llu,\"done\":%llu,\"failed\":%llu,"
	       "\"seconds\":%.3f,"
	       "\"rate\":%.1f,\"connect_p50\":%.1f,\"connect_p99\":%.1f,"
	       "\"whole_p50\":%.1f,\"whole_p99\":%.1f}\n",
	       (unsigned long long)begun, (unsigned long long)l->done,
	       (unsigned long long)l->failed, seconds,
	       (double)l->done / seconds,
	       percentile(l->connect, l->connects, 50),
	       percentile(l->connect, l->connects, 99),
	       percentile(l->whole, whole, 50),
	       percentile(l->whole, whole, 99));
}

static void
ask(struct load *l)
{
	uint64_t begun = 0;

	l->connect = calloc(SAMPLES_MAX, sizeof *l->connect);
	l->whole = calloc(SAMPLES_MAX, sizeof *l->whole);
	if (!l->connect || !l->whole) {
		fail("memory", strerror(errno));
	}
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < PARALLEL_MAX; i++) {
		l->asked[i].fd = -1;
	}
	l->begun = now();
	l->ends = l->begun + l->seconds * SECOND;
	while ((l->rate ? pace(l, &begun) : fill(l, &begun)) > 0) {
		struct epoll_event events[EVENTS_MAX];
		int count = epoll_wait(l->epoll, events, EVENTS_MAX,
				       l->rate ? PACE_MS : 100);

		for (int i = 0; i < count; i++) {
			go_on(l, events[i].data.u64);
		}
	}
	report(l, begun);
}

static void
stream(struct load *l)
{
	static char bytes[CHUNK];
	const uint64_t begin = now();
	uint64_t sent = 0;
	double seconds;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&l->to, sizeof l->to) < 0) {
		fail("connect", strerror(errno));
	}
	while (now() - begin < l->seconds * SECOND) {
		ssize_t got = send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);

		if (got < 0) {
			fail("send", strerror(errno));
		}
		sent += (uint64_t)got;
	}
	/* Until the other end has read it all. */
	shutdown(fd, SHUT_WR);
	recv(fd, bytes, 1, 0);
	seconds = (double)(now() - begin) / SECOND;
	printf("{\"bytes\":%llu,\"seconds\":%.3f,\"rate\":%.0f}\n",
	       (unsigned long long)sent, seconds, (double)sent / seconds);
}

int
main(int argc, char **argv)
{
	static struct load l = { .parallel = 1, .seconds = 2, .timeout = 45 };
	const struct rlimit files = { FILES_MAX, FILES_MAX };

	setrlimit(RLIMIT_NOFILE, &files);
	if (argc == 3 && strcmp(argv[1], "serve") == 0) {
		serve((uint16_t)number(argv[2], 65535));
	}
	if (argc < 4) {
		fail("usage",
		     "serve PORT | ask|stream ADDRESS PORT "
		     "[WORD=VALUE...]");
	}
	address(&l, argv[2], argv[3]);
	for (int i = 4; i < argc; i++) {
		word(&l, argv[i]);
	}
	if (strcmp(argv[1], "ask") == 0) {
		ask(&l);
	} else if (strcmp(argv[1], "stream") == 0) {
		stream(&l);
	} else {
		fail(argv[1], "no such word");
	}
	return 0;
}
