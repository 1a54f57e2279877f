/*
 * What the service of service.h does, once the system has started it.
 */
#ifndef TAP_CLIENT_SERVICE_RUN_H
#define TAP_CLIENT_SERVICE_RUN_H

#include "client/service.h"

#define SERVICE_NAME L"tap-client"

/* Until the system ends it.  TAP_USAGE: it was not the system who called. */
int service_run(const struct service_options *options);

#endif
