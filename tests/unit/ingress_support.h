/*
 * The ingress program's program, run by the kernel on frames of ours, beside
 * two receivers: one gets all packets, the other what the ingress program lets
 * through and hands over.  Wants root; there are no devices where it runs.
 */
#ifndef TAP_TESTS_INGRESS_SUPPORT_H
#define TAP_TESTS_INGRESS_SUPPORT_H

#include "support.h"

#include "server/worker.h"

#define PORT 22
#define PORT_NET 23     /* protected from 10.0.0.0/8, and only there */
#define PORT_OPEN 24    /* not protected */
#define PORT_LOOSE 25   /* not the ingress program's */
#define PORT_LO 26      /* protected on that device, by which all comes */
#define PORT_NONE 27    /* protected on a device that there is not */
#define PORT_THROUGH 28 /* of hosts beyond: by rules of type=ROUTER */
#define KEYS 6
#define KEY_60 2 /* the first of them that has more than 30 bits */
#define BED_MARK 0x00200000u
#define BED_STRANGERS 0x00100000u
/* However slow the machine is; and yet such that old marks are known as old. */
#define BED_ASSEMBLY (3600ull * 1000000000)

struct bed {
	enum ingress_way way; /* set this and the next before bed_setup() */
	bool accepts;
	bool entangled; /* groups share marks: the receivers may lose some */
	struct bench *all, *by_ingress;
	struct bench *alone;  /* asked of each group the kernel accepted */
	struct worker worker; /* its ingress program, and its receiver, which is
				 accepted in the kernel's */
	uint64_t seed;
	uint32_t mark;      /* of the last packet */
	bool accepted;      /* in the kernel, likewise */
	const char *cannot; /* be tested here; why */
};

extern struct bed bed;

int bed_setup(void **state);
int bed_teardown(void **state);
/* Take up what became of bed.all's rules and keys, as a reload does. */
void bed_change(void);
/* Skip the test where the program can't run. */
void bed_need(void);
uint64_t bed_counted(enum ingress_count what);
void bed_set_flood(bool flood);
/* Whether an address is the host's, in the way that ingress program.c tells it.
 */
void bed_set_local(const struct packet_addr *addr, bool is_local);
/* Those that groups are sent to; the program forgets them with each change. */
void bed_set_locals(void);
/* The kernel's clock, as far as the ingress program is told, is the bench's. */
void bed_set_clock(void);

size_t bed_frame(uint8_t frame[128], const struct packet *p, size_t options);
/* What of it is left out for the program: where there is no link header, 14. */
size_t bed_link(void);
/* The verdict, in the words of XDP. */
int bed_run_frame(uint8_t *frame, size_t len);
/* out: what passes, which may be another frame of the group. */
int bed_run_into(const struct packet *p, struct packet *out);
int bed_run(const struct packet *p);

/*
 * To both receivers; returns the ingress program's verdict.  What the kernel
 * accepts the receiver that sees all has to accept, too; and a receiver that
 * sees nothing else.
 */
int bed_give(const struct packet *p);
int bed_give_role(const struct group *g, size_t role);
/* What the ingress program took, to its receiver. */
void bed_hand_over(void);
void bed_settle(void);
/* All that was accepted, everywhere. */
void bed_forget(void);
/* A group made now. */
struct group bed_group(size_t key);
/* What somebody who knows its key's number and the time can add to a group. */
struct packet bed_forge(const struct group *g, uint32_t role);

#endif
