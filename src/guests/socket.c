#include "guests/socket.h"

#include <errno.h>
#include <string.h>

#include "guests/little.h"

#define SYN_SENT 2u /* TCP_SYN_SENT */
#define INET 2u     /* AF_INET, and: */
#define INET6 10u
#define STREAM 1u
#define MODE_TYPE 0170000u
#define MODE_SOCKET 0140000u
#define TIME_WAIT 6u /* less than a whole socket, and: */
#define NEW_SYN_RECV 12u

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* Whether an address is that of a packet. */
static bool
is_address(const struct layout_view *view, enum layout_field v4,
	   enum layout_field v6, const struct packet_addr *addr)
{
	const uint8_t *bytes = layout_bytes(view, v6);

	if (addr->family == 6) {
		return memcmp(bytes, addr->bytes, 16) == 0;
	}
	if (layout_u16(view, LAYOUT_SOCK_FAMILY) == INET6) {
		return memcmp(bytes, mapped, sizeof mapped) == 0 &&
			memcmp(bytes + sizeof mapped, addr->bytes, 4) == 0;
	}
	return memcmp(layout_bytes(view, v4), addr->bytes, 4) == 0;
}

/* Whether a socket has this connection. */
static bool
is_of(const struct layout_view *view, const struct guest_connection *of)
{
	const uint16_t family = layout_u16(view, LAYOUT_SOCK_FAMILY);
	const uint8_t state = *layout_bytes(view, LAYOUT_SOCK_STATE);
	const uint8_t *port = layout_bytes(view, LAYOUT_SOCK_DPORT);

	return (family == INET6 || (family == INET && of->dst.family == 4)) &&
		state != TIME_WAIT && state != NEW_SYN_RECV &&
		(!of->opening || state == SYN_SENT) &&
		layout_u16(view, LAYOUT_SOCK_SPORT) == of->sport &&
		be16_load(port) == of->dport &&
		is_address(view, LAYOUT_SOCK_DST, LAYOUT_SOCK_DST6, &of->dst) &&
		is_address(view, LAYOUT_SOCK_SRC, LAYOUT_SOCK_SRC6, &of->src);
}

/* What is known of a socket; its file is 0 where nobody has it open. */
static int
take_socket(const struct kernel *k, uint64_t sock,
	    const struct layout_view *view, struct kernel_socket *socket)
{
	struct layout_view file;
	int rc;

	*socket = (struct kernel_socket){
		.sock = sock,
		.socket = layout_u64(view, LAYOUT_SOCK_SOCKET),
		.uid = layout_u32(view, LAYOUT_SOCK_UID),
		.state = *layout_bytes(view, LAYOUT_SOCK_STATE),
	};
	if (socket->socket == 0) {
		return 0;
	}
	rc = layout_read(&k->layout, &k->paging, LAYOUT_PART_SOCKET,
			 socket->socket, &file);
	if (rc < 0) {
		return rc;
	}
	/* What it points to has to point back. */
	if (layout_u64(&file, LAYOUT_SOCKET_SOCK) != sock) {
		return -EAGAIN;
	}
	socket->file = layout_u64(&file, LAYOUT_SOCKET_FILE);
	return 0;
}

/* Along the sockets of a port.  1: found; 0 or -errno. */
static int
look_at_owners(const struct kernel *k, uint64_t node,
	       const struct guest_connection *of, struct kernel_socket *socket,
	       unsigned *steps)
{
	const uint64_t link = k->layout.offset[LAYOUT_SOCK_NODE];
	struct layout_view view;

	for (; node != 0; node = layout_u64(&view, LAYOUT_SOCK_NODE)) {
		int rc;

		if (++*steps > KERNEL_CHAIN_MAX) {
			return -E2BIG;
		}
		rc = layout_read(&k->layout, &k->paging, LAYOUT_PART_SOCK,
				 node - link, &view);
		if (rc < 0) {
			return rc;
		}
		if (is_of(&view, of)) {
			rc = take_socket(k, node - link, &view, socket);
			return rc < 0 ? rc : 1;
		}
	}
	return 0;
}

/* A port's sockets, which newer kernels have by address. */
static int
look_at_port(const struct kernel *k, const struct layout_view *port,
	     const struct guest_connection *of, struct kernel_socket *socket,
	     unsigned *steps)
{
	const struct layout *l = &k->layout;
	const uint32_t link = l->offset[LAYOUT_ADDRESS_NODE];
	struct layout_view view;
	uint64_t node;
	int rc = 0;

	if (l->offset[LAYOUT_PORT_OWNERS] != LAYOUT_NONE) {
		return look_at_owners(k, layout_u64(port, LAYOUT_PORT_OWNERS),
				      of, socket, steps);
	}
	node = layout_u64(port, LAYOUT_PORT_ADDRESSES);
	for (; rc == 0 && node != 0;
	     node = layout_u64(&view, LAYOUT_ADDRESS_NODE)) {
		if (++*steps > KERNEL_CHAIN_MAX) {
			return -E2BIG;
		}
		rc = layout_read(l, &k->paging, LAYOUT_PART_ADDRESS,
				 node - link, &view);
		if (rc == 0) {
			rc = look_at_owners(
				k, layout_u64(&view, LAYOUT_ADDRESS_OWNERS), of,
				socket, steps);
		}
	}
	return rc;
}

static int
look_in_net(const struct kernel *k, const struct kernel_net *net,
	    const struct guest_connection *of, struct kernel_socket *socket,
	    unsigned *steps)
{
	const struct layout *l = &k->layout;
	const uint32_t bucket = (of->sport + net->mix) & k->binds_mask;
	const uint64_t link = l->offset[LAYOUT_PORT_NODE];
	struct layout_view view;
	uint64_t node;
	int rc = layout_read(l, &k->paging, LAYOUT_PART_BIND,
			     k->binds + (uint64_t)bucket * l->bucket, &view);

	node = rc == 0 ? layout_u64(&view, LAYOUT_BIND_CHAIN) : 0;
	for (; rc == 0 && node != 0;
	     node = layout_u64(&view, LAYOUT_PORT_NODE)) {
		if (++*steps > KERNEL_CHAIN_MAX) {
			return -E2BIG;
		}
		rc = layout_read(l, &k->paging, LAYOUT_PART_PORT, node - link,
				 &view);
		if (rc == 0 &&
		    layout_u16(&view, LAYOUT_PORT_NUMBER) == of->sport) {
			rc = look_at_port(k, &view, of, socket, steps);
		}
	}
	return rc;
}

static int
look(const struct kernel *k, const struct guest_connection *of,
     struct kernel_socket *socket)
{
	unsigned steps = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < k->nets; i++) {
		rc = look_in_net(k, &k->net[i], of, socket, &steps);
	}
	return rc == 1 ? 0 : rc < 0 ? rc : -ENOENT;
}

int
kernel_find_socket(struct kernel *k, const struct guest_connection *of,
		   struct kernel_socket *socket)
{
	return look(k, of, socket);
}

/* What a socket is connected with. */
static void
take_connection(const struct layout_view *view, struct guest_connection *to)
{
	const bool v6 = layout_u16(view, LAYOUT_SOCK_FAMILY) == INET6;
	const enum layout_field src = v6 ? LAYOUT_SOCK_SRC6 : LAYOUT_SOCK_SRC;
	const enum layout_field dst = v6 ? LAYOUT_SOCK_DST6 : LAYOUT_SOCK_DST;

	*to = (struct guest_connection){
		.src.family = v6 ? 6 : 4,
		.dst.family = v6 ? 6 : 4,
		.sport = layout_u16(view, LAYOUT_SOCK_SPORT),
		.dport = be16_load(layout_bytes(view, LAYOUT_SOCK_DPORT)),
	};
	memcpy(to->src.bytes, layout_bytes(view, src), v6 ? 16 : 4);
	memcpy(to->dst.bytes, layout_bytes(view, dst), v6 ? 16 : 4);
}

int
kernel_file_socket(const struct kernel *k, uint64_t file,
		   struct kernel_socket *socket,
		   struct guest_connection *connection)
{
	const struct layout *l = &k->layout;
	struct layout_view view;
	uint64_t inode, at, sock;
	uint16_t family;
	int rc = layout_read(l, &k->paging, LAYOUT_PART_FILE, file, &view);

	if (rc < 0) {
		return rc;
	}
	inode = layout_u64(&view, LAYOUT_FILE_INODE);
	at = layout_u64(&view, LAYOUT_FILE_PRIVATE);
	rc = layout_read(l, &k->paging, LAYOUT_PART_INODE, inode, &view);
	if (rc < 0 || at == 0 ||
	    (layout_u16(&view, LAYOUT_INODE_MODE) & MODE_TYPE) != MODE_SOCKET) {
		return rc;
	}
	rc = layout_read(l, &k->paging, LAYOUT_PART_SOCKET, at, &view);
	sock = layout_u64(&view, LAYOUT_SOCKET_SOCK);
	if (rc < 0 || sock == 0 ||
	    layout_u64(&view, LAYOUT_SOCKET_FILE) != file) {
		return rc;
	}
	rc = layout_read(l, &k->paging, LAYOUT_PART_SOCK, sock, &view);
	if (rc < 0) {
		return rc;
	}
	family = layout_u16(&view, LAYOUT_SOCK_FAMILY);
	if ((family != INET && family != INET6) ||
	    layout_u16(&view, LAYOUT_SOCK_TYPE) != STREAM ||
	    layout_u16(&view, LAYOUT_SOCK_PROTOCOL) != PACKET_TCP) {
		return 0;
	}
	take_connection(&view, connection);
	rc = take_socket(k, sock, &view, socket);
	return rc < 0 ? rc : 1;
}
