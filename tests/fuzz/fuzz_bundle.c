/* SPDX-License-Identifier: ISC */
/*
 * A bundle as it is found, a box as one who has the key may make it, and what
 * a server reports of itself as it stands in an engine.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "conf/bundle.h"
#include "daemon/fleet.h"

static const uint8_t key[BUNDLE_KEY_BYTES];

static void
check_box(const uint8_t *box, size_t len)
{
	struct bundle_text texts[BUNDLE_FILES];
	size_t all = 0;

	if (bundle_split(texts, box, len) != BUNDLE_OK) {
		return;
	}
	for (size_t i = 0; i < BUNDLE_FILES; i++) {
		all += texts[i].bytes ? texts[i].len + 5 : 0;
		CHECK(!texts[i].bytes ||
		      (texts[i].bytes >= box &&
		       texts[i].bytes + texts[i].len <= box + len));
	}
	CHECK(all == len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bundle_stamp stamp = { .version = size, .time = 1 };
	const char *text = (const char *)data;
	uint8_t *box = malloc(2 * size + BUNDLE_LINE + BUNDLE_TAG);
	char *sealed = malloc(bundle_size(size));
	struct fleet_report report;
	struct bundle_stamp read;
	size_t len;

	CHECK(box && sealed);
	check_box(data, size);
	if (bundle_line_read(&read, text, size) == BUNDLE_OK) {
		char line[BUNDLE_LINE + 1];

		bundle_line_write(line, &read);
		CHECK(memcmp(line, data, BUNDLE_LINE) == 0);
	}
	if (bundle_open(box, &len, text, size, key) == BUNDLE_OK) {
		check_box(box, len);
	}
	memcpy(box, data, size);
	bundle_seal(sealed, box, size, &stamp, key);
	CHECK(bundle_open(box, &len, sealed, bundle_size(size), key) ==
	      BUNDLE_OK);
	CHECK(len == size && memcmp(box, data, size) == 0);
	if (fleet_report_read(&report, text, size)) {
		char again[FLEET_TEXT_MAX];

		fleet_report_text(again, &report);
		CHECK(strlen(again) <= size);
	}
	CHECK(!fleet_is_name(text, size) || size < FLEET_NAME_MAX);
	free(box);
	free(sealed);
	return 0;
}
