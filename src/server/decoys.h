/*
 * What a decoy on another host still lacks: strangers who are led there get an
 * answer only where this host forwards packets, and knows a way.
 */
#ifndef TAP_SERVER_DECOYS_H
#define TAP_SERVER_DECOYS_H

#include "protocol/acl.h"

#define DECOYS_LINE_MAX 256u

/* Tell of each thing that is missing, in a line, but once. */
void decoys_check(const struct acl *acl, void (*told)(const char *line));
/* A line of the log, for that. */
void decoys_log(const char *line);

#endif
