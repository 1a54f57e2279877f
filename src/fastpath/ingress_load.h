/*
 * The ingress program's maps, filled, and its program, loaded.
 */
#ifndef TAP_FASTPATH_INGRESS_LOAD_H
#define TAP_FASTPATH_INGRESS_LOAD_H

#include "fastpath/ingress.h"

#define INGRESS_NAME "tap_ingress" /* of the program, to the kernel */

/* What outlives a configuration.  0, or -errno with the reason in s->why. */
int ingress_load_shared(struct ingress *s, const struct ingress_tables *t);
/* The maps of a configuration. */
int ingress_load_tables(struct ingress *s, const struct ingress_tables *t);
/* Those that are there, for another one; -E2BIG: they are too small. */
int ingress_load_again(struct ingress *s, const struct ingress_tables *t);
/*
 * Begin to load the program for one way, with these maps, where none is being
 * loaded; what is wrong is in s->refused.
 */
void ingress_load_begin(struct ingress *s, enum ingress_way way);
/*
 * Whether it has ended just now: then the program is in s->program, or what is
 * wrong is in s->refused.
 */
bool ingress_load_ended(struct ingress *s);
/* Note, of a program that was refused, why. */
void ingress_load_explain_refused(struct ingress *s, enum ingress_way way);

/* Note why something is not as it should be. */
__attribute__((format(printf, 2, 3))) void
ingress_load_explain(struct ingress *s, const char *format, ...);

#endif
