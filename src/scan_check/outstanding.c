#include "scan_check/outstanding.h"

struct shot *
outstanding_add(struct outstanding *f, size_t probe, unsigned try, uint64_t us,
		uint32_t timeout_ms)
{
	size_t i = 0;

	while (f->shots[i].used) {
		i++;
	}
	f->shots[i] = (struct shot){
		.used = true,
		.probe = probe,
		.try = try,
		.sent_us = us,
		.deadline = us / 1000 + timeout_ms,
		.dial.fd = -1,
	};
	f->count++;
	return &f->shots[i];
}

void
outstanding_dial(struct outstanding *f, struct shot *shot,
		 const struct dial *dial)
{
	shot->dials = true;
	shot->dial = *dial;
	scan_io_dial(f->io, dial->sport, (size_t)(shot - f->shots));
}

void
outstanding_end(struct outstanding *f, struct shot *shot)
{
	if (shot->dials) {
		scan_io_undial(f->io, shot->dial.sport);
		dial_end(&shot->dial);
	}
	shot->used = false;
	f->count--;
}

void
outstanding_end_all(struct outstanding *f)
{
	for (size_t i = 0; i < OUTSTANDING_MAX; i++) {
		if (f->shots[i].used) {
			outstanding_end(f, &f->shots[i]);
		}
	}
}

struct shot *
outstanding_find(struct outstanding *f, size_t probe)
{
	for (size_t i = 0; i < OUTSTANDING_MAX; i++) {
		if (f->shots[i].used && f->shots[i].probe == probe) {
			return &f->shots[i];
		}
	}
	return NULL;
}

struct shot *
outstanding_expired(struct outstanding *f, uint64_t ms)
{
	for (size_t i = 0; i < OUTSTANDING_MAX; i++) {
		if (f->shots[i].used && f->shots[i].deadline <= ms) {
			return &f->shots[i];
		}
	}
	return NULL;
}

void
outstanding_wait(struct outstanding *f, uint64_t ms, uint64_t until)
{
	struct pollfd fds[CAPTURES_MAX + OUTSTANDING_MAX];
	nfds_t n = captures_poll(&f->io->captures, fds);

	for (size_t i = 0; i < OUTSTANDING_MAX; i++) {
		const struct shot *shot = &f->shots[i];

		if (shot->used && shot->deadline < until) {
			until = shot->deadline;
		}
		if (shot->used && shot->dials) {
			fds[n++] = (struct pollfd){ shot->dial.fd, POLLOUT, 0 };
		}
	}
	poll(fds, n, until > ms ? (int)(until - ms) : 0);
}
