/* SPDX-License-Identifier: ISC */
/*
 * Asks a guest's reader, by the interface that the client has.
 * usage: ask WORD=VALUE [TIMES]
 *
 * The word is one of a GUEST: line.  Lines "SRC PORT DST PORT" on standard
 * input become lines "UNKNOWN UID PID COMM EUID HOLDERS EXE".  With TIMES each
 * is asked so often, and the times that it took are printed instead, in
 * microseconds: the reader's median and most, and those of a question and its
 * answer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guests/guests.h"
#include "os/clock.h"

#define ASKED_MAX 100000u
#define PATIENCE_MS 60000u
#define LATE_MAX 10000

static uint32_t reading[ASKED_MAX], whole[ASKED_MAX];
static size_t asked;

static void
die(const char *what)
{
	fprintf(stderr, "ask: %s\n", what);
	exit(3);
}

static void
take_address(const char *text, struct packet_addr *to)
{
	to->family = strchr(text, ':') ? 6 : 4;
	if (inet_pton(to->family == 6 ? AF_INET6 : AF_INET, text, to->bytes) !=
	    1) {
		die(text);
	}
}

static void
take_word(struct client_guest *guest, const char *word)
{
	const char *value = strchr(word, '=');
	char *to = strncmp(word, "pid=", 4) == 0   ? guest->pid
		: strncmp(word, "qmp=", 4) == 0    ? guest->qmp
		: strncmp(word, "memory=", 7) == 0 ? guest->memory
						   : NULL;

	if (!value || !to || strlen(value + 1) >= GUEST_PATH_MAX) {
		die(word);
	}
	memcpy(to, value + 1, strlen(value + 1) + 1);
}

/* As the client's worker does: ask, and take the answer when it is there. */
static void
ask(int fd, const struct guest_connection *of, struct guest_owner *owner)
{
	const uint64_t began = clock_us();
	struct pollfd at = { fd, POLLIN, 0 };
	uint64_t id;
	int rc;

	if (guest_ask(fd, asked, of) < 0 || poll(&at, 1, PATIENCE_MS) != 1) {
		die("no answer");
	}
	rc = guest_answer(fd, &id, owner);
	if (rc < 0 || id != asked) {
		die("not the answer");
	}
	if (asked < ASKED_MAX) {
		reading[asked] = owner->took_us;
		whole[asked] = (uint32_t)(clock_us() - began);
	}
	asked++;
}

static int
by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
print_times(uint32_t *times, size_t count)
{
	qsort(times, count, sizeof *times, by_number);
	printf("%u %u ", times[count / 2], times[count - 1]);
}

int
main(int argc, char **argv)
{
	static struct client_guest guest = { .name = "guest" };
	const long times = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
	char src[64], dst[64], why[WHY_MAX];
	struct guest_connection of = { .parents = false };
	struct guest_reader reader;
	struct guest_owner owner;

	if (argc < 2) {
		die("usage: ask WORD=VALUE [TIMES]");
	}
	take_word(&guest, argv[1]);
	if (guest_start(&guest, NULL, &reader, why) < 0) {
		die(why);
	}
	while (scanf("%63s %hu %63s %hu", src, &of.sport, dst, &of.dport) ==
	       4) {
		take_address(src, &of.src);
		take_address(dst, &of.dst);
		if (asked == 0 &&
		    guest_who(reader.fd, &of, PATIENCE_MS, &owner) < 0) {
			die("it does not come to work");
		}
		/* On a machine that is busy, 2 ms may not be enough. */
		for (long i = 0; times == 0 && i < LATE_MAX; i++) {
			ask(reader.fd, &of, &owner);
			if (owner.unknown != GUEST_LATE &&
			    owner.unknown != GUEST_CHANGED) {
				break;
			}
		}
		for (long i = 0; i < times; i++) {
			ask(reader.fd, &of, &owner);
		}
		if (times == 0) {
			printf("%u %u %u %s %u %u %s\n", owner.unknown,
			       owner.uid, owner.process.pid, owner.process.comm,
			       owner.process.uid, owner.holders, owner.exe);
		}
	}
	if (times > 0 && asked > 0) {
		asked = asked < ASKED_MAX ? asked : ASKED_MAX;
		print_times(reading, asked);
		print_times(whole, asked);
		printf("\n");
	}
	guest_stop(&reader);
	return 0;
}
