/*
 * sd_notify(3), without its library.
 */
#ifndef TAP_DAEMON_SD_NOTIFY_H
#define TAP_DAEMON_SD_NOTIFY_H

/* Tell the service manager, where there is one: "READY=1". */
void notify_manager(const char *state);

#endif
