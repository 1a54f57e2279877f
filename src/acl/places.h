/*
 * Which file a port's line is in, of an access list and those that it
 * includes.
 */
#ifndef TAP_ACL_PLACES_H
#define TAP_ACL_PLACES_H

#include "acl/common.h"

struct access_place {
	const char *path;
	struct numset ports; /* that were asked for */
};

struct access_places {
	struct access_place *list; /* owned */
	size_t count;
};

/*
 * Part o->ports by the files whose lines have them; those that no line has
 * are the list's own, the first place.  A list that can't be read is left to
 * whoever changes it.  TAP_OK, or with the error said an exit status.
 */
int access_places(const struct access_options *o, const char *path,
		  struct access_places *places);

/* The ports of a place as ranges, which the caller frees; NULL: no memory. */
struct acl_range *access_place_ports(const struct access_place *place,
				     size_t *count);

#endif
