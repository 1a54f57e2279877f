/*
 * The least that NFQUEUE can cost: takes packets from a queue and decides
 * on all of them alike.
 *
 *   queue NUMBER drop|accept [one]
 *
 *   one    each verdict alone, as soon as its packet is there, as a simple
 *          program has it; else by the batch
 *
 * Says "ready" on standard error.  Ended by SIGTERM or SIGINT, it prints
 * one line of JSON: the packets it had.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/nfqueue.h"

#define QUEUE_LENGTH 16384u /* as tap server's */

static volatile sig_atomic_t stopped;

static void
stop(int number)
{
	(void)number;
	stopped = 1;
}

static uint64_t
serve(struct nfq *nfq, enum nfq_verdict verdict, bool one)
{
	struct pollfd fd = { .fd = nfq->nl.fd, .events = POLLIN };
	uint64_t packets = 0;

	while (!stopped) {
		int count = nfq_receive(nfq);

		for (int i = 0; i < count; i++) {
			nfq_decide(nfq, nfq->packets[i].id, verdict, NULL, 0);
			if (one) {
				nfq_flush(nfq);
			}
		}
		nfq_flush(nfq);
		packets += count > 0 ? (uint64_t)count : 0;
		if (count == 0) {
			/* A signal between the look and this is not lost. */
			poll(&fd, 1, 100);
		}
	}
	return packets;
}

int
main(int argc, char **argv)
{
	static struct nfq nfq;
	const struct sigaction action = { .sa_handler = stop };
	uint64_t packets;
	int rc;

	if (argc < 3) {
		fprintf(stderr, "queue: usage: NUMBER drop|accept [one]\n");
		return 2;
	}
	rc = nfq_open(&nfq, (uint16_t)atoi(argv[1]), QUEUE_LENGTH, false);
	if (rc < 0) {
		fprintf(stderr, "queue: %s: %s\n", argv[1], strerror(-rc));
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	fprintf(stderr, "queue: ready\n");
	packets = serve(&nfq,
			strcmp(argv[2], "accept") == 0 ? NFQ_ACCEPT : NFQ_DROP,
			argc > 3);
	nfq_close(&nfq);
	printf("{\"packets\":%llu}\n", (unsigned long long)packets);
	return 0;
}
