/*
 * Who has a socket open: by /proc, which tells all to whoever may look into
 * other users' /proc/PID/fd, and of processes of this PID namespace alone.
 */
#ifndef TAP_OS_SOCKET_HOLDER_H
#define TAP_OS_SOCKET_HOLDER_H

#include <stdint.h>
#include <sys/types.h>

/* A process that has the socket of this inode open; 0 where none is found. */
pid_t socket_holder(unsigned long inode);
/*
 * The same of a netlink socket, by its protocol and port id, which is only by
 * custom the number of a process.
 */
pid_t socket_holder_of_port(int protocol, uint32_t port);

#endif
