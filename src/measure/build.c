#include "measure/build.h"

#include <string.h>

#include "base/bytes.h"

#define PROTOCOL_FRAGMENT 44
#define DONT_FRAGMENT 0x4000
#define MORE_FRAGMENTS4 0x2000
#define MORE_FRAGMENTS6 1

size_t
build_ip_len(uint8_t family)
{
	return family == 4 ? PACKET_IP4_HEADER : PACKET_IP6_HEADER;
}

size_t
build_ip(uint8_t *out, const struct build_ip *ip, size_t payload)
{
	size_t len = build_ip_len(ip->dst.family);

	memset(out, 0, len);
	if (ip->dst.family == 4) {
		out[0] = 0x45;
		out[1] = ip->tos;
		be16_store(out + 4, ip->id);
		be16_store(out + 6, ip->dont_fragment ? DONT_FRAGMENT : 0);
		out[8] = ip->ttl;
		out[9] = ip->protocol;
		memcpy(out + 12, ip->src.bytes, 4);
		memcpy(out + 16, ip->dst.bytes, 4);
	} else {
		be32_store(out, 6u << 28 | (uint32_t)ip->tos << 20 | ip->label);
		out[6] = ip->protocol;
		out[7] = ip->ttl;
		memcpy(out + 8, ip->src.bytes, 16);
		memcpy(out + 24, ip->dst.bytes, 16);
	}
	build_length(out, len + payload);
	return len;
}

void
build_length(uint8_t *bytes, size_t len)
{
	if (bytes[0] >> 4 == 4) {
		be16_store(bytes + 2, (uint16_t)len);
	} else {
		be16_store(bytes + 4, (uint16_t)(len - PACKET_IP6_HEADER));
	}
}

size_t
build_tcp(uint8_t *out, const struct build_ip *ip, const struct build_tcp *tcp)
{
	size_t header = PACKET_TCP_HEADER + tcp->options_len;
	size_t len = header + tcp->data_len;
	uint8_t *at = out + build_ip(out, ip, len);

	memset(at, 0, PACKET_TCP_HEADER);
	be16_store(at, tcp->sport);
	be16_store(at + 2, tcp->dport);
	be32_store(at + 4, tcp->seq);
	be32_store(at + 8, tcp->ack);
	at[12] = (uint8_t)(header / 4 << 4 | tcp->reserved);
	at[13] = tcp->flags;
	be16_store(at + 14, tcp->window);
	be16_store(at + 18, tcp->urgent);
	if (tcp->options_len > 0) {
		memcpy(at + PACKET_TCP_HEADER, tcp->options, tcp->options_len);
	}
	if (tcp->data_len > 0) {
		memcpy(at + header, tcp->data, tcp->data_len);
	}
	be16_store(at + 16,
		   packet_checksum(&ip->src, &ip->dst, PACKET_TCP, at, len));
	return (size_t)(at - out) + len;
}

size_t
build_fragment(uint8_t *out, const uint8_t *bytes, size_t len, unsigned part,
	       size_t split, uint32_t id)
{
	bool v4 = bytes[0] >> 4 == 4;
	size_t header = build_ip_len(v4 ? 4 : 6);
	size_t from = part == 0 ? 0 : split;
	size_t to = part == 0 ? split : len - header;
	uint8_t *at = out + header;

	memcpy(out, bytes, header);
	if (v4) {
		be16_store(out + 4, (uint16_t)id);
		be16_store(out + 6,
			   (uint16_t)(from / 8 |
				      (part == 0 ? MORE_FRAGMENTS4 : 0)));
	} else {
		out[6] = PROTOCOL_FRAGMENT;
		at[0] = bytes[6];
		at[1] = 0;
		be16_store(
			at + 2,
			(uint16_t)(from | (part == 0 ? MORE_FRAGMENTS6 : 0)));
		be32_store(at + 4, id);
		at += BUILD_FRAGMENT_HEADER;
	}
	memcpy(at, bytes + header + from, to - from);
	build_length(out, (size_t)(at - out) + to - from);
	return (size_t)(at - out) + to - from;
}
