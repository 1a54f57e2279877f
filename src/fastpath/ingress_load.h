/*
 * The sieve's maps, filled, and its program, loaded.
 */
#ifndef TAP_FASTPATH_INGRESS_LOAD_H
#define TAP_FASTPATH_INGRESS_LOAD_H

#include "fastpath/ingress.h"

/* What outlives a configuration.  0, or -errno with the reason in s->why. */
int sieve_load_shared(struct sieve *s, const struct sieve_tables *t);
/* The maps of a configuration. */
int sieve_load_tables(struct sieve *s, const struct sieve_tables *t);
/*
 * Begin to load the program for one way, with these maps, where none is being
 * loaded; what is wrong is in s->refused.
 */
void sieve_load_begin(struct sieve *s, enum sieve_way way);
/*
 * Whether it has ended just now: then the program is in s->program, or what is
 * wrong is in s->refused.
 */
bool sieve_load_ended(struct sieve *s);
/* Note, of a program that was refused, why. */
void sieve_load_explain_refused(struct sieve *s, enum sieve_way way);

/* Note why something is not as it should be. */
__attribute__((format(printf, 2, 3))) void
sieve_load_explain(struct sieve *s, const char *format, ...);

#endif
