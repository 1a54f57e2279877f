/*
 * Tables of iptables-legacy, whose changes the kernel does not report: what one
 * system call each can tell of them.
 */
#ifndef TAP_FIREWALL_LEGACY_H
#define TAP_FIREWALL_LEGACY_H

#include <stdbool.h>
#include <stdint.h>

/* Descriptors to ask by, or -1. */
struct legacy {
	int fd4, fd6;
};

/* As legacy_close() leaves it. */
void legacy_init(struct legacy *l);
/* For the families that we have rules of: asking makes a table, if none is. */
void legacy_open(struct legacy *l, bool v4, bool v6);
void legacy_close(struct legacy *l);
bool legacy_is_open(const struct legacy *l);
/*
 * How many rules the tables raw and mangle have, and nat of IPv4, and where
 * each hook begins, as one number: another one when a rule came, went, or was
 * replaced by a longer one.
 */
uint64_t legacy_sum(const struct legacy *l);

#endif
