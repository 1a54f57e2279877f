#include "acl/push.h"

#include <stdio.h>

#include "tap.h"

int
access_push(const struct access_options *o)
{
	(void)o;
	fprintf(stderr, "tap acl push: on Linux alone\n");
	return TAP_SYSTEM;
}
