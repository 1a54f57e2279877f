/* What a server hides, in words: the first thing to know of it. */
#ifndef TAP_SERVER_OVERVIEW_H
#define TAP_SERVER_OVERVIEW_H

#include "base/text.h"
#include "protocol/acl.h"

#define OVERVIEW_MAX 1024u

/*
 * The ports of each rule, and what strangers find there, as far as the
 * text has room: "22,80 filtered; 8080 decoy 192.0.2.7:80".
 */
void overview_hidden(struct text *t, const struct acl *acl);

#endif
