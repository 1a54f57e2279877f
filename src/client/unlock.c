#include "client/unlock.h"

#include <errno.h>
#include <stdio.h>

#include "base/bytes.h"
#include "conf/passphrase_terminal.h"
#include "conf/value.h"

struct client_conf *
unlock_client_by(const char *path, int from_fd,
		 struct sealed_passphrase *passphrase)
{
	struct client_conf *conf = NULL;
	bool sealed = sealed_is(path);
	char err[CONF_ERROR_MAX];
	char why[VALUE_WHY_MAX];
	char question[CONF_ERROR_MAX];
	int rc = sealed ? sealed_check(path, err) : 0;
	int error = EINVAL;

	if (rc < 0) {
		fprintf(stderr, "%s\n", err);
		errno = -rc;
		return NULL;
	}
	if (sealed && from_fd >= 0) {
		rc = passphrase_fd(passphrase, from_fd, why);
	} else if (sealed) {
		snprintf(question, sizeof question, "Passphrase of %s: ", path);
		rc = passphrase_terminal(passphrase, question, false, why);
	}
	if (rc < 0) {
		fprintf(stderr, "%s: passphrase: %s\n", path, why);
	} else {
		conf = client_conf_load(path, sealed ? passphrase : NULL, err);
		if (!conf) {
			error = errno;
			fprintf(stderr, "%s\n", err);
		}
	}
	errno = error;
	return conf;
}

struct client_conf *
unlock_client(const char *path, int from_fd)
{
	struct sealed_passphrase passphrase;
	struct client_conf *conf = unlock_client_by(path, from_fd, &passphrase);
	const int error = errno;

	bytes_wipe(&passphrase, sizeof passphrase);
	errno = error;
	return conf;
}
