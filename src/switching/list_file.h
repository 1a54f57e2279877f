/*
 * The list of those who go to the decoy, in a file, so that it outlives the
 * server:
 *
 *   key_no=10, since=2027-01-01T00:00:00Z, why="..."
 *   addr=192.0.2.7, since=..., until=..., why="..."
 */
#ifndef TAP_SWITCHING_LIST_FILE_H
#define TAP_SWITCHING_LIST_FILE_H

#include "conf/grammar.h"
#include "switching/decoy_list.h"

/*
 * Read what is there into an empty list; no file is an empty one.  Returns how
 * many lines could not be read, the first of which err (CONF_ERROR_MAX) is
 * about: all others hold.  Below 0: nothing of the file can be believed, and
 * err says why.
 */
int list_file_read(struct decoy_list *list, const char *path, char *err);
/* Replace it as a whole.  0, or -1 with the reason in err. */
int list_file_write(const struct decoy_list *list, const char *path, char *err);

#endif
