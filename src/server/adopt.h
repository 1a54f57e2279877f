/*
 * Connections that were there before the rules: they are known from now on
 * (connections.h), and of those to this host the kernel is to know, too, so
 * that they go on even without the daemon.
 */
#ifndef TAP_SERVER_ADOPT_H
#define TAP_SERVER_ADOPT_H

#include "server/worker.h"

/* Those to services that are protected; what fails is logged. */
void adopt_connections(struct worker *g);
/*
 * The kernel alone is told, of those to this host: before rules ask its
 * tracking that have gone without.
 */
void adopt_sockets(struct worker *g);

#endif
