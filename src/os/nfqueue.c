#include "os/nfqueue.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "os/socket_holder.h"

#define TYPE(message) ((NFNL_SUBSYS_QUEUE << 8) | (message))
#define SOCKET_BUFFER (8 << 20) /* a burst of ten thousand SYNs */

static void
begin(struct netlink_msg *msg, uint16_t type, uint16_t flags, uint32_t seq,
      uint16_t queue)
{
	struct nfgenmsg header = { .version = NFNETLINK_V0 };

	be16_store((uint8_t *)&header.res_id, queue);
	netlink_begin(msg, type, flags, seq);
	netlink_header(msg, &header, sizeof header);
}

/*
 * What makes a queue what it has to be, in this order; and what changes
 * nothing, and is answered to who may.
 */
enum { BIND, PARAMETERS, LENGTH, FLAGS, SETTINGS, ASK };

static void
put_setting(struct nfq *nfq, struct netlink_msg *msg, int setting,
	    uint16_t more_flags)
{
	const struct nfqnl_msg_config_cmd cmd = {
		.command = setting == ASK ? NFQNL_CFG_CMD_PF_BIND
					  : NFQNL_CFG_CMD_BIND,
	};
	struct nfqnl_msg_config_params params = {
		.copy_mode = NFQNL_COPY_PACKET,
	};
	const uint32_t flags =
		NFQA_CFG_F_GSO | (nfq->with_uid ? NFQA_CFG_F_UID_GID : 0);

	begin(msg, TYPE(NFQNL_MSG_CONFIG), NLM_F_REQUEST | more_flags,
	      nfq->nl.seq++, nfq->queue);
	switch (setting) {
	case BIND:
	case ASK:
		netlink_put(msg, NFQA_CFG_CMD, &cmd, sizeof cmd);
		break;
	case PARAMETERS:
		be32_store((uint8_t *)&params.copy_range, NFQ_COPY);
		netlink_put(msg, NFQA_CFG_PARAMS, &params, sizeof params);
		break;
	case LENGTH:
		netlink_put_be32(msg, NFQA_CFG_QUEUE_MAXLEN, nfq->length);
		break;
	default:
		netlink_put_be32(msg, NFQA_CFG_FLAGS, flags);
		netlink_put_be32(msg, NFQA_CFG_MASK,
				 flags | NFQA_CFG_F_FAIL_OPEN |
					 NFQA_CFG_F_CONNTRACK);
	}
}

static int
set(struct nfq *nfq, int setting)
{
	NETLINK_MSG(msg, 64);

	put_setting(nfq, &msg, setting, NLM_F_ACK);
	return netlink_call(&nfq->nl, &msg, NULL, NULL);
}

static int
bind_queue(struct nfq *nfq)
{
	int rc = set(nfq, BIND);

	/*
	 * The kernel answers EPERM both to who may not and to who comes
	 * second, EBUSY in a race, and EINVAL where it knows no queues.  Only
	 * root may read which there are.
	 */
	if (rc == -EPERM && set(nfq, ASK) == 0) {
		return -EBUSY;
	}
	return rc == -EINVAL || rc == -EOPNOTSUPP ? -ENOSYS : rc;
}

int
nfq_renew(struct nfq *nfq)
{
	NETLINK_MSG(msg, 256);

	for (int setting = BIND; setting < SETTINGS; setting++) {
		put_setting(nfq, &msg, setting, 0);
	}
	return netlink_send(&nfq->nl, &msg);
}

int
nfq_open(struct nfq *nfq, uint16_t queue, uint32_t length, bool with_uid)
{
	int on = 1;
	int buffer = SOCKET_BUFFER;
	int rc;

	memset(nfq, 0, sizeof *nfq);
	nfq->queue = queue;
	nfq->verdicts.bytes = (void *)nfq->verdict_bytes;
	nfq->verdicts.size = sizeof nfq->verdict_bytes;
	rc = netlink_open(&nfq->nl, NETLINK_NETFILTER);
	if (rc < 0) {
		return rc == -EPROTONOSUPPORT ? -ENOSYS : rc;
	}
	nfq->length = length;
	nfq->with_uid = with_uid;
	rc = bind_queue(nfq);
	for (int setting = PARAMETERS; setting < SETTINGS && rc == 0;
	     setting++) {
		rc = set(nfq, setting);
	}
	if (rc < 0) {
		nfq_close(nfq);
		return rc;
	}
	/*
	 * Drops of a full socket are counted in /proc; ENOBUFS would only
	 * stall.
	 */
	setsockopt(nfq->nl.fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
	if (setsockopt(nfq->nl.fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer,
		       sizeof buffer) < 0) {
		setsockopt(nfq->nl.fd, SOL_SOCKET, SO_RCVBUF, &buffer,
			   sizeof buffer);
	}
	return 0;
}

void
nfq_close(struct nfq *nfq)
{
	netlink_close(&nfq->nl);
}

static uint32_t
number_of(const struct netlink_attr *attr)
{
	uint32_t value = 0;

	netlink_be32(attr, &value);
	return value;
}

int
nfq_parse(const struct netlink_reply *reply, struct nfq_packet *packet)
{
	struct netlink_attr attrs[NFQA_MAX + 1];
	struct nfqnl_msg_packet_hdr header;

	memset(packet, 0, sizeof *packet);
	if (reply->type != TYPE(NFQNL_MSG_PACKET) ||
	    reply->len < sizeof(struct nfgenmsg) ||
	    netlink_attrs(reply->payload, reply->len, sizeof(struct nfgenmsg),
			  attrs, NFQA_MAX) < 0 ||
	    attrs[NFQA_PACKET_HDR].len != sizeof header) {
		return -1;
	}
	memcpy(&header, attrs[NFQA_PACKET_HDR].payload, sizeof header);
	packet->id = be32_load((const uint8_t *)&header.packet_id);
	packet->hook = header.hook;
	packet->bytes = attrs[NFQA_PAYLOAD].payload;
	packet->len = attrs[NFQA_PAYLOAD].len;
	packet->wire_len = packet->len;
	if (attrs[NFQA_CAP_LEN].payload) {
		packet->wire_len = number_of(&attrs[NFQA_CAP_LEN]);
	}
	packet->indev = number_of(&attrs[NFQA_IFINDEX_INDEV]);
	packet->outdev = number_of(&attrs[NFQA_IFINDEX_OUTDEV]);
	packet->physin = number_of(&attrs[NFQA_IFINDEX_PHYSINDEV]);
	packet->physout = number_of(&attrs[NFQA_IFINDEX_PHYSOUTDEV]);
	packet->mark = number_of(&attrs[NFQA_MARK]);
	packet->checksum_ready =
		!(number_of(&attrs[NFQA_SKB_INFO]) & NFQA_SKB_CSUMNOTREADY);
	packet->has_uid = netlink_be32(&attrs[NFQA_UID], &packet->uid);
	netlink_be32(&attrs[NFQA_GID], &packet->gid);
	return 0;
}

int
nfq_receive(struct nfq *nfq)
{
	struct mmsghdr messages[NFQ_BATCH];
	struct iovec parts[NFQ_BATCH];
	struct sockaddr_nl from[NFQ_BATCH];
	int count = 0;
	int got;

	for (size_t i = 0; i < NFQ_BATCH; i++) {
		parts[i] = (struct iovec){ nfq->received[i], NFQ_RECEIVE };
		messages[i] =
			(struct mmsghdr){ .msg_hdr = {
						  .msg_name = &from[i],
						  .msg_namelen = sizeof from[i],
						  .msg_iov = &parts[i],
						  .msg_iovlen = 1,
					  } };
	}
	got = recvmmsg(nfq->nl.fd, messages, NFQ_BATCH, MSG_DONTWAIT, NULL);
	if (got < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	for (int i = 0; i < got; i++) {
		struct netlink_reply reply;
		size_t at = 0;

		if (from[i].nl_pid != 0 ||
		    !netlink_next(nfq->received[i], messages[i].msg_len, &at,
				  &reply)) {
			nfq->unreadable++;
		} else if (nfq_parse(&reply, &nfq->packets[count]) < 0) {
			/*
			 * Mostly the late error of a verdict whose packet is
			 * gone.
			 */
			nfq->unreadable += reply.type != NLMSG_ERROR;
		} else {
			count++;
		}
	}
	return count;
}

static void
put_verdict(struct nfq *nfq, uint32_t id, uint32_t verdict, size_t room)
{
	struct nfqnl_msg_verdict_hdr header;

	if (nfq->verdicts.size - nfq->verdicts.len < 128 + room) {
		nfq->failed = nfq_flush(nfq);
	}
	be32_store((uint8_t *)&header.verdict, verdict);
	be32_store((uint8_t *)&header.id, id);
	begin(&nfq->verdicts, TYPE(NFQNL_MSG_VERDICT), NLM_F_REQUEST, 0,
	      nfq->queue);
	netlink_put(&nfq->verdicts, NFQA_VERDICT_HDR, &header, sizeof header);
}

void
nfq_decide(struct nfq *nfq, uint32_t id, enum nfq_verdict verdict,
	   const uint8_t *bytes, size_t len)
{
	put_verdict(nfq, id, verdict == NFQ_ACCEPT ? NF_ACCEPT : NF_DROP,
		    bytes ? len : 0);
	if (bytes) {
		netlink_put(&nfq->verdicts, NFQA_PAYLOAD, bytes, len);
	}
}

void
nfq_accept_marked(struct nfq *nfq, uint32_t id, uint32_t mark)
{
	put_verdict(nfq, id, NF_ACCEPT, 0);
	netlink_put_be32(&nfq->verdicts, NFQA_MARK, mark);
}

int
nfq_flush(struct nfq *nfq)
{
	int before = nfq->failed;
	int rc = 0;

	nfq->failed = 0;
	if (nfq->verdicts.len > 0) {
		rc = netlink_send(&nfq->nl, &nfq->verdicts);
		nfq->verdicts.len = 0;
		nfq->verdicts.full = false;
	}
	return rc < 0 ? rc : before;
}

#define PROC_FILE "/proc/net/netfilter/nfnetlink_queue"
#define PROC_MAX 65536 /* a thousand queues */

int
nfq_open_drops(void)
{
	int fd = open(PROC_FILE, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/*
 * A line of /proc: queue, port id of its owner, packets waiting, copy
 * mode, copy range, dropped by the queue, dropped by the socket, ...
 */
static int
read_line(int fd, uint16_t queue, uint32_t *owner, struct nfq_drops *drops)
{
	char text[PROC_MAX];
	const char *line = text;
	size_t len = 0;
	ssize_t got;

	/* The kernel gives no more than a page at a time. */
	do {
		got = pread(fd, text + len, sizeof text - 1 - len, (off_t)len);
		len += got > 0 ? (size_t)got : 0;
	} while (got > 0 && len < sizeof text - 1);
	if (got < 0) {
		return -errno;
	}
	text[len] = '\0';
	while (*line) {
		unsigned number, port;
		unsigned long long full, user;

		if (sscanf(line, "%u %u %*u %*u %*u %llu %llu", &number, &port,
			   &full, &user) == 4 &&
		    number == queue) {
			*owner = port;
			*drops = (struct nfq_drops){ full, user };
			return 0;
		}
		line += strcspn(line, "\n");
		line += *line != '\0';
	}
	return -ENOENT;
}

uint32_t
nfq_owner(uint16_t queue)
{
	struct nfq_drops drops;
	uint32_t owner = 0;
	int fd = nfq_open_drops();

	if (fd >= 0) {
		read_line(fd, queue, &owner, &drops);
		close(fd);
	}
	return owner;
}

pid_t
nfq_process(uint16_t queue)
{
	const uint32_t owner = nfq_owner(queue);

	return owner ? socket_holder_of_port(NETLINK_NETFILTER, owner) : 0;
}

int
nfq_read_drops(int fd, uint16_t queue, struct nfq_drops *drops)
{
	uint32_t owner;

	return read_line(fd, queue, &owner, drops);
}

/* Drop those whose ids are up to this one, and behind it by half of all. */
static void
drop_up_to(struct nfq *nfq, uint32_t id)
{
	struct nfqnl_msg_verdict_hdr header;

	be32_store((uint8_t *)&header.verdict, NF_DROP);
	be32_store((uint8_t *)&header.id, id);
	begin(&nfq->verdicts, TYPE(NFQNL_MSG_VERDICT_BATCH), NLM_F_REQUEST, 0,
	      nfq->queue);
	netlink_put(&nfq->verdicts, NFQA_VERDICT_HDR, &header, sizeof header);
	nfq_flush(nfq);
}

void
nfq_drop_waiting(struct nfq *nfq)
{
	/*
	 * Ids wrap, and the kernel stops at the first one ahead of the given:
	 * two calls, half the range apart, drop all of them.
	 */
	drop_up_to(nfq, INT32_MAX);
	drop_up_to(nfq, UINT32_MAX);
	drop_up_to(nfq, INT32_MAX);
}
