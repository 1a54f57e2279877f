/*
 * The addresses that the program takes for this host's own, and the devices
 * that have the names of rules.
 */
#ifndef TAP_FASTPATH_INGRESS_LOCALS_H
#define TAP_FASTPATH_INGRESS_LOCALS_H

#include "fastpath/ingress.h"

/*
 * Make them those that this host has, and the devices, too.  One that is not
 * known yet is served by the queue; one that is this host's no more must not
 * stay.  0, or -errno where one may have stayed, or devices are not known.
 */
int ingress_locals_update(struct ingress *s);
/*
 * The devices alone; also when there are other names.  0 or -errno: where a
 * rule's device is not known, packets would fall under the rule behind it.
 */
int ingress_locals_devices(const struct ingress *s);
/* By which a record's frames came, if their rule names one; else NULL. */
const char *ingress_locals_device(const struct ingress *s,
				  const struct ingress_record *record);

#endif
