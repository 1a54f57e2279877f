/*
 * The client of one process at work: SYNs are followed by their groups, until
 * it is told to end.
 */
#ifndef TAP_CLIENT_UNTIL_TOLD_H
#define TAP_CLIENT_UNTIL_TOLD_H

#include "client/backend_pcap.h"

/* From now on, who says so is heard.  An exit status.  Twice does no harm. */
int until_told_prepare(void);
/*
 * Until then, or until a device fails that can't be opened again by who this
 * is now, which is logged: TAP_SYSTEM.  Nothing else may use the two
 * meanwhile.
 */
int until_told_serve(struct outbound *outbound, struct backend_pcap *backend);
/* On Windows, for any thread, after until_told_prepare(): tell it. */
void until_told_tell(void);

#endif
