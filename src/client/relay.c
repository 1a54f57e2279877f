#include "client/relay.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "measure/connect.h"
#include "os/clock.h"

#define CHUNK 65536u
/* What waits for a reader: usually, and where both ends wait for theirs. */
#define AHEAD (1u << 20)
#define AHEAD_MAX (256u << 20)
#define ADDRESSES_MAX 64u
#define ATTEMPT_DELAY_MS 250u /* RFC 8305, 5 */

struct race {
	struct dial dials[ADDRESSES_MAX]; /* in the order they were begun */
	size_t at[ADDRESSES_MAX];         /* whose address each has */
	size_t begun, waiting;
};

/* Of the other family than the last one, as long as there is one left. */
static size_t
next_address(const struct race *r, const struct host_addr *to, size_t count)
{
	const unsigned last =
		r->begun > 0 ? to[r->at[r->begun - 1]].addr.family : 0;
	size_t found = count;

	for (size_t i = 0; i < count; i++) {
		bool used = false;

		for (size_t k = 0; k < r->begun; k++) {
			used |= r->at[k] == i;
		}
		if (!used && to[i].addr.family != last) {
			return i;
		}
		found = !used && found == count ? i : found;
	}
	return found;
}

static void
begin_next(struct race *r, const struct host_addr *to, size_t count,
	   uint16_t port)
{
	const size_t i = next_address(r, to, count);
	struct dial *dial = &r->dials[r->begun];
	const int rc = dial_begin(dial, &to[i].addr, to[i].device, port);

	if (rc < 0) {
		*dial = (struct dial){ .fd = -1, .error = -rc };
	}
	r->at[r->begun++] = i;
	r->waiting++;
}

/* What came of those that are begun: the first that is connected, or -1. */
static int
look(struct race *r, size_t *failed, int *error)
{
	for (size_t i = 0; i < r->begun; i++) {
		struct dial *dial = &r->dials[i];

		dial_look(dial);
		if (dial->error == 0) {
			return dial_take(dial);
		}
		if (dial->error > 0) {
			*failed = r->at[i];
			*error = dial->error;
			dial_end(dial);
			/* Seen, and over. */
			dial->error = DIAL_WAITING;
			r->waiting--;
		}
	}
	return -1;
}

static int
connect_first(const struct host_addr *to, size_t count, uint16_t port,
	      size_t *failed)
{
	struct race r = { .begun = 0 };
	int error = EADDRNOTAVAIL;
	uint64_t due = 0;
	int fd = -1;

	count = count < ADDRESSES_MAX ? count : ADDRESSES_MAX;
	while (fd < 0 && (r.waiting > 0 || r.begun < count)) {
		struct pollfd fds[ADDRESSES_MAX];
		uint64_t now = clock_ms();

		if (r.begun < count && (r.waiting == 0 || now >= due)) {
			begin_next(&r, to, count, port);
			due = now + ATTEMPT_DELAY_MS;
		} else {
			for (size_t i = 0; i < r.begun; i++) {
				fds[i] = (struct pollfd){ .fd = r.dials[i].fd,
							  .events = POLLOUT };
			}
			poll(fds, (nfds_t)r.begun,
			     r.begun < count ? (int)(due - now) : -1);
		}
		fd = look(&r, failed, &error);
	}
	for (size_t i = 0; i < r.begun; i++) {
		dial_end(&r.dials[i]);
	}
	return fd >= 0 ? fd : -error;
}

/*
 * One direction.  It reads ahead of a slow reader as far as a pipe would; but
 * where both ends wait for room before they read, so that neither ever would,
 * further, up to a limit.
 */
struct chunk {
	struct chunk *next;
	size_t len;
	uint8_t bytes[];
};

struct flow {
	struct relay *relay;
	struct chunk *first, **last;
	size_t waiting; /* bytes, with what keeping them takes */
	bool ended;     /* nothing more comes */
	bool broken;    /* nobody takes it any more */
	int error;      /* of reading, -errno or 0 */
};

struct relay {
	int fd; /* the connection */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct flow out, back; /* to the far end, and from there */
};

static size_t
size_of(const struct chunk *chunk)
{
	return sizeof *chunk + chunk->len;
}

/* As large as what it holds: who sends single bytes fills no memory. */
static struct chunk *
fit(struct chunk *chunk)
{
	struct chunk *smaller =
		chunk->len < CHUNK / 2 ? realloc(chunk, size_of(chunk)) : NULL;

	return smaller ? smaller : chunk;
}

static bool
has_room(const struct flow *f)
{
	const struct relay *r = f->relay;

	return f->broken || f->waiting < AHEAD ||
		(f->waiting < AHEAD_MAX && r->out.waiting >= AHEAD &&
		 r->back.waiting >= AHEAD);
}

/*
 * A chunk that was read; NULL: that was all, with 0 or -errno.  Whether
 * anybody is to get more, which there is room for by then.
 */
static bool
put(struct flow *f, struct chunk *chunk, int error)
{
	struct relay *r = f->relay;
	bool more;

	pthread_mutex_lock(&r->lock);
	if (chunk) {
		chunk->next = NULL;
		*f->last = chunk;
		f->last = &chunk->next;
		f->waiting += size_of(chunk);
	} else {
		f->ended = true;
		f->error = error;
	}
	pthread_cond_broadcast(&r->changed);
	while (!f->ended && !has_room(f)) {
		pthread_cond_wait(&r->changed, &r->lock);
	}
	more = !f->ended && !f->broken;
	pthread_mutex_unlock(&r->lock);
	return more;
}

/* The next one to write, or NULL where there will be none. */
static struct chunk *
get(struct flow *f)
{
	struct relay *r = f->relay;
	struct chunk *chunk;

	pthread_mutex_lock(&r->lock);
	while (!f->first && !f->ended) {
		pthread_cond_wait(&r->changed, &r->lock);
	}
	chunk = f->first;
	if (chunk) {
		f->first = chunk->next;
		f->last = f->first ? f->last : &f->first;
	}
	pthread_mutex_unlock(&r->lock);
	return chunk;
}

/* It is written, or can't be. */
static void
done(struct flow *f, struct chunk *chunk, int error)
{
	struct relay *r = f->relay;

	pthread_mutex_lock(&r->lock);
	f->waiting -= size_of(chunk);
	f->broken |= error != 0;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	free(chunk);
}

/* Who started us may have made it one that does not wait. */
static void
wait_for_room(int fd)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	poll(&room, 1, -1);
}

static int
write_all(int fd, bool is_socket, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t put = is_socket ? send(fd, bytes, len, MSG_NOSIGNAL)
					: write(fd, bytes, len);

		if (put < 0 && errno == EAGAIN) {
			wait_for_room(fd);
		} else if (put < 0 && errno != EINTR) {
			return -errno;
		}
		if (put > 0) {
			bytes += put;
			len -= (size_t)put;
		}
	}
	return 0;
}

/* Write all that comes.  0 or -errno. */
static int
write_flow(struct flow *f, int fd, bool is_socket)
{
	struct chunk *chunk;
	int rc = 0;

	while ((chunk = get(f)) != NULL) {
		rc = rc < 0
			? rc
			: write_all(fd, is_socket, chunk->bytes, chunk->len);
		done(f, chunk, rc);
	}
	return rc;
}

/* Read until the end of one, or the death of another, or below 0: of none. */
static void
read_flow(struct flow *f, int fd, int other)
{
	int error = -EAGAIN;

	while (error == -EAGAIN || error == -EINTR) {
		struct pollfd fds[2] = { { .fd = fd, .events = POLLIN },
					 { .fd = other } };
		struct chunk *chunk;
		ssize_t got;

		if (poll(fds, 2, -1) < 0) {
			continue;
		}
		if (fds[1].revents) {
			error = 0;
			break;
		}
		chunk = malloc(sizeof *chunk + CHUNK);
		if (!chunk) {
			/* No end that the far side could take for ours. */
			shutdown(f->relay->fd, SHUT_RDWR);
			error = -ENOMEM;
			break;
		}
		got = read(fd, chunk->bytes, CHUNK);
		if (got > 0) {
			chunk->len = (size_t)got;
			error = put(f, fit(chunk), 0) ? -EAGAIN : 0;
			continue;
		}
		error = got < 0 ? -errno : 0;
		free(chunk);
	}
	put(f, NULL, error);
}

static void *
read_input(void *context)
{
	struct relay *r = context;

	read_flow(&r->out, STDIN_FILENO, r->fd);
	return NULL;
}

static void *
send_input(void *context)
{
	struct relay *r = context;

	write_flow(&r->out, r->fd, true);
	/* The far end may still send. */
	shutdown(r->fd, SHUT_WR);
	return NULL;
}

static void *
receive_output(void *context)
{
	struct relay *r = context;

	read_flow(&r->back, r->fd, -1);
	return NULL;
}

static int
converse(int fd)
{
	static void *(*const parts[])(void *) = { read_input, send_input,
						  receive_output };
	enum { PARTS = sizeof parts / sizeof parts[0] };
	struct relay r = { .fd = fd };
	pthread_t threads[PARTS];
	size_t begun = 0;
	int rc = 0;

	r.out.relay = r.back.relay = &r;
	r.out.last = &r.out.first;
	r.back.last = &r.back.first;
	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.changed, NULL);
	while (rc == 0 && begun < PARTS) {
		rc = -pthread_create(&threads[begun], NULL, parts[begun], &r);
		begun += rc == 0;
	}
	if (rc < 0) {
		/* The process ends, and they with it. */
		return rc;
	}
	rc = write_flow(&r.back, STDOUT_FILENO, false);
	if (rc < 0) {
		shutdown(fd, SHUT_RDWR);
	}
	/* Ours may still be sent. */
	shutdown(STDOUT_FILENO, SHUT_WR);
	close(STDOUT_FILENO);
	for (size_t i = 0; i < PARTS; i++) {
		pthread_join(threads[i], NULL);
	}
	if (rc == 0) {
		rc = r.out.error == -ENOMEM ? -ENOMEM : r.back.error;
	}
	return rc;
}

int
relay(const struct host_addr *to, size_t count, uint16_t port, int *told,
      size_t *failed)
{
	int fd = connect_first(to, count, port, failed);
	int rc;

	if (fd < 0) {
		return fd;
	}
	if (*told >= 0) {
		close(*told);
		*told = -1;
	}
	rc = converse(fd);
	close(fd);
	return rc;
}
