/*
 * Files that a line of another one names, include=conf.d/[0-9]* for
 * example, read in its place.  grammar.h follows them; this is how.
 */
#ifndef TAP_CONF_INCLUDE_H
#define TAP_CONF_INCLUDE_H

#include "base/secret.h"
#include "conf/grammar.h"

#define INCLUDE_FILES_MAX 4096u /* of one line */

/* Whether a line is one. */
bool include_is(const struct conf_line *line);

/*
 * Begin with the files that the include line read last names, in the order
 * of their bytes; names that don't begin with / are in the directory of the
 * file.  It is an error where a name without wildcards is not there, and
 * none where a pattern fits no file.  0, or below 0 with the error in err.
 */
int include_open(struct conf_file *file, const struct conf_line *line,
		 char *err);

/* As conf_next(), of these files; 0: that was all. */
int include_next(struct conf_file *file, struct conf_line *line, char *err);

void include_close(struct conf_file *file);

/* The one that is being read. */
const struct conf_file *include_current(const struct conf_file *file);

/*
 * Append to out what a file is with all that it includes: read again, it
 * says the same.  0, or below 0 with the error in err (CONF_ERROR_MAX).
 */
int include_flatten(struct secret_buf *out, const char *path,
		    enum conf_secrecy secrecy, char *err);

#endif
