#include "conf/sealed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/secret.h"

#define HALF_A_SECOND 500000000u /* ns */
#define TRIAL 50000u             /* iterations: some 20 ms */

bool
sealed_is(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	uint8_t start[SEAL_MAGIC_BYTES];
	struct seal seal;
	ssize_t got;

	if (fd < 0) {
		return false;
	}
	got = read(fd, start, sizeof start);
	close(fd);
	return got == sizeof start &&
		seal_parse(&seal, start, sizeof start) != SEAL_NONE;
}

/* Read a file and take it apart; the parts live in file->text. */
static int
parse_file(struct conf_file *file, struct seal *seal, const char *path,
	   char *err)
{
	enum seal_result result;
	/* Owner and mode do not matter: the passphrase protects it. */
	int rc = conf_open(file, path, CONF_ANYBODYS, err);

	if (rc < 0) {
		return rc;
	}
	result = seal_parse(seal, (const uint8_t *)file->text, file->len);
	if (result != SEAL_OK) {
		conf_fail(err, file, 0, "%s", seal_result_text(result));
		conf_close(file);
		return -1;
	}
	return 0;
}

int
sealed_check(const char *path, char *err)
{
	struct conf_file file;
	struct seal seal;
	int rc = parse_file(&file, &seal, path, err);

	if (rc == 0) {
		conf_close(&file);
	}
	return rc;
}

int
sealed_open_parsed(struct conf_file *file, const char *path,
		   const struct seal *seal,
		   const struct sealed_passphrase *passphrase, char *err)
{
	const struct conf_file named = { .path = path };
	uint8_t *text = secret_new(seal->box_len + 1);
	enum seal_result result;
	int rc;

	if (!text) {
		return conf_no_memory(err, &named, 0);
	}
	result = seal_open(seal, passphrase->text, passphrase->len, text);
	if (result != SEAL_OK) {
		rc = conf_fail(err, &named, 0, "%s", seal_result_text(result));
	} else {
		rc = conf_open_text(file, path, (const char *)text,
				    seal->box_len, err);
		file->includes = CONF_INCLUDES_REFUSED;
	}
	secret_free(text);
	return rc;
}

int
sealed_open(struct conf_file *file, const char *path,
	    const struct sealed_passphrase *passphrase, char *err)
{
	struct conf_file box;
	struct seal seal;
	int rc = parse_file(&box, &seal, path, err);

	if (rc == 0) {
		rc = sealed_open_parsed(file, path, &seal, passphrase, err);
		conf_close(&box);
	}
	return rc;
}

/* Measured in processor time, so that a busy machine makes no weak files. */
static uint64_t
cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Measured once a run, which may make a file for each of many users. */
static uint32_t
calibrate(void)
{
	static uint32_t known;
	static const uint8_t salt[SEAL_SALT];
	uint64_t start = cpu_ns();
	uint64_t iterations;
	uint8_t out[32];
	uint64_t took;

	if (known) {
		return known;
	}
	seal_pbkdf2(out, sizeof out, "trial", 5, salt, sizeof salt, TRIAL);
	took = cpu_ns() - start;
	iterations = (uint64_t)TRIAL * HALF_A_SECOND / (took + 1);
	known = iterations < SEAL_ITERATIONS_MIN   ? SEAL_ITERATIONS_MIN
		: iterations > SEAL_ITERATIONS_MAX ? SEAL_ITERATIONS_MAX
						   : (uint32_t)iterations;
	return known;
}

int
sealed_make(struct secret_buf *out, const struct secret_buf *text,
	    const struct sealed_passphrase *passphrase)
{
	struct {
		uint8_t salt[SEAL_SALT], nonce[SEAL_NONCE];
	} fresh;
	size_t len = SEAL_HEADER + text->len + SEAL_TAG;
	uint8_t *sealed;
	int rc;

	if (text->len > SEAL_BOX_MAX) {
		return -EFBIG;
	}
	if (getentropy(&fresh, sizeof fresh) < 0) {
		return -errno;
	}
	sealed = secret_new(len);
	if (!sealed) {
		return -ENOMEM;
	}
	seal_make(sealed, (const uint8_t *)text->bytes, text->len,
		  passphrase->text, passphrase->len, calibrate(), fresh.salt,
		  fresh.nonce);
	rc = secret_append(out, sealed, len);
	secret_free(sealed);
	return rc;
}
