#include "client/unlock.h"

#include <errno.h>
#include <stdio.h>

#include "base/bytes.h"
#include "conf/passphrase.h"
#include "conf/value.h"

struct conf_client *
unlock_client(const char *path, int passphrase_fd)
{
	struct sealed_passphrase passphrase;
	struct conf_client *conf = NULL;
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
	if (sealed && passphrase_fd >= 0) {
		rc = prompt_fd(&passphrase, passphrase_fd, why);
	} else if (sealed) {
		snprintf(question, sizeof question, "Passphrase of %s: ",
			 path);
		rc = prompt_terminal(&passphrase, question, false, why);
	}
	if (rc < 0) {
		fprintf(stderr, "%s: passphrase: %s\n", path, why);
	} else {
		conf = conf_client_load(path, sealed ? &passphrase : NULL,
					err);
		if (!conf) {
			error = errno;
			fprintf(stderr, "%s\n", err);
		}
	}
	bytes_wipe(&passphrase, sizeof passphrase);
	errno = error;
	return conf;
}
