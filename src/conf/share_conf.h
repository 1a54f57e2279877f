/*
 * The engine of a memory of replays that several servers share: where it is,
 * and the file with its user and password.
 */
#ifndef TAP_CONF_SHARE_CONF_H
#define TAP_CONF_SHARE_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/words.h"

/* Of bundle_key.h. */
#define BUNDLE_KEY_FILE "/etc/tap/bundle.key"

#define SHARE_CONF_PORT "6379"
#define SHARE_CONF_ENGINE_MAX                                                  \
	320u                     /* the longest host, and what is around it    \
				  */
#define SHARE_CONF_PATH_MAX 108u /* of unix(7), with its NUL */
#define SHARE_CONF_FILE_MAX 256u
#define SHARE_CONF_TEXT_MAX 129u
#define SHARE_CONF_DB_MAX 9999u

enum share_fail {
	SHARE_FAIL_CLOSED, /* without an engine nobody new gets in */
	SHARE_FAIL_LOCAL,  /* each server for itself */
};

struct share_conf {
	char engine[SHARE_CONF_ENGINE_MAX]; /* as written; empty: none */
	char path[SHARE_CONF_PATH_MAX];     /* of a socket; or empty, and: */
	bool tls;                           /* and then `ca` */
	char ca[SHARE_CONF_FILE_MAX];       /* certificates; or empty */
	char host[VALUE_HOST_MAX];          /* a name or an address */
	uint16_t port;
	unsigned db;
	/* Of share_conf_load(): */
	char user[SHARE_CONF_TEXT_MAX], password[SHARE_CONF_TEXT_MAX];
};

/*
 * Parsers as value.h's: into a struct share_conf, and of a path, into
 * SHARE_CONF_FILE_MAX bytes.
 */
int share_conf_engine(void *into, const char *value, char *why);
int share_conf_file(void *into, const char *value, char *why);

/*
 * Of a secret line: a user or a password, which no error quotes; and a file
 * that is one such line.  The latter as share_conf_load().
 */
int share_conf_text(char out[SHARE_CONF_TEXT_MAX], const char *value,
		    char *why);
int share_conf_line(void *into, const char *path,
		    const struct conf_words *words, char *err);

/*
 * Read the file to log in: password=, and user= where the engine has users.
 * 0, or what conf_open() returns, with the error in err.
 */
int share_conf_load(struct share_conf *share, const char *path, char *err);

#endif
