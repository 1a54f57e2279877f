/*
 * Whether a file can be believed: whether nobody but root and this user
 * can change it or put another one in its place.
 *
 * The file and every directory on the way to it, as the path is written
 * and with its symbolic links resolved, has to belong to root or to this
 * user (a directory also to whoever owns the root directory), and nobody
 * else may write there.  Root's group may, and a group that is this
 * user's alone, unless an access control list says who else that is; in a
 * sticky directory, as /tmp, everybody may, who can't replace the files of
 * others there.
 */
#ifndef TAP_CONF_TRUSTED_FILE_H
#define TAP_CONF_TRUSTED_FILE_H

/*
 * A file that was opened by this path.  What comes from a pipe or a
 * terminal, which has no place, is whoever's who started this command.
 * 0; or -1, or -ENOMEM where there is no memory to look, with the reason in
 * why (VALUE_WHY_MAX).
 */
int trusted_file(const char *path, int fd, char *why);

/* Its directories alone, where the file is yet to be made. */
int trusted_directories(const char *path, char *why);

#endif
