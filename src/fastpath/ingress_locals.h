/*
 * The addresses that the program takes for this host's own.
 */
#ifndef TAP_FASTPATH_INGRESS_LOCALS_H
#define TAP_FASTPATH_INGRESS_LOCALS_H

#include "fastpath/ingress.h"

/*
 * Make them those that this host has.  One that is not known yet is served
 * by the queue; one that is this host's no more must not stay.  0, or -errno
 * where one may have stayed.
 */
int ingress_locals_update(struct ingress *s);

#endif
