/* SPDX-License-Identifier: ISC */
/* What /proc says of the kernel's queues; the first byte names one. */
#include "fuzz.h"

#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static const uint8_t *proc;
static size_t proc_len;

static ssize_t
fake_pread(int fd, void *bytes, size_t len, off_t at)
{
	(void)fd;
	(void)at;
	len = len < proc_len ? len : proc_len;
	memcpy(bytes, proc, len);
	return (ssize_t)len;
}

#define pread fake_pread
#include "os/nfqueue.c"
#undef pread

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nfq_drops drops = { 1, 2 };
	int rc;

	if (size == 0) {
		return 0;
	}
	proc = data + 1;
	proc_len = size - 1;
	rc = nfq_read_drops(0, data[0], &drops);
	CHECK(rc == 0 || rc == -ENOENT);
	/* Untouched where the queue is not there. */
	CHECK(rc == 0 ||
	      (memcmp(&drops, &(struct nfq_drops){ 1, 2 }, sizeof drops) == 0));
	return 0;
}
