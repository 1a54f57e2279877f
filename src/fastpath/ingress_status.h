/*
 * What is said of the ingress program, and what it has counted.
 */
#ifndef TAP_FASTPATH_INGRESS_STATUS_H
#define TAP_FASTPATH_INGRESS_STATUS_H

#include "fastpath/ingress.h"

/* "off", "generic" or "native". */
const char *ingress_state(const struct ingress *s);
/* Why so, or where: "eth0: it has another program of XDP", "2 devices". */
void ingress_reason(const struct ingress *s, char why[INGRESS_WHY_MAX]);
/*
 * Since ingress_open(), even where it had to be closed.  0, or -errno: then
 * some are lower than they need be.
 */
int ingress_counts(const struct ingress *s, uint64_t counts[INGRESS_COUNTS]);

#endif
