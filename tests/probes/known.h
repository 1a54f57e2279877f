/* SPDX-License-Identifier: ISC */
/*
 * What is known to differ and not mended yet: lines of VARIANT/GROUP/KIND
 * with wildcards, a tab, and the reason; a ~ ahead where it comes and goes.
 */
#ifndef PROBES_KNOWN_H
#define PROBES_KNOWN_H

#include "probes/run.h"

/* From a file, if there is one; what is wrong with it ends the program. */
void known_read(const char *path);

/* Whether a difference is. */
bool known_has(const char *variant, const char *group, const char *kind);

/*
 * Name those for this variant and its groups that no difference has needed:
 * what does not differ any more is to be held to that.  How many.
 */
size_t known_tell_gone(const struct words *w);

#endif
