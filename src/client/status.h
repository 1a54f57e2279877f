/*
 * What the client's daemon says of itself.
 */
#ifndef TAP_CLIENT_STATUS_H
#define TAP_CLIENT_STATUS_H

#include "base/text.h"
#include "client/client_parts.h"

void client_write_status(struct client *c, bool json, struct text *t);
/* The same as metrics, when it is time for these. */
void client_write_metrics(struct client *c);

#endif
