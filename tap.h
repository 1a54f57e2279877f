/*
 * tap: TCP services that only key holders can see.
 */
#ifndef TAP_H
#define TAP_H

/* The version, where no tag tells it: see src/packaging/version.sh. */
#define TAP_VERSION "0.1.0"

/* Made with each build: the version; and lines on when, with what, and how. */
extern const char tap_version[];
extern const char tap_built[];

/* Exit statuses, of all commands. */
enum tap_exit {
	TAP_OK = 0,     /* done, or yes */
	TAP_NO = 1,     /* the answer is no */
	TAP_USAGE = 2,  /* usage or configuration */
	TAP_SYSTEM = 3, /* the system refused: privilege, kernel, I/O */
};

/* A command gets argv from its own name on. */
int cmd_server(int argc, char **argv);
int cmd_client(int argc, char **argv);
int cmd_keygen(int argc, char **argv);
int cmd_acl(int argc, char **argv);
int cmd_scan_check(int argc, char **argv);
int cmd_probe_path(int argc, char **argv);
int cmd_replay_test(int argc, char **argv);

#endif
