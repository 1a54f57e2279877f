/*
 * systemd units for the daemons.
 */
#ifndef TAP_DAEMON_SYSTEMD_UNIT_H
#define TAP_DAEMON_SYSTEMD_UNIT_H

/*
 * Print the unit of the "server" or "client" to standard output.  An
 * exit status.
 */
int unit_print(const char *side);

#endif
