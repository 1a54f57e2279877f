/*
 * Which SYNs are this host's own, where packets don't tell: by the system's
 * table of connections.
 */
#ifndef TAP_OS_OWN_SYN_H
#define TAP_OS_OWN_SYN_H

#include <stdbool.h>

#include "protocol/packet.h"

/*
 * Whether a connection of these addresses and ports was begun here, and
 * waits for its answer.
 */
bool own_syn(const struct packet *syn);

#endif
