#include "keygen/reload.h"

#include <stdio.h>

#include "tap.h"

int
keygen_reload(const char *path)
{
	fprintf(stderr, "%s: no tap server runs on this system\n", path);
	return TAP_NO;
}
