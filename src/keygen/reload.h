/*
 * Have the running server take up the keys that were made.
 */
#ifndef TAP_KEYGEN_RELOAD_H
#define TAP_KEYGEN_RELOAD_H

/* path is the file that has them.  An exit status: TAP_NO where none runs. */
int keygen_reload(const char *path);

#endif
