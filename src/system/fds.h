/*
 * The standard descriptors, 0 to 2.
 */
#ifndef TAP_FDS_H
#define TAP_FDS_H

/*
 * Take the numbers of those that are closed, before a socket or a file
 * gets them: a log line would go into it.  To read from or write to them
 * remains an error.  0 or -errno.
 */
int fds_fill(void);

#endif
