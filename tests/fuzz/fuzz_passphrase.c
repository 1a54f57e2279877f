/* SPDX-License-Identifier: ISC */
/*
 * The file of a passphrase, read in parts of a size that the first byte
 * says, and interrupted.
 */
#include "fuzz.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>

static const uint8_t *left;
static size_t left_len;
static unsigned turn;

static ssize_t
fake_read(int fd, void *bytes, size_t len)
{
	(void)fd;
	if (++turn % 7 == 3) {
		errno = EINTR;
		return -1;
	}
	len = len < left_len ? len : left_len;
	memcpy(bytes, left, len);
	left += len;
	left_len -= len;
	return (ssize_t)len;
}

#define read fake_read
#include "conf/passphrase.c"
#undef read

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sealed_passphrase got;
	char why[VALUE_WHY_MAX] = "";
	size_t line = 0;

	while (line < size && data[line] != '\n') {
		line++;
	}
	left = data;
	left_len = size;
	turn = 0;
	if (passphrase_fd(&got, 0, why) < 0) {
		CHECK(why[0]);
		CHECK(line < 2 || line > SEAL_PASSPHRASE_MAX ||
		      memchr(data, '\0', line));
		return 0;
	}
	CHECK(got.len > 0 && got.len <= SEAL_PASSPHRASE_MAX);
	CHECK(got.len == line ||
	      (got.len == line - 1 && data[got.len] == '\r'));
	CHECK(memcmp(got.text, data, got.len) == 0);
	CHECK(!memchr(got.text, '\0', got.len));
	return 0;
}
