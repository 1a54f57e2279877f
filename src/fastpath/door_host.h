/*
 * What the door is told of this host, as it comes and goes: its addresses, and
 * which device has which of the names that rules name.
 */
#ifndef TAP_FASTPATH_DOOR_HOST_H
#define TAP_FASTPATH_DOOR_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fastpath/door_map.h"
#include "protocol/acl.h"

/* Addresses of this host; those beyond are not known as its own. */
#define DOOR_OWN_MAX 1024u
/* Devices of this host; those beyond may be any that a rule names. */
#define DOOR_DEVICES_MAX 32768u

/* Maps for them, as door_program.h wants them.  A descriptor or -errno. */
int door_host_own_map(void);
int door_host_devices_map(void);

/* Bring the map of own addresses up to date. */
void door_host_update_own(int map);
/*
 * The same of devices; `names` have the numbers from 1 on.  Returns one of the
 * names whose device is in a VRF, which the program can't tell, or NULL.
 */
const char *door_host_update_devices(int map, char (*names)[ACL_IFNAME_MAX],
				     size_t count);

#endif
