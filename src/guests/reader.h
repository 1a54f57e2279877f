/*
 * The process that reads a guest's RAM, and what it is asked.  It has that RAM
 * and one socket, and of the system calls only what these need.
 */
#ifndef TAP_GUESTS_READER_H
#define TAP_GUESTS_READER_H

#include <stddef.h>
#include <stdint.h>

#include "conf/client_conf.h"
#include "guests/kernel.h"
#include "guests/memory.h"
#include "guests/owner.h"

enum reader_kind {
	READER_WHO,     /* whose connection that is */
	READER_ABOUT,   /* what is known of the guest */
	READER_SOCKETS, /* one answer for each, and one that ends them */
	READER_END,     /* that one */
};

/* A message is one of these, as it is: both ends are the same program. */
struct reader_question {
	uint64_t id;
	uint32_t kind;
	struct guest_connection connection;
};

struct reader_about {
	uint32_t unknown; /* enum guest_unknown */
	uint32_t levels;  /* of its page tables */
	uint32_t processes;
	uint64_t ram, shift; /* bytes; by how much KASLR moved its image */
	char release[KERNEL_RELEASE_MAX];
};

struct reader_socket {
	struct guest_process process;
	uint32_t uid;
	uint32_t state;
	struct guest_connection connection;
};

struct reader_answer {
	uint64_t id;
	uint32_t kind;
	union {
		struct guest_owner owner;
		struct reader_about about;
		struct reader_socket socket;
	} is;
};

/* What it begins with. */
struct reader_setup {
	struct memory memory;
	const uint8_t *btf; /* or NULL */
	size_t btf_len;
	uint64_t init_task;       /* by symbols; or 0 */
	int fd;                   /* its end of the socket */
	struct client_conf *conf; /* whose keys it is not to have; or NULL */
	pid_t parent;
};

/* Be it; setup is a struct reader_setup.  An exit status. */
int reader_run(void *setup);

#endif
