/*
 * A connection that is only begun, and what a capture on its device has of
 * it: what left, and what came back.
 */
#ifndef TAP_CLIENT_DOCTOR_TRIAL_H
#define TAP_CLIENT_DOCTOR_TRIAL_H

#include <stddef.h>
#include <stdint.h>

#include "client/attempts.h"
#include "os/pcap.h"
#include "os/resolve.h"
#include "protocol/packet.h"

#define TRIAL_SYNS_MAX 64u
/* A SYN is sent again after one second, and after three. */
#define TRIAL_MS 3500u

struct doctor_trial {
	/* SYNs that left for that port. */
	struct {
		uint32_t seq;
		uint16_t sport, window;
	} syns[TRIAL_SYNS_MAX];
	size_t syns_count;
	uint16_t sport;
	struct attempts heard; /* of one attempt: heard.at[0] */
	int error;             /* an errno, 0: connected, DIAL_WAITING */
};

/*
 * Connect from here, by a device, and watch.  0, or -errno with the reason in
 * why (WHY_MAX).
 */
int doctor_trial_run(struct doctor_trial *t, const char *device,
		     const struct host_addr *dst, uint16_t port, char *why);

/*
 * The frames of the largest group that the connection's SYN was in: 1 where
 * it went alone, 0 where it did not leave; and the key number that the group
 * carries, or -1.
 */
size_t doctor_trial_group(const struct doctor_trial *t, long *key_no);

#endif
