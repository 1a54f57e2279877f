/*
 * The program of the door, as instructions: it runs where the kernel looks
 * for a listener (bpf-sk_lookup, Linux 5.9), and for a protected port finds
 * one only if the connection was accepted.  See door.h.
 *
 * Every TCP lookup, of whatever port, goes the same way through the same
 * number of rules, so that its time does not tell which ports are protected.
 */
#ifndef TAP_DOOR_PROGRAM_H
#define TAP_DOOR_PROGRAM_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include "fastpath/door_map.h"

/* What follows of each rule, and what comes before and after them. */
#define DOOR_INSNS_MAX (DOOR_RULES_MAX * 36 + 160)

/* Descriptors of its maps. */
struct door_maps {
	int ports;    /* struct door_port, by local port */
	int lists;    /* struct door_list */
	int accepted; /* struct door_key, uint64_t */
	int own;      /* struct door_own; the value does not matter */
	int devices;  /* index (32 bits), number of its name (32 bits) */
	int counts;   /* uint64_t, by enum door_count, of each processor */
	int carrier;  /* its listeners: of IPv4, of IPv6; or below 0 */
};

/*
 * Write the instructions; returns how many.  `rules` of each list are looked
 * at.  Without `devices` the field is left alone that tells the device, which
 * kernels before 5.17 don't know: then no rule may want one.
 */
size_t door_program(struct bpf_insn out[DOOR_INSNS_MAX],
		    const struct door_maps *maps, size_t rules, bool devices);

#endif
