/*
 * The configuration that worked last, for a start whose files are wrong:
 * at a boot there is nothing of an earlier server, and without rules all
 * would see what is to be hidden.  Copies of the files lie in a folder that
 * nobody else may write to, in one of their own that is this user's alone,
 * as key files have to; all of them change at once.
 */
#ifndef TAP_SERVER_FALLBACK_H
#define TAP_SERVER_FALLBACK_H

#include "conf/bundle.h"
#include "conf/server_files.h"

/*
 * Copy what conf has just been loaded from into a folder, which is made where
 * it is missing, and load it from there: the copies are then what works, to
 * the letter, whatever the files have become.  Returns that, with the settings
 * that options have, or a run keeps, from conf, which is freed; or conf, with
 * the error in err (CONF_ERROR_MAX).
 */
struct server_conf *fallback_stage(const struct server_conf_from *from,
				   const char *folder, struct server_conf *conf,
				   char *err);
/*
 * The same of a bundle that was opened: its files, and its stamp beside them;
 * `before` may be NULL.  NULL, with the error in err: all is as before.
 */
struct server_conf *
fallback_stage_bundle(const struct bundle_stamp *stamp,
		      const struct bundle_text texts[BUNDLE_FILES],
		      const char *folder, const struct server_conf *before,
		      char *err);
/* The stamp of the bundle that is kept there; false: there is none. */
bool fallback_kept_bundle(const char *folder, struct bundle_stamp *stamp);
/* It has worked: keep the copies.  0, or -1 with err: the earlier ones stay. */
int fallback_keep(const char *folder, char *err);

/* Load the copies.  As server_conf_load(). */
struct server_conf *fallback_load(const struct server_conf_from *from,
				  const char *folder, char *err);

#endif
