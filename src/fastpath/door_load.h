/*
 * The door's program for one configuration, loaded.
 */
#ifndef TAP_FASTPATH_DOOR_LOAD_H
#define TAP_FASTPATH_DOOR_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/acl.h"

#define DOOR_NAME "tap_door" /* of the program, to the kernel */

/* What it is to do; nothing of it has to outlive a call. */
struct door_conf {
	const struct acl *acl;
	bool loopback_open; /* what comes by that device is let alone */
	uint16_t queue;     /* the server's name */
	bool fresh;         /* what stands is not taken over */
};

/* Maps that outlive a configuration. */
struct door_shared {
	int accepted, own, counts;
	int carrier; /* or -errno: the kernel has no such map */
};

struct door_version {
	int program;    /* or below 0: there is none */
	int devices;    /* its map of them */
	bool by_device; /* the kernel tells it which it is */
	bool loopback_open;
	uint32_t *keys;                /* see struct door_tables */
	char (*names)[ACL_IFNAME_MAX]; /* of devices, likewise */
	size_t names_count;
	/* Ports that it can't protect, likewise; one of them, and why. */
	uint8_t *bare;
	size_t without;
	uint16_t without_port;
	const char *without_why;
};

/* As door_version_free() leaves it. */
void door_version_init(struct door_version *v);
/* Load it.  0; or -errno, and there is none. */
int door_load(struct door_version *v, const struct door_shared *shared,
	      const struct door_conf *conf);
void door_version_free(struct door_version *v);

#endif
