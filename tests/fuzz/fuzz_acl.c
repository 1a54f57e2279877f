/* SPDX-License-Identifier: ISC */
/*
 * ACL.conf: whatever is accepted can be changed; what comes out is what
 * was meant, and changing it back to what it was changes nothing.
 */
#include "fuzz.h"

#include "conf/acl_conf.h"
#include "large.h"

#include "acl/acl_edit.c"

static struct acl *
load(const char *text, size_t len)
{
	struct acl *acl = calloc(1, sizeof *acl);
	char err[CONF_ERROR_MAX];
	struct conf_file file;

	CHECK(acl);
	CHECK(conf_open_text(&file, "ACL.conf", text, len, err) == 0);
	if (acl_conf_read(acl, &file, err) < 0) {
		acl_conf_free(acl);
		free(acl);
		acl = NULL;
	} else {
		acl_index(acl);
	}
	conf_close(&file);
	return acl;
}

static int
edited(const char *text, size_t len, const struct acl_change *change,
       struct secret_buf *out)
{
	char err[CONF_ERROR_MAX];
	struct conf_file file;
	int rc;

	CHECK(conf_open_text(&file, "ACL.conf", text, len, err) == 0);
	rc = acl_edit(&file, change, out, err);
	conf_close(&file);
	return rc;
}

static void
compare(const struct acl *was, const struct acl *is,
	const struct acl_change *change)
{
	/* A few numbers instead of 2^32 pairs. */
	for (uint32_t step = 0; step < 512; step++) {
		uint16_t port = (uint16_t)(change->ports.low - 4 + step % 32);
		uint16_t key = (uint16_t)(change->keys->low - 4 + step / 32);
		bool asked = port >= change->ports.low &&
			port <= change->ports.high &&
			key >= change->keys->low && key <= change->keys->high;

		if (port == 0) {
			continue;
		}
		CHECK(acl_allows(is, port, key) ==
		      (asked ? change->allow : acl_allows(was, port, key)));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct acl *was = load((const char *)data, size);
	const struct acl_range keys = { (uint16_t)(size * 7 % 30),
					(uint16_t)(size * 7 % 30 + size % 5) };
	struct acl_change wanted = { size % 2, { 0 }, &keys, 1 };
	struct secret_buf out = { 0 };
	struct secret_buf again = { 0 };
	struct acl *is;

	if (!was) {
		return 0;
	}
	wanted.ports.low = was->entries[0].ports.low < 100
		? 100
		: was->entries[0].ports.low;
	wanted.ports.low = (uint16_t)(wanted.ports.low - size % 3);
	wanted.ports.high = (uint16_t)(wanted.ports.low < 65000
					       ? wanted.ports.low + size % 11
					       : wanted.ports.low);
	if (edited((const char *)data, size, &wanted, &out) == 0) {
		is = load(out.bytes, out.len);
		CHECK(is);
		compare(was, is, &wanted);
		acl_conf_free(is);
		free(is);
		CHECK(edited(out.bytes, out.len, &wanted, &again) == 0);
		CHECK(again.len == out.len);
		CHECK(memcmp(again.bytes, out.bytes, out.len) == 0);
	}
	secret_drop(&out);
	secret_drop(&again);
	acl_conf_free(was);
	free(was);
	return 0;
}
