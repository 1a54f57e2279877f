#include "conf/ca_file.h"

/* Servers run on Linux, and look there. */
int
ca_file_load(struct ca_file *ca, const char *path, char *err)
{
	(void)path;
	(void)err;
	ca->count = 0;
	return 0;
}
