/*
 * Probes: one packet for each way to scan a port, and what an answer to
 * it says of the port.  The states and the rules are those that nmap's
 * manual publishes ("Port scanning basics", "Port scanning techniques"):
 *
 *   scan      sends            SYN/ACK  RST                 none  ICMP
 *   syn       SYN              open     closed              f     f
 *   connect   (the kernel's)   open     closed              f     f
 *   fin       FIN              -        closed              o|f   f
 *   null      nothing          -        closed              o|f   f
 *   xmas      FIN PSH URG      -        closed              o|f   f
 *   ack       ACK              -        unfiltered          f     f
 *   window    ACK              -        open where it has a window,
 *                                       else closed         f     f
 *   maimon    FIN ACK          -        closed              o|f   f
 *   syn-data  SYN, 32 bytes    open     closed              f     f
 *   syn-ecn   SYN ECE CWR      open     closed              f     f
 *   udp       UDP, no data     UDP: open                    o|f   f; closed
 *                              where the host itself says: no such port
 *
 * f is filtered, o|f open|filtered.
 *
 * Pure.
 */
#ifndef TAP_MEASURE_PROBE_H
#define TAP_MEASURE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/reply.h"
#include "protocol/packet.h"

enum probe_scan {
	PROBE_SYN,
	PROBE_CONNECT,
	PROBE_FIN,
	PROBE_NULL,
	PROBE_XMAS,
	PROBE_ACK,
	PROBE_WINDOW,
	PROBE_MAIMON,
	PROBE_SYN_DATA,
	PROBE_SYN_ECN,
	PROBE_UDP,
	PROBE_SCANS,
};

enum probe_state {
	PROBE_UNKNOWN, /* nothing is known */
	PROBE_OPEN,
	PROBE_CLOSED,
	PROBE_FILTERED,
	PROBE_UNFILTERED,
	PROBE_OPEN_FILTERED,
	PROBE_CLOSED_FILTERED, /* nmap's idle scan has it */
	PROBE_STATES,
};

/* All that tells one scan from another. */
struct probe_kind {
	const char *name;
	uint8_t flags;                   /* enum packet_flag; of UDP 0 */
	enum probe_state silence, reset; /* what these mean */
	const char *nmap[3];             /* how nmap is asked for it */
	const char *nmap_type; /* what nmap calls it, if not as we do */
	bool nmap_flags;       /* nmap is told the flags */
	uint8_t data;          /* bytes that the probe carries */
	bool by_window;        /* a reset that has a window means open */
};

const struct probe_kind *probe_kind(enum probe_scan scan);

/* Their names, on the command line and in what is written. */
const char *probe_scan_name(enum probe_scan scan);
const char *probe_state_name(enum probe_state state);
/* By the first len bytes of a name; PROBE_SCANS or PROBE_UNKNOWN: none. */
enum probe_scan probe_scan_find(const char *name, size_t len);
enum probe_state probe_state_find(const char *name, size_t len);

/* Whether the scan begins as a connection does: its probe is a SYN. */
bool probe_is_syn(enum probe_scan scan);

#define PROBE_DATA 32u /* the most that a probe carries */
/* IPv6, TCP with an MSS, and data. */
#define PROBE_MAX (PACKET_IP6_HEADER + PACKET_TCP_HEADER + 4u + PROBE_DATA)

/*
 * Numbers of a probe that answers repeat, from a random token: they tell
 * to which probe an answer belongs.
 */
struct probe_numbers {
	uint32_t seq, ack;
	uint16_t id;    /* of IPv4, never 0 */
	uint32_t label; /* of IPv6 with UDP, never 0 */
};

struct probe_numbers probe_numbers(uint32_t token);

/*
 * Write the packet of a scan other than connect, from flow's source to
 * its destination.  Returns its length.
 */
size_t probe_build(uint8_t out[PROBE_MAX], enum probe_scan scan,
		   const struct answer_flow *flow, uint32_t token);

/*
 * Whether an answer belongs to a probe, by numbers that only who has seen
 * the probe knows: TCP acknowledges the sequence number, or repeats one
 * (resets of some systems, from another field); ICMP quotes it, of UDP
 * over IPv4 the IP ID, over IPv6 the flow label.
 *
 * Some can't be told: a SYN alone and a reset without ACK acknowledge
 * nothing, a datagram of UDP has nothing to repeat, and middleboxes may
 * rewrite what ICMP quotes of UDP.
 */
enum probe_match {
	PROBE_OTHER, /* wrong numbers: no answer to this probe */
	PROBE_UNTOLD,
	PROBE_MATCHES,
};

enum probe_match probe_match(enum probe_scan scan, const struct answer *a,
			     const struct probe_numbers *numbers);

/* What an answer says of the port; unknown where nmap takes no notice. */
enum probe_state probe_classify(enum probe_scan scan, const struct answer *a,
				const struct packet_addr *target);
/* What no answer means. */
enum probe_state probe_silence(enum probe_scan scan);
/* How connect(2) ended, by its errno, 0 where it succeeded. */
enum probe_state probe_connected(int error);

#endif
