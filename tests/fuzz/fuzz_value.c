/* SPDX-License-Identifier: ISC */
/*
 * Each value that a person may write: the first byte is which, the rest
 * the text.  A refusal has a reason; what is taken keeps to its bounds.
 */
#include "fuzz.h"

#include <string.h>

#include "conf/settings.h"
#include "conf/value.h"

static char why[VALUE_WHY_MAX];

static void
check_net(const char *text)
{
	struct acl_net net;

	if (value_net(text, &net, why) < 0) {
		CHECK(why[0]);
		return;
	}
	CHECK(net.addr.family == 0 || net.addr.family == 4 ||
	      net.addr.family == 6);
	for (size_t i = 0; i < 16; i++) {
		CHECK((net.addr.bytes[i] & ~net.mask[i]) == 0);
		/* No hole, and nothing behind an IPv4 address. */
		CHECK(i == 0 || net.mask[i - 1] == 0xff || net.mask[i] == 0);
		CHECK(net.addr.family != 4 || i < 4 || net.mask[i] == 0);
		CHECK(((net.mask[i] ^ 0xff) & ((net.mask[i] ^ 0xff) + 1)) == 0);
	}
	CHECK(acl_net_has(&net, &net.addr) || net.addr.family == 0);
}

static void
check_ranges(const char *text, bool ports)
{
	struct acl_range *ranges = NULL;
	size_t count = 0;

	if (value_ranges(text, ports, &ranges, &count, why) < 0) {
		CHECK(why[0] && !ranges);
		return;
	}
	CHECK(count > 0 && count <= strlen(text));
	for (size_t i = 0; i < count; i++) {
		CHECK(ranges[i].low <= ranges[i].high);
		CHECK(!ports || ranges[i].low > 0);
	}
	free(ranges);
}

static void
check_time(const char *text)
{
	char out[VALUE_TIME_MAX];
	uint64_t instant, again;

	if (value_time(text, &instant, why) < 0) {
		CHECK(why[0]);
		return;
	}
	value_time_text(out, instant);
	CHECK(value_time(out, &again, why) == 0);
	CHECK(again == instant);
}

static void
check_device(const char *text)
{
	char name[ACL_IFNAME_MAX];

	if (value_device(text, name, why) < 0) {
		CHECK(why[0]);
		return;
	}
	CHECK(strcmp(name, text) == 0 || strcmp(text, "ANY") == 0);
	for (const char *at = name; *at; at++) {
		CHECK(*at > ' ' && *at < 127 && !strchr("\"'\\;{}/", *at));
	}
}

struct conf {
	struct settings settings;
};

static const struct conf_word_type types[] = { SETTINGS(SETTINGS_WORD,
							struct conf) };

/* As the value of each setting; the first byte is what stands before it. */
static void
check_settings(const char *text)
{
	static const struct conf_words words = CONF_WORDS(types);
	const struct conf_file file = { .path = "f" };
	struct conf conf = { .settings.mark = 1 };
	struct conf_line line = { .line = 1, .count = 1 };
	char err[CONF_ERROR_MAX];

	for (size_t i = 0; text[0] && i < words.count; i++) {
		line.words[0] = (struct conf_word){ types[i].name, text + 1 };
		err[0] = '\0';
		CHECK(conf_apply(&file, &line, &words, &conf, NULL, err) == 0 ||
		      err[0]);
	}
	CHECK((conf.settings.mark & (conf.settings.mark - 1)) == 0);
	CHECK(conf.settings.mark && conf.settings.queue <= SETTINGS_QUEUE_MAX);
	CHECK(conf.settings.firewall <= FIREWALL_NONE);
	CHECK(conf.settings.fastpath <= FASTPATH_GENERIC);
}

static void
check_rest(const char *text)
{
	struct acl_range range;
	unsigned long number;
	uint64_t span;

	CHECK(value_number(text, 3, 1000, &number, why) == 0
		      ? number >= 3 && number <= 1000
		      : why[0]);
	CHECK(value_port_range(text, &range, why) == 0
		      ? range.low > 0 && range.low <= range.high
		      : why[0]);
	CHECK(value_seconds(text, 3, 1000, &number, why) == 0
		      ? number >= 3 && number <= 1000
		      : why[0]);
	CHECK(value_duration(text, &span, why) == 0 ? span > 0 : why[0]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size == 0) {
		return 0;
	}
	/* Of its own size, and ended by NUL. */
	text = malloc(size);
	CHECK(text);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	why[0] = '\0';
	switch (data[0] % 7) {
	case 0:
		check_net(text);
		break;
	case 1:
	case 2:
		check_ranges(text, data[0] % 7 == 1);
		break;
	case 3:
		check_time(text);
		break;
	case 4:
		check_device(text);
		break;
	case 5:
		check_settings(text);
		break;
	default:
		check_rest(text);
	}
	CHECK(memchr(why, '\0', sizeof why));
	free(text);
	return 0;
}
