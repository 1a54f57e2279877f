/*
 * Descriptors: the standard ones, 0 to 2, and how many there may be.
 */
#ifndef TAP_BASE_FDS_H
#define TAP_BASE_FDS_H

/*
 * Take the numbers of those that are closed, before a socket or a file
 * gets them: a log line would go into it.  To read from or write to them
 * remains an error.  0 or -errno.
 */
int fds_fill(void);

/* Have room for so many, as far as the limits allow. */
void fds_allow(unsigned count);

#endif
