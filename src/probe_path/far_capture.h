/*
 * What the far side captures, and what it keeps of that in a file. Strangers'
 * packets are bounded, so that they can't fill the disk.
 */
#ifndef TAP_PROBE_PATH_FAR_CAPTURE_H
#define TAP_PROBE_PATH_FAR_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include "os/pcap.h"
#include "probe_path/trial.h"

/* The last SYNs: one of them belongs to the connection just accepted. */
#define FAR_CAPTURE_RECENT 64u
/*
 * Packets kept in a second: ten times what one near side sends, and what
 * answers it.  Bytes of each: all headers, and what a probe carries.  And
 * bytes of the file: of five minutes of nothing but strangers.
 */
#define FAR_CAPTURE_PER_SECOND 2000u
#define FAR_CAPTURE_PACKET_MAX 256u
#define FAR_CAPTURE_FILE_MAX (64u * 1024 * 1024)

/* A SYN. */
struct far_capture_syn {
	struct field_values v;
	uint64_t ns;
	uint32_t device;
	size_t len; /* 0: none */
	uint8_t bytes[TRIAL_PACKET_MAX];
};

struct far_capture {
	struct cap cap;
	struct cap_file file;
	const char *path; /* its name, or NULL */
	uint64_t second;  /* of which so many were kept */
	unsigned kept;
	uint64_t bytes;    /* in the file */
	uint64_t left_out; /* packets, not told yet */
	struct far_capture_syn recent[FAR_CAPTURE_RECENT]; /* a ring */
	size_t recent_next;
	uint64_t read_ns; /* everything captured before that was read */
};

/*
 * Capture what goes to a port and the next one, of a device or (NULL) of
 * all; path is a file for it, or NULL.  0, or -errno with the reason in
 * why (WHY_MAX).
 */
int far_capture_open(struct far_capture *c, const char *device, uint16_t port,
		     const char *path, char *why);
/* 0, or -errno where not all is in the file that was to be. */
int far_capture_close(struct far_capture *c);

/*
 * The next packet: 1; 0 where there is none, or the turn is over; or
 * -errno.  It is in the file then, where there is one.
 */
int far_capture_next(struct far_capture *c, struct cap_packet *packet);

/* Log once a second or so what was left out. */
void far_capture_tick(struct far_capture *c);

/*
 * The SYN that a connection came from, or NULL.  It is the last one from
 * there: an earlier one may be a probe of another trial.  Of copies of
 * it, by several devices, the first: what came by the outermost.
 */
const struct far_capture_syn *far_capture_syn(const struct far_capture *c,
					      const struct packet_addr *src,
					      uint16_t sport);

#endif
