/*
 * Tables of iptables-legacy, whose changes the kernel does not report: what one
 * system call each can tell of them.
 */
#ifndef TAP_FIREWALL_LEGACY_H
#define TAP_FIREWALL_LEGACY_H

#include <stdint.h>

/* A descriptor to ask by, or -errno. */
int legacy_open(void);
/*
 * How many rules the tables raw, mangle and nat of IPv4 have, and where each
 * hook begins, as one number: another one when a rule came, went, or was
 * replaced by a longer one.
 */
uint64_t legacy_sum(int fd);

#endif
