/*
 * Packets as a device sends and receives them, by libpcap; and files of
 * packets, for tcpdump and wireshark.
 */
#ifndef TAP_OS_PCAP_H
#define TAP_OS_PCAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAP_FILTER_MAX 2048u /* a filter's text */

struct cap {
	struct pcap *pcap;
	int fd;   /* readable when there is a packet */
	int type; /* linktype.h */
	bool file;
	unsigned turn; /* packets of this turn, so far */
	bool more;     /* the last turn ended before there was none left */
};

struct cap_packet {
	const uint8_t *ip; /* valid until the next call */
	size_t len, wire_len;
	uint64_t ns;     /* since 1970, by the kernel */
	uint32_t device; /* an index, where all are captured; or 0 */
};

/* 0, or -errno with the reason in why (WHY_MAX), which names what is opened. */
int cap_open(struct cap *cap, const char *device, const char *filter,
	     char *why);
/*
 * A file instead, pcap or pcapng, of any link type that libpcap has; the
 * name - is standard input.  No filter: those of libpcap don't look into
 * VLANs, and not for all link types there are any.  0, or -errno with the
 * reason in why; -EBADMSG: it is no such file.
 */
int cap_open_file(struct cap *cap, const char *path, char *why);
void cap_close(struct cap *cap);

/*
 * Frames of a device that are looked at before something else gets its
 * turn: a flood does not end, and signals and clocks go on.
 */
#define CAP_TURN_MAX 512u

/*
 * The next IP packet, without waiting: 1, 0 where there is none or the
 * turn is over (cap->more; the descriptor stays readable), -errno.  At the
 * end of a file, which has no turns, 0; where it is cut short -EIO.
 */
int cap_next(struct cap *cap, struct cap_packet *packet);
/* Why that failed; lives as long as cap. */
const char *cap_why(const struct cap *cap);

/* Packets that came too fast. */
unsigned cap_lost(struct cap *cap);

/* A file of IP packets (LINKTYPE_RAW), with nanoseconds. */
struct cap_file {
	struct pcap *pcap;
	struct pcap_dumper *dumper;
	const char *path; /* the caller's */
	int error;        /* of the first write that failed, or 0 */
};

/* 0, or -errno with the reason, which names the file, in why. */
int cap_file_open(struct cap_file *file, const char *path, char *why);
/*
 * 0, or -errno: once, when the file takes no more (a full disk).  From
 * then on, nothing is written.
 */
int cap_file_put(struct cap_file *file, const struct cap_packet *packet);
/* Write what is only in memory so far.  0 or -errno, likewise once. */
int cap_file_flush(struct cap_file *file);
/* 0, or -errno where not all could be written, told before or not. */
int cap_file_close(struct cap_file *file);

#endif
