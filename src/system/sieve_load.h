/*
 * The sieve's maps, filled, and its program, loaded.
 */
#ifndef TAP_SIEVE_LOAD_H
#define TAP_SIEVE_LOAD_H

#include "sieve.h"

/* What outlives a configuration.  0, or -errno with the reason in s->why. */
int sieve_load_shared(struct sieve *s, const struct sieve_tables *t);
/* The maps of a configuration. */
int sieve_load_tables(struct sieve *s, const struct sieve_tables *t);
/* The program for one way, with these maps, in s->program. */
int sieve_load_program(struct sieve *s, enum sieve_way way);

/* Note why something is not as it should be. */
__attribute__((format(printf, 2, 3))) void
sieve_load_explain(struct sieve *s, const char *format, ...);

#endif
