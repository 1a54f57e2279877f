/* SPDX-License-Identifier: ISC */
/*
 * Sends what an attacker would to hidden ports and to others that they are
 * to be like, and tells what differs.
 * usage: probes TOOL WORD=VALUE...
 *        probes serve PORT=TEXT...
 *
 * corpus   every kind of packet at every port; all answers are compared
 * burst    whether answers come in the order of what was asked
 * rate     whether as many come where much is asked at once
 * pmtu     whether strangers change the host's path MTU
 * ping     whether a ping behind 30 SYNs tells to which port they went
 * heads    whether a ping behind one SYN1 tells which key numbers exist
 * pairs    whether a packet opens the way for the connection that follows
 * cookies-take, cookies-use
 *          whether an ACK with a right SYN cookie, from a FILE, gets in
 * serve    a text on each connection to a port
 *
 *   dev=DEVICE mac=ADDRESS   the way to the target
 *   src=ADDRESS dst=ADDRESS  src is nobody's here: no stack answers for it
 *   local=ADDRESS            the target's link-local one, of IPv6
 *   NAME:PORT=PORT,PORT      a hidden port, and its controls
 *   closed=PORT              the first of 32 where nobody listens
 *   count=N                  samples; of pairs, all kinds once without it
 *   pace=US                  after each packet, or pair
 *   rounds=N                 for a kind that differs, at least 2
 *   key=N only=PATTERN text=TEXT file=PATH
 *   variant=NAME known=FILE  what is known to differ, see known
 *   list=1                   print all answers
 *
 * Exits 0 where nothing differs, 1 where something does.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "probes/run.h"

#define SAMPLES 1000u

static uint64_t state;

uint32_t
any(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)(z >> 32);
}

_Noreturn static void
wrong(const char *what)
{
	fprintf(stderr, "probes: %s: see probes.c\n", what);
	exit(2);
}

static void
take_address(bool *v6, uint8_t out[16], const char *text)
{
	*v6 = strchr(text, ':');
	if (inet_pton(*v6 ? AF_INET6 : AF_INET, text, out) != 1) {
		wrong(text);
	}
}

/* NAME:PORT=PORT,... */
static void
take_group(struct words *w, char *name, const char *value)
{
	struct group *g = &w->groups[w->group_count++];
	char *port = strchr(name, ':');
	char *end = NULL;

	if (w->group_count > GROUPS_MAX || !port) {
		wrong(name);
	}
	*port++ = '\0';
	snprintf(g->name, sizeof g->name, "%s", name);
	g->hidden = (uint16_t)strtoul(port, NULL, 10);
	while (*value && g->control_count < CONTROLS_MAX) {
		g->controls[g->control_count++] =
			(uint16_t)strtoul(value, &end, 10);
		value = end + (*end == ',');
	}
}

static void
take_word(struct words *w, char *word)
{
	char *value = strchr(word, '=');
	unsigned long number;

	if (!value) {
		wrong(word);
	}
	*value++ = '\0';
	number = strtoul(value, NULL, 10);
	if (strchr(word, ':')) {
		take_group(w, word, value);
	} else if (strcmp(word, "dev") == 0) {
		w->device = value;
	} else if (strcmp(word, "mac") == 0) {
		w->mac = value;
	} else if (strcmp(word, "src") == 0) {
		take_address(&w->scene.v6, w->scene.src, value);
	} else if (strcmp(word, "dst") == 0) {
		take_address(&w->scene.v6, w->scene.dst, value);
	} else if (strcmp(word, "local") == 0) {
		inet_pton(AF_INET6, value, w->scene.local);
	} else if (strcmp(word, "closed") == 0) {
		w->closed = (uint16_t)number;
	} else if (strcmp(word, "count") == 0) {
		w->count = number;
	} else if (strcmp(word, "pace") == 0) {
		w->pace_us = number;
	} else if (strcmp(word, "key") == 0) {
		w->key_no = (unsigned)number;
	} else if (strcmp(word, "rounds") == 0) {
		w->rounds = (unsigned)number;
	} else if (strcmp(word, "only") == 0) {
		w->only = value;
	} else if (strcmp(word, "text") == 0) {
		w->text = value;
	} else if (strcmp(word, "file") == 0) {
		w->file = value;
	} else if (strcmp(word, "variant") == 0) {
		w->variant = value;
	} else if (strcmp(word, "known") == 0) {
		w->known = value;
	} else if (strcmp(word, "list") == 0) {
		w->list = number;
	} else {
		wrong(word);
	}
}

int
main(int argc, char **argv)
{
	static struct words words = {
		.variant = "probes", .pace_us = 50, .rounds = 5, .key_no = 10
	};
	struct words *w = &words;
	const char *tool = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (getrandom(&state, sizeof state, 0) != (ssize_t)sizeof state) {
		die("random numbers");
	}
	if (strcmp(tool, "serve") == 0) {
		run_serve(argv + 2);
	}
	for (int i = 2; i < argc; i++) {
		take_word(w, argv[i]);
	}
	if (!w->device || !w->mac || w->group_count == 0) {
		wrong("dev=, mac= and ports are wanted");
	}
	if (w->count == 0 && strcmp(tool, "pairs") != 0) {
		w->count = SAMPLES;
	}
	if (strcmp(tool, "corpus") == 0) {
		return run_corpus(w);
	}
	if (strcmp(tool, "burst") == 0) {
		return run_burst(w);
	}
	if (strcmp(tool, "rate") == 0) {
		return run_rate(w);
	}
	if (strcmp(tool, "pmtu") == 0) {
		return run_pmtu(w);
	}
	if (strcmp(tool, "ping") == 0) {
		return run_ping(w);
	}
	if (strcmp(tool, "heads") == 0) {
		return run_heads(w);
	}
	if (strcmp(tool, "pairs") == 0) {
		return run_pairs(w);
	}
	if (strncmp(tool, "cookies-", 8) == 0) {
		return run_cookies(w, strcmp(tool, "cookies-take") == 0);
	}
	wrong(tool);
}
