/*
 * An invitation accepted: the line of `tap keygen --invite` becomes a file.
 */
#ifndef TAP_CLIENT_ACCEPT_H
#define TAP_CLIENT_ACCEPT_H

struct accept_options {
	const char *line; /* or "-": standard input has it */
	/* Files to make; both NULL: CLIENT_CONF_FILE. */
	const char *conf;  /* of rules, for the client */
	const char *keys;  /* of the key, for --to and --proxy; or NULL */
	int passphrase_fd; /* below 0: the terminal is asked */
};

/*
 * Ask for the passphrase, check what was sealed as any file, and write the
 * files: all of them or none, and over no other.  An exit status: TAP_NO
 * where one exists.
 */
int client_accept(const struct accept_options *o);

#endif
