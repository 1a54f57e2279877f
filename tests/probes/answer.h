/* SPDX-License-Identifier: ISC */
/*
 * What comes back, as a text that says all an observer sees and nothing that
 * differs from one connection to the next: of numbers and time stamps where
 * they are from, of ICMP's quotation what differs from what was sent.
 */
#ifndef PROBES_ANSWER_H
#define PROBES_ANSWER_H

#include "probes/wire.h"

#define ANSWER_TEXT 512u

/* Whose answer it is: by the port that it goes to, or by what it quotes. */
struct answer_key {
	bool icmp;
	uint16_t sport, dport; /* of TCP: the target's, and ours */
	uint32_t tag;          /* of ICMP: of the packet that is quoted */
};

/* False where it can't be an answer. */
bool answer_key(struct answer_key *key, const struct heard *h, bool v6);

/* Of an answer to this. */
void answer_text(char out[ANSWER_TEXT], const struct heard *h,
		 const struct spec *sent);

/* The TCP segment of a packet without extensions, or NULL. */
const uint8_t *answer_tcp(const struct heard *h, bool v6, size_t *len);

#endif
