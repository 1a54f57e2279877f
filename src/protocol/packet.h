/*
 * IPv4 (with options), IPv6 (with extension headers) and TCP: find them
 * in a hostile buffer, change and checksum them.  RFC 791, 8200, 9293.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_PACKET_H
#define TAP_PROTOCOL_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define PACKET_IP4_HEADER 20
#define PACKET_IP6_HEADER 40
#define PACKET_TCP_HEADER 20
#define PACKET_TCP_HEADER_MAX 60
/* IPv4 with all options, or IPv6 with 176 bytes of extension headers. */
#define PACKET_IP_HEADER_MAX 216
/* All the headers that packet_parse() is content with. */
#define PACKET_HEADERS_MAX (PACKET_IP_HEADER_MAX + PACKET_TCP_HEADER_MAX)

/* What an IP header says that it carries. */
enum packet_protocol {
	PACKET_ICMP = 1,
	PACKET_TCP = 6,
	PACKET_UDP = 17,
	PACKET_ICMP6 = 58,
};

enum packet_flag {
	PACKET_FIN = 0x01,
	PACKET_SYN = 0x02,
	PACKET_RST = 0x04,
	PACKET_PSH = 0x08,
	PACKET_ACK = 0x10,
	PACKET_URG = 0x20,
	PACKET_ECE = 0x40,
	PACKET_CWR = 0x80,
};

/* What packet_parse() can find wrong; each has a name for logs. */
enum packet_error {
	PACKET_OK,
	PACKET_TRUNCATED = -1, /* headers go beyond the bytes there are */
	PACKET_LENGTH = -2,    /* a length field contradicts another */
	PACKET_FRAGMENT = -3,  /* a part of a datagram */
	PACKET_NOT_TCP = -4,
	PACKET_EXTENSION = -5, /* IPv6 chain too long, or still to be routed */
	PACKET_OPTION = -6,    /* TCP options that can't be so */
};

struct packet_addr {
	uint8_t family;    /* 4 or 6; 0 is no address */
	uint8_t bytes[16]; /* network order; IPv4 in the first four */
};

/* A packet as bytes, which are somebody else's. */
struct packet_view {
	const uint8_t *bytes;
	size_t len;
};

/* What IP says of a packet, whatever it carries. */
struct packet_ip {
	struct packet_addr src, dst;
	uint8_t ttl;         /* or hop limit */
	uint8_t tos;         /* DSCP and ECN */
	uint8_t protocol;    /* of the payload, behind all extension headers */
	uint16_t id;         /* IPv4 */
	bool dont_fragment;  /* IPv4 */
	uint32_t label;      /* IPv6 */
	bool more_fragments; /* this is the first of several */
	bool to_be_routed;   /* IPv6: dst is not the last destination */
	size_t at;           /* bytes of all headers before the payload */
	size_t len;          /* of the payload, as the header says */
	size_t there;        /* how many of these there are */
};

struct packet {
	struct packet_addr src, dst;
	uint16_t sport, dport; /* numbers in host order, here and below */
	uint32_t seq, ack;
	uint16_t window;
	uint8_t flags; /* enum packet_flag */
	uint8_t ttl;
	uint8_t tos;
	uint8_t reserved; /* four bits, next to the header's length */
	uint16_t urgent;
	bool has_signature; /* TCP-MD5 (RFC 2385) or TCP-AO (RFC 5925) */
	bool has_fastopen;  /* RFC 7413, with or without a cookie */
	size_t tcp_at;      /* bytes before the TCP header */
	size_t options_at, options_len;
	size_t data_at;  /* bytes of all headers */
	size_t data_len; /* by the IP header's word; may not be captured */
};

/*
 * Parse the IP headers that len bytes begin with: of a packet that may be
 * cut, as captures and ICMP errors have it, and of a first fragment, but
 * no later one.  Returns PACKET_OK or a negative enum packet_error; ip
 * then has the addresses, if they were there.
 */
int packet_parse_ip(struct packet_ip *ip, const uint8_t *bytes, size_t len);

/*
 * Parse the TCP header that is the payload of an IP packet.  Its options
 * need not be good.
 */
int packet_parse_tcp(struct packet *p, const uint8_t *bytes,
		     const struct packet_ip *ip);

/*
 * Parse a whole packet of TCP, len bytes that begin with an IP header.
 * wire_len is the length it had before it was cut for capture (len where
 * it was not).
 * Returns PACKET_OK or a negative enum packet_error; p then holds what
 * was found up to there (addresses, if they were there), the rest zero.
 */
int packet_parse(struct packet *p, const uint8_t *bytes, size_t len,
		 size_t wire_len);

/* Whether TCP follows the IP header, with no options or headers between. */
bool packet_is_plain(const struct packet *p);

/* A first SYN: SYN set; ACK, RST and FIN clear. */
bool packet_is_syn(const struct packet *p);

bool packet_addr_equal(const struct packet_addr *a,
		       const struct packet_addr *b);

/*
 * Write the fields that TAP changes into a parsed packet's bytes and
 * recompute the TCP checksum (RFC 9293, 3.1).  data_len bytes of data
 * must be there.  The IP header stays untouched.
 */
void packet_rewrite(uint8_t *bytes, const struct packet *p, uint16_t sport,
		    uint32_t seq, uint16_t window);

/*
 * Copy the headers of a parsed packet to out (at least p->data_at
 * bytes), without its data: lengths and the IPv4 header's checksum are
 * corrected.  Returns the length.  The TCP checksum is left to
 * packet_rewrite(), with *copy the parsed form of the copy.
 */
size_t packet_copy_headers(uint8_t *out, struct packet *copy,
			   const uint8_t *bytes, const struct packet *p);

/* The checksum (RFC 1071) of bytes, as IPv4's own header and ICMP have it. */
uint16_t packet_sum(const uint8_t *bytes, size_t len);

/*
 * The same of a protocol's header and data between two
 * addresses: what is to stand in the header, where there is 0 so far.
 */
uint16_t packet_checksum(const struct packet_addr *src,
			 const struct packet_addr *dst, uint8_t protocol,
			 const uint8_t *bytes, size_t len);

/* The TCP checksum as it should stand in the header, 0 in its place. */
uint16_t packet_tcp_checksum(const uint8_t *bytes, const struct packet *p);

#endif
