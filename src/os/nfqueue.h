/*
 * NFQUEUE: packets come from the kernel, verdicts go back.  Verdicts
 * are gathered and sent together.  Packet ids are kept in host order.
 */
#ifndef TAP_OS_NFQUEUE_H
#define TAP_OS_NFQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "os/netlink.h"
#include "protocol/packet.h"

#define NFQ_BATCH 32u /* packets taken with one system call */
/* A whole packet of an Ethernet, for its checksum. */
#define NFQ_COPY 1536u
/* What the kernel adds to a packet: its header and our attributes. */
#define NFQ_RECEIVE (NFQ_COPY + 512u)

struct nfq_packet {
	uint32_t id;
	uint8_t hook;         /* of netfilter: NF_INET_PRE_ROUTING, ... */
	const uint8_t *bytes; /* from the IP header on; until the next call */
	size_t len, wire_len;
	uint32_t indev, outdev;   /* indices, or 0 */
	uint32_t physin, physout; /* of a bridge's ports, or 0 */
	uint32_t mark;
	bool checksum_ready; /* false: the sender left it to the device */
	bool has_uid;
	uint32_t uid, gid;
};

struct nfq {
	struct netlink nl;
	uint16_t queue;
	uint32_t length; /* as opened */
	bool with_uid;
	struct netlink_msg verdicts;
	int failed; /* of verdicts sent early; nfq_flush() returns it */
	uint64_t unreadable; /* messages that could not be parsed */
	uint32_t verdict_bytes[8192];
	uint8_t received[NFQ_BATCH][NFQ_RECEIVE];
	struct nfq_packet packets[NFQ_BATCH];
};

enum nfq_verdict { NFQ_DROP = 0, NFQ_ACCEPT = 1 };

/*
 * Bind to a queue that holds up to `length` packets.  with_uid asks for
 * the user behind each packet.  Returns 0, or -errno: -EBUSY where
 * another process has the queue, -EPERM without privilege, -ENOSYS
 * where the kernel has no NFQUEUE.
 */
int nfq_open(struct nfq *nfq, uint16_t queue, uint32_t length, bool with_uid);
void nfq_close(struct nfq *nfq);

/*
 * Take up to NFQ_BATCH packets, without waiting, into nfq->packets.
 * Returns their number, 0 where there is none, or -errno.
 */
int nfq_receive(struct nfq *nfq);

/* Decide on a packet; a new content may replace its own (NULL: none). */
void nfq_decide(struct nfq *nfq, uint32_t id, enum nfq_verdict verdict,
		const uint8_t *bytes, size_t len);
/* Let a packet go on with another firewall mark. */
void nfq_accept_marked(struct nfq *nfq, uint32_t id, uint32_t mark);
/*
 * Have a queue as nfq_open() made it, whatever its owner was made to do with
 * it since: bound, held to its length, and closed where it overflows.  Packets
 * that wait, and answers, are left to whoever reads them.  0 or -errno.
 */
int nfq_renew(struct nfq *nfq);
/*
 * Drop every packet that still waits for its verdict: of a process that
 * died before it could decide.
 */
void nfq_drop_waiting(struct nfq *nfq);
/*
 * Send the verdicts gathered.  0 or -errno: then packets wait for ever,
 * until nfq_drop_waiting().
 */
int nfq_flush(struct nfq *nfq);

/* The port id of the socket that has a queue; 0: nobody has it. */
uint32_t nfq_owner(uint16_t queue);
/* The process that has it; 0 where none is found. */
pid_t nfq_process(uint16_t queue);

/* Packets that the kernel dropped because the queue, or its socket, was full.
 */
struct nfq_drops {
	uint64_t queue_full, socket_full;
};
/*
 * Open the file for nfq_read_drops(), before file access is given up. A
 * descriptor, or -errno.
 */
int nfq_open_drops(void);
/* 0, or -errno where the file has no such line. */
int nfq_read_drops(int fd, uint16_t queue, struct nfq_drops *drops);

/* Read one message of the kernel's (also for the fuzzer).  0 or -1. */
int nfq_parse(const struct netlink_reply *reply, struct nfq_packet *packet);

#endif
