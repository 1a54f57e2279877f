/*
 * The client without netfilter (papers: 000, 4.2): SYNs are seen going
 * out by libpcap, and frames are put on the wire by it.  Nothing here is
 * Linux's alone.
 */
#ifndef TAP_CLIENT_PCAP_IO_H
#define TAP_CLIENT_PCAP_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_DEVICES_MAX 32u
#define WIRE_NAME_MAX 64u /* Windows has long ones */
/* A SYN with all its headers, behind any link header. */
#define WIRE_SNAPLEN 512
/* Frames looked at before something else gets its turn. */
#define WIRE_TURN_MAX 512u
/* Frames of ours that may come by again. */
#define WIRE_SENT_MAX 256u

struct pcap;

struct wire_device {
	struct pcap *pcap; /* or NULL: see wire_reopen() */
	int fd;            /* readable when there is a frame */
	int linktype;
	char name[WIRE_NAME_MAX]; /* when it was opened */
	unsigned turn;            /* frames of this turn, so far */
	bool failed;              /* it is gone, or down */
};

struct wire {
	size_t absent; /* of those asked for */
	size_t count;
	struct wire_device devices[WIRE_DEVICES_MAX];
	struct {
		uint32_t seq;
		uint16_t sport, window;
	} sent[WIRE_SENT_MAX];
	size_t sent_next;
};

/* A SYN that went out; bytes begin with the IP header. */
struct wire_syn {
	struct wire_device *device;
	const uint8_t *link; /* the frame, with its link header */
	size_t link_len;     /* of that header */
	const uint8_t *bytes;
	size_t len, wire_len;
};

/*
 * Listen on these devices, or (count 0) on all that are up: on those of them
 * that are there, of which there may be none; why (WHY_MAX) then says
 * which is not.  0, or -1 with the reason in why.
 */
int wire_open(struct wire *wire, const char *const *names, size_t count,
	      char *why);
/*
 * Listen again on one that has failed.  False, with the reason in why, and to
 * be called once more: it is not there yet.
 */
bool wire_reopen(struct wire_device *device, char *why);
void wire_close(struct wire *wire);

/*
 * The next SYN of a device that is not one of ours, without waiting; it
 * lives until the next call.  1, 0 where there is none or the turn is
 * over, or -1 where the device has failed.
 */
int wire_next(struct wire *wire, struct wire_device *device,
	      struct wire_syn *syn);

/*
 * Put a packet on the wire the way this SYN went.  0, or -errno.
 */
int wire_send(struct wire *wire, const struct wire_syn *syn,
	      const uint8_t *bytes, size_t len);

#endif
