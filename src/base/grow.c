#include "base/grow.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#define FIRST 16u

int
grow(void *array, size_t count, size_t *room, size_t size)
{
	const size_t more = *room ? *room * 2 : FIRST;
	void **at = array;
	void *bigger;

	if (count < *room) {
		return 0;
	}
	/* No reallocarray(3): macOS has none. */
	bigger = more <= SIZE_MAX / size ? realloc(*at, more * size) : NULL;
	if (!bigger) {
		return -ENOMEM;
	}
	*at = bigger;
	*room = more;
	return 0;
}
