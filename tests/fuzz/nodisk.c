/* SPDX-License-Identifier: ISC */
/*
 * In the place of the C library's: users and services without a look at
 * the disk, so that a fuzzer is fast and the same everywhere.
 */
#include <netdb.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>

struct passwd *
getpwnam(const char *name)
{
	static char root[] = "root";
	/* Not 0: workers may not be that. */
	static struct passwd user = { .pw_name = root, .pw_uid = 1 };

	return strcmp(name, root) == 0 ? &user : NULL;
}

/* What value.c knows by itself is enough. */
struct servent *
getservbyname(const char *name, const char *proto)
{
	(void)name;
	(void)proto;
	return NULL;
}

struct servent *
getservbyport(int port, const char *proto)
{
	(void)port;
	(void)proto;
	return NULL;
}
