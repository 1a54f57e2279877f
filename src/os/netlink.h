/*
 * Netlink (RFC 3549), as much as tap speaks: messages built in a buffer
 * of the caller's, and attributes checked before they are looked at.
 *
 *   | nlmsghdr | family header | attribute | attribute | ...
 *   attribute: len:16 type:16 payload, padded to 4, in host order
 */
#ifndef TAP_OS_NETLINK_H
#define TAP_OS_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netlink {
	int fd;
	uint32_t port; /* ours */
	uint32_t seq;
};

/*
 * Open a socket of a protocol, as NETLINK_NETFILTER.  By those of all others
 * nothing can be changed, whatever who has them is permitted: the kernel asks
 * for the rights of who opened a socket, too, which has none then
 * (netlink(7), CAP_NET_ADMIN).  It does so where no address is given with a
 * message (sendto(2)).  0 or -errno.
 */
int netlink_open(struct netlink *nl, int protocol);
/* One that keeps this process's rights, for no other process to have. */
int netlink_open_with_rights(struct netlink *nl, int protocol);
/* The same, to be readable when any of these groups has something to tell. */
int netlink_watch(struct netlink *nl, int protocol, const int *groups,
		  size_t count);
void netlink_close(struct netlink *nl);

struct netlink_msg {
	uint8_t *bytes; /* the caller's, aligned for uint32_t */
	size_t size, len;
	size_t start; /* of the message begun last */
	bool full;    /* something did not fit */
};

/* One on the stack, with room for so many words of 32 bits. */
#define NETLINK_MSG(name, words)                                               \
	uint32_t name##_room[words];                                           \
	struct netlink_msg name = { .bytes = (void *)name##_room,              \
				    .size = sizeof name##_room }

/* Append a message; several may stand behind each other. */
void netlink_begin(struct netlink_msg *msg, uint16_t type, uint16_t flags,
		   uint32_t seq);
/* Append the family's header. */
void netlink_header(struct netlink_msg *msg, const void *header, size_t len);
void netlink_put(struct netlink_msg *msg, uint16_t type, const void *payload,
		 size_t len);
void netlink_put_u8(struct netlink_msg *msg, uint16_t type, uint8_t value);
/* Big-endian, as netfilter has its numbers. */
void netlink_put_be16(struct netlink_msg *msg, uint16_t type, uint16_t value);
void netlink_put_be32(struct netlink_msg *msg, uint16_t type, uint32_t value);
/* Attributes put between the two stand inside this one. */
size_t netlink_nest(struct netlink_msg *msg, uint16_t type);
void netlink_unnest(struct netlink_msg *msg, size_t nest);

/* Send what was built.  0 or -errno. */
int netlink_send(struct netlink *nl, const struct netlink_msg *msg);

/* A message received; payload begins behind the nlmsghdr. */
struct netlink_reply {
	uint16_t type;
	uint16_t flags;
	uint32_t seq;
	const uint8_t *payload;
	size_t len;
};

/*
 * Take the next message out of a datagram: *at moves behind it.
 * Returns false at the end, or where the rest is no message.
 */
bool netlink_next(const uint8_t *bytes, size_t len, size_t *at,
		  struct netlink_reply *reply);
/* The errno of an NLMSG_ERROR (0: done), or EBADMSG. */
int netlink_error(const struct netlink_reply *reply);

struct netlink_attr {
	const uint8_t *payload; /* NULL: not there */
	size_t len;
};

/*
 * Sort the attributes that follow a family header of header_len bytes
 * by their type; those above `most` are passed over.  0, or -1 where
 * lengths contradict each other.
 */
int netlink_attrs(const uint8_t *payload, size_t len, size_t header_len,
		  struct netlink_attr *attrs, uint16_t most);
/* The value of an attribute of just this length; else false. */
bool netlink_be32(const struct netlink_attr *attr, uint32_t *value);

/*
 * Discard pending notifications, of which only their presence matters; a
 * bounded number at a time. Whether there was any, or some were lost.
 */
bool netlink_drain(int fd);

/*
 * Send a request and wait for its end: the acknowledgement, or the last
 * part of a dump.  take (may be NULL) gets every other message; it
 * returns 0 to go on, and 1 where no more is to come.  0 or -errno.
 */
int netlink_call(struct netlink *nl, const struct netlink_msg *msg,
		 int (*take)(void *context, const struct netlink_reply *),
		 void *context);

#endif
