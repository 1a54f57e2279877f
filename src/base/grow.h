/*
 * Arrays on the heap that grow.
 */
#ifndef TAP_BASE_GROW_H
#define TAP_BASE_GROW_H

#include <stddef.h>

/*
 * Room for one element more, of `size` bytes: `array` is where the pointer to
 * them is, `count` of them are used, and there is room for *room, which
 * doubles.  0, or -ENOMEM: then nothing has changed.
 */
int grow(void *array, size_t count, size_t *room, size_t size);

#endif
