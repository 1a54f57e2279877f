#include "unit/files_support.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

/* What secret.c gives back is looked at before. */
static void check_wiped(const void *block, size_t size);

#define bytes_wipe(bytes, size)                                                \
	((bytes_wipe)(bytes, size), check_wiped(bytes, size))
#include "base/secret.c"
#undef bytes_wipe

static size_t wiped; /* bytes, in all */

static void
check_wiped(const void *block, size_t size)
{
	const unsigned char *at = block;

	for (size_t i = 0; i < size; i++) {
		assert_int_equal(at[i], 0);
	}
	wiped += size;
}

static void
gives_zeros_that_are_aligned(void **state)
{
	static const size_t sizes[] = { 0, 1, 63, 4096, 1u << 20 };

	(void)state;
	for (size_t i = 0; i < LENGTH(sizes); i++) {
		unsigned char *block = secret_new(sizes[i]);

		assert_non_null(block);
		assert_int_equal((uintptr_t)block % 16, 0);
		for (size_t k = 0; k < sizes[i]; k++) {
			assert_int_equal(block[k], 0);
		}
		memset(block, 0x55, sizes[i]);
		wiped = 0;
		secret_free(block);
		assert_int_equal(wiped, sizes[i]);
	}
	secret_free(NULL);
	assert_null(secret_new(SIZE_MAX));
	assert_null(secret_new(SIZE_MAX / 2 + 1));
}

/* A block that grows leaves nothing behind where it was. */
static void
wipes_what_it_moves(void **state)
{
	char *block = secret_new(100);

	(void)state;
	memset(block, 'k', 100);
	wiped = 0;
	block = secret_resize(block, 5000);
	assert_int_equal(wiped, 100);
	for (size_t i = 0; i < 5000; i++) {
		assert_int_equal(block[i], i < 100 ? 'k' : 0);
	}
	block = secret_resize(block, 10);
	assert_int_equal(wiped, 5100);
	assert_memory_equal(block, "kkkkkkkkkk", 10);
	assert_null(secret_resize(block, SIZE_MAX));
	assert_memory_equal(block, "kkkkkkkkkk", 10);
	secret_free(block);
	block = secret_resize(NULL, 10);
	assert_non_null(block);
	secret_free(block);
}

static void
buffers_grow(void **state)
{
	struct secret_buf buf = { 0 };
	char part[1000];

	(void)state;
	memset(part, 'p', sizeof part);
	assert_int_equal(secret_append(&buf, NULL, 0), 0);
	for (size_t i = 0; i < 100; i++) {
		assert_int_equal(secret_append(&buf, part, sizeof part), 0);
		assert_int_equal(buf.len, (i + 1) * sizeof part);
		assert_true(buf.size >= buf.len);
	}
	assert_int_equal(secret_puts(&buf, "end"), 0);
	assert_memory_equal(buf.bytes + buf.len - 4, "pend", 4);
	assert_int_equal(secret_append(&buf, part, SIZE_MAX / 2), -ENOMEM);
	assert_memory_equal(buf.bytes + buf.len - 4, "pend", 4);
	wiped = 0;
	secret_drop(&buf);
	assert_true(wiped >= 100 * sizeof part);
	assert_null(buf.bytes);
	secret_drop(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_zeros_that_are_aligned),
		cmocka_unit_test(wipes_what_it_moves),
		cmocka_unit_test(buffers_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
