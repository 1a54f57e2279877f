/* SPDX-License-Identifier: ISC */
/*
 * A guest's memory that is made up: types, page tables, a kernel with a few
 * processes, one of which has a connection.  The members of each structure
 * follow one another in the order of LAYOUT, so that all that is read lies
 * somewhere else than in any real kernel.
 */
#ifndef TAP_TESTS_UNIT_GUESTS_FAKE_H
#define TAP_TESTS_UNIT_GUESTS_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guests/kernel.h"
#include "guests/owner.h"

#define FAKE_RAM (1u << 20)
#define FAKE_BTF_MAX (64u << 10)
#define FAKE_IMAGE 0xffffffff9a000000u /* minus its physical address */
#define FAKE_PROCESSES 6u
#define FAKE_UID 1001u

/* Where things are in it: addresses of the kernel's. */
struct fake {
	uint8_t ram[FAKE_RAM];
	size_t used;
	uint8_t btf[FAKE_BTF_MAX];
	size_t btf_len;
	bool newer; /* sockets are found by address, too (Linux 6.8) */
	struct layout layout;
	unsigned levels;
	uint64_t direct;
	uint64_t task[FAKE_PROCESSES]; /* the first is init_task */
	uint64_t sock, socket, file, port, table, files, dentry, mount, net;
	uint64_t signal;
	struct guest_connection connection;
	unsigned long reads; /* so far */
	unsigned long most;  /* -ETIME beyond so many; 0: no end */
	/* Changes what is read, if not NULL. */
	void (*change)(struct fake *fake, uint64_t physical, uint8_t *bytes,
		       size_t len);
	void *of; /* change's */
};

/* All of it, with page tables of 4 or 5 levels. */
void fake_make(struct fake *fake, unsigned levels, bool newer);
/* A kernel that reads it; kernel_take() is still to come. */
void fake_kernel(struct fake *fake, struct kernel *kernel);
/* init_task's physical address. */
uint64_t fake_init_task(const struct fake *fake);
/* Where an address is in ram. */
uint8_t *fake_at(struct fake *fake, uint64_t address);
/* Set a member of a structure at an address. */
void fake_set(struct fake *fake, uint64_t address, enum layout_field field,
	      uint64_t value);
/* Set 8 bytes at an address. */
void fake_put(struct fake *fake, uint64_t address, uint64_t value);

#endif
