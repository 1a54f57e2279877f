/* SPDX-License-Identifier: ISC */
/*
 * In the place of conf_defaults() (the linker's --wrap), in a tap for tests
 * alone: where no file says otherwise, the queue serves without the fast path.
 * So what holds with the one can be held against the other.
 */
#include <string.h>

#include "conf/settings.h"

void __wrap_conf_defaults(const struct conf_words *words, void *into);
void __real_conf_defaults(const struct conf_words *words, void *into);

void
__wrap_conf_defaults(const struct conf_words *words, void *into)
{
	const enum settings_fastpath off = FASTPATH_OFF;

	__real_conf_defaults(words, into);
	for (size_t i = 0; i < words->count; i++) {
		if (strcmp(words->types[i].name, "fastpath") == 0) {
			memcpy((char *)into + words->types[i].at, &off,
			       sizeof off);
		}
	}
}
