#include "conf/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/bytes.h"
#include "conf/value.h"

#define MADE_LETTERS 16 /* of five bits each */

int
passphrase_read(struct sealed_passphrase *out, int fd,
		const volatile sig_atomic_t *stop, char *why)
{
	char c;

	out->len = 0;
	for (;;) {
		ssize_t got = read(fd, &c, 1);

		if (got < 0 && errno == EINTR && !*stop) {
			continue;
		}
		if (got < 0) {
			return value_fail(why, "%s", strerror(errno));
		}
		if (got == 0 || c == '\n') {
			break;
		}
		if (c == '\0') {
			return value_fail(why, "NUL byte in it");
		}
		if (out->len == sizeof out->text) {
			return value_fail(why, "longer than %u bytes",
					  SEAL_PASSPHRASE_MAX);
		}
		out->text[out->len++] = c;
	}
	c = '\0';
	if (out->len > 0 && out->text[out->len - 1] == '\r') {
		out->len--;
	}
	return out->len > 0 ? 0 : value_fail(why, "it is empty");
}

int
passphrase_fd(struct sealed_passphrase *out, int fd, char *why)
{
	static const volatile sig_atomic_t never;

	return passphrase_read(out, fd, &never, why);
}

int
passphrase_ask(struct sealed_passphrase *out,
	       int (*ask)(struct sealed_passphrase *, const char *question,
			  char *why),
	       const char *question, bool again, char *why)
{
	struct sealed_passphrase second = { 0 };
	int rc = ask(out, question, why);

	if (rc < 0 || !again) {
		return rc;
	}
	rc = ask(&second, "Once more: ", why);
	if (rc == 0 &&
	    (second.len != out->len ||
	     !ct_equal(second.text, out->text, out->len))) {
		rc = value_fail(why, "the two are not the same");
	}
	bytes_wipe(&second, sizeof second);
	return rc;
}

int
passphrase_make(struct sealed_passphrase *out, char *why)
{
	/* Of letters that are taken for digits, only the digits. */
	static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint8_t random[MADE_LETTERS];

	if (getentropy(random, sizeof random) < 0) {
		return value_fail(why, "random numbers: %s", strerror(errno));
	}
	out->len = 0;
	for (size_t i = 0; i < sizeof random; i++) {
		if (i > 0 && i % 4 == 0) {
			out->text[out->len++] = '-';
		}
		out->text[out->len++] = letters[random[i] & 31];
	}
	bytes_wipe(random, sizeof random);
	return 0;
}

int
passphrase_option(void *into, const char *value, char *why)
{
	unsigned long number;
	int *fd = into;

	if (value_number(value, 0, 1u << 20, &number, why) < 0) {
		return -1;
	}
	if (fcntl((int)number, F_GETFD) < 0) {
		return value_fail(why, "descriptor %lu is not open", number);
	}
	*fd = (int)number;
	return 0;
}
