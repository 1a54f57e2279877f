#include "measure/why.h"

#include <stdio.h>
#include <string.h>

int
why_errno(char why[WHY_MAX], int error, const char *object)
{
	snprintf(why, WHY_MAX, "%s: %s", object, strerror(-error));
	return error;
}
