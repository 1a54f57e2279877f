/*
 * Who has a connection in a guest, as its reader answers.
 *
 * Pure.
 */
#ifndef TAP_GUESTS_OWNER_H
#define TAP_GUESTS_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/packet.h"

#define GUEST_COMM_MAX 16u    /* TASK_COMM_LEN */
#define GUEST_EXE_MAX 256u    /* as SENDER_EXE_MAX; a longer one is unknown */
#define GUEST_PARENTS_MAX 16u /* then whoever asks has seen enough */
/* A SYN is judged within this time, or its owner is unknown. */
#define GUEST_BUDGET_US 2000u

/* A connection as its packets have it, seen from the guest. */
struct guest_connection {
	struct packet_addr src,
		dst;           /* of the same family; src is the guest's */
	uint16_t sport, dport; /* host order */
	bool opening; /* its SYN is here: only one that is in SYN_SENT is it */
	bool parents; /* these are wanted, too */
};

/* Why something is unknown. */
enum guest_unknown {
	GUEST_KNOWN,
	GUEST_NO_SOCKET,  /* no socket of the guest has this connection */
	GUEST_NO_PROCESS, /* no process has the socket: the user is known */
	GUEST_CHANGED,    /* it changed each time while it was read */
	GUEST_LATE,       /* not within GUEST_BUDGET_US */
	GUEST_TOO_MANY,   /* more processes or sockets than are looked at */
	GUEST_STARTING,   /* its kernel is being looked for */
	GUEST_NOT_LINUX,  /* and was not found */
	GUEST_NO_TYPES,   /* it has no BTF */
	GUEST_AMBIGUOUS,  /* two kernels were found, and which one runs? */
	GUEST_GONE,       /* its memory can't be read any more */
	GUEST_UNKNOWNS
};

struct guest_process {
	uint32_t pid;
	uint32_t uid; /* effective */
	char comm[GUEST_COMM_MAX];
};

struct guest_owner {
	enum guest_unknown unknown;
	uint8_t has_uid; /* whatever else is unknown */
	uint32_t uid;    /* of the socket */
	uint8_t state;   /* of TCP, as /proc/net/tcp has it: 2 is SYN_SENT */
	/* The rest where nothing is unknown. */
	struct guest_process
		process;         /* of several, the one with the lowest pid */
	uint32_t holders;        /* how many processes have the socket */
	char exe[GUEST_EXE_MAX]; /* as the guest's /proc/PID/exe; or empty */
	struct guest_process parents[GUEST_PARENTS_MAX]; /* the nearest first */
	uint32_t parents_count;
	uint32_t took_us; /* the reader, without the way to it */
};

/* What a person is told: "no socket has this connection". */
const char *guest_unknown_text(enum guest_unknown unknown);

#endif
