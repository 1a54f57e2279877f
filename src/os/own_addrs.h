/*
 * This host's own addresses (getifaddrs(3)).
 */
#ifndef TAP_OS_OWN_ADDRS_H
#define TAP_OS_OWN_ADDRS_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/packet.h"

/* 1: it is this host's, or of its loopback; 0: it is not; or -errno. */
int addrs_own(const struct packet_addr *addr);

/*
 * Another own address than this, for packets that `device` (an index)
 * sends: one of that device, or for the loopback any, and of 127.0.0.0/8
 * the next.  1, 0 where there is none, or -errno.
 */
int addrs_other(const struct packet_addr *addr, uint32_t device,
		struct packet_addr *other);

#endif
