/*
 * libpcap on Windows: that of Npcap, loaded when it is called first.  Where
 * it is missing, pcap_create() and pcap_findalldevs() fail, and say so.
 *
 * Devices go by the names that people see ("Ethernet"), where these are not
 * too long.  pcap_setdirection() is there: PCAP_D_OUT gives SYNs alone, and
 * those alone of a connection that this host has begun and that waits for
 * its answer.  A frame with this host's address for its source may be
 * anybody's.
 *
 * A device is waited for by a thread of its own; all else has one thread at
 * work at a time: who has entered.  pcap_next_ex() leaves while it waits.
 */
#ifndef TAP_OS_WPCAP_H
#define TAP_OS_WPCAP_H

void wpcap_enter(void);
void wpcap_leave(void);
/*
 * Enter for good: the process ends, and threads may still wait for devices,
 * which pcap_close() leaves to the system from now on.
 */
void wpcap_end(void);

#endif
