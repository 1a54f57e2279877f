/*
 * A recorded or made SYN, sent once more with other things in it.
 *
 * Pure.
 */
#ifndef TAP_REPLAY_TEST_FORGE_H
#define TAP_REPLAY_TEST_FORGE_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/packet.h"

#define FORGERY_WORDS_MAX 10u /* of TCP options: all there can be */
#define FORGERY_DATA_MAX 32u
#define FORGERY_MAX                                                            \
	(PACKET_HEADERS_MAX + FORGERY_WORDS_MAX * 4u + FORGERY_DATA_MAX)
/* A fragment has a header of its own, of 8 bytes for IPv6. */
#define FORGERY_PARTS 2u

struct forgery {
	struct packet_addr src, dst; /* of the SYN's own IP version */
	uint16_t sport, dport;
	uint32_t seq;
	uint16_t window;
	uint8_t words; /* of options to add, 4 bytes each */
	uint8_t data;  /* bytes of it to add */
};

/*
 * Write the packet to out (FORGERY_MAX) from a SYN's bytes and their
 * parsed form.  Of the options no more are added than there is room for.
 * Returns its length.
 */
size_t forgery_build(uint8_t out[FORGERY_MAX], const uint8_t *bytes,
		     const struct packet *syn, const struct forgery *f);

/* A reset for the connection that a SYN/ACK to it has begun. */
size_t forgery_reset(uint8_t out[FORGERY_MAX], const uint8_t *bytes,
		     const struct packet *syn, const struct forgery *f);

/*
 * One of the two fragments of a packet (RFC 791, RFC 8200, 4.5), the
 * first of which has `split` bytes of TCP, a multiple of 8.  Returns its
 * length; 0 where the packet can't be split so: too short, or with
 * headers between IP and TCP.
 */
size_t forgery_fragment(uint8_t out[FORGERY_MAX], const uint8_t *bytes,
			size_t len, unsigned part, size_t split, uint16_t id);

#endif
