#include "base/resp.h"

#include <string.h>

#define DIGITS_MAX 20u

/* Where a line ends, or NULL: *bad tells whether it can't be one any more. */
static const uint8_t *
end_of_line(const uint8_t *at, size_t len, bool *bad)
{
	const size_t most = len < RESP_LINE_MAX ? len : RESP_LINE_MAX;
	const uint8_t *end = memchr(at, '\r', most);

	*bad = !end ? len >= RESP_LINE_MAX
		    : (size_t)(end - at) + 1 < len && end[1] != '\n';
	return end && (size_t)(end - at) + 1 < len && !*bad ? end : NULL;
}

/* A number without a sign, or -1 as the only one with it; -2: none. */
static long
number_of(const uint8_t *at, size_t len)
{
	long value = 0;

	if (len == 2 && at[0] == '-' && at[1] == '1') {
		return -1;
	}
	if (len == 0 || len > 6) {
		return -2;
	}
	for (size_t i = 0; i < len; i++) {
		if (at[i] < '0' || at[i] > '9') {
			return -2;
		}
		value = value * 10 + (at[i] - '0');
	}
	return value;
}

/* The bytes of a bulk string, whose header has been read. */
static ptrdiff_t
read_bulk(struct resp_item *item, const uint8_t *bytes, size_t len,
	  size_t header, long size)
{
	if (size == -1) {
		item->type = RESP_NIL;
		item->len = 0;
		return (ptrdiff_t)header;
	}
	if (size < 0 || (size_t)size > RESP_BULK_MAX) {
		return -1;
	}
	if (len - header < (size_t)size + 2) {
		return 0;
	}
	item->type = RESP_BULK;
	item->bytes = (const char *)bytes + header;
	item->len = (size_t)size;
	return memcmp(bytes + header + size, "\r\n", 2) == 0
		? (ptrdiff_t)(header + (size_t)size + 2)
		: -1;
}

ptrdiff_t
resp_item(struct resp_item *item, const uint8_t *bytes, size_t len, long *count)
{
	static const char kinds[] = "+-:$*";
	const uint8_t *end;
	size_t header;
	bool bad;

	*count = 0;
	if (len == 0) {
		return 0;
	}
	if (!memchr(kinds, bytes[0], sizeof kinds - 1)) {
		return -1;
	}
	end = end_of_line(bytes + 1, len - 1, &bad);
	if (!end) {
		return bad ? -1 : 0;
	}
	*item = (struct resp_item){ .bytes = (const char *)bytes + 1,
				    .len = (size_t)(end - bytes) - 1 };
	header = (size_t)(end - bytes) + 2;
	switch (bytes[0]) {
	case '+':
		item->type = RESP_SIMPLE;
		break;
	case '-':
		item->type = RESP_ERROR;
		break;
	case ':':
		item->type = RESP_NUMBER;
		break;
	case '$':
		return read_bulk(item, bytes, len, header,
				 number_of(bytes + 1, item->len));
	default:
		item->type = RESP_ARRAY;
		*count = number_of(bytes + 1, item->len);
		break;
	}
	return (ptrdiff_t)header;
}

ptrdiff_t
resp_read(struct resp_reply *reply, const uint8_t *bytes, size_t len)
{
	long count, nested;
	ptrdiff_t at = resp_item(&reply->whole, bytes, len, &count);

	reply->count = 0;
	if (at <= 0 || reply->whole.type != RESP_ARRAY) {
		return at;
	}
	if (count < 0 || (size_t)count > RESP_ITEMS_MAX) {
		return -1;
	}
	for (size_t i = 0; i < (size_t)count; i++) {
		struct resp_item *item = &reply->items[i];
		const ptrdiff_t used =
			resp_item(item, bytes + at, len - (size_t)at, &nested);

		if (used <= 0) {
			return used;
		}
		if (item->type == RESP_ARRAY) {
			return -1;
		}
		at += used;
	}
	reply->count = (size_t)count;
	return at;
}

bool
resp_is(const struct resp_item *item, const char *text)
{
	return (item->type == RESP_BULK || item->type == RESP_SIMPLE) &&
		item->len == strlen(text) &&
		memcmp(item->bytes, text, item->len) == 0;
}

struct out {
	uint8_t *at;
	size_t left;
	bool full;
};

static void
put(struct out *o, const void *bytes, size_t len)
{
	if (o->full || len > o->left) {
		o->full = true;
		return;
	}
	memcpy(o->at, bytes, len);
	o->at += len;
	o->left -= len;
}

/* "*3\r\n", and the like. */
static void
put_header(struct out *o, char kind, size_t number)
{
	char text[DIGITS_MAX + 3];
	size_t at = sizeof text;

	text[--at] = '\n';
	text[--at] = '\r';
	do {
		text[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	text[--at] = kind;
	put(o, text + at, sizeof text - at);
}

size_t
resp_write(uint8_t *out, size_t size, const char *const *parts, size_t count)
{
	struct out o = { .at = out, .left = size };

	put_header(&o, '*', count);
	for (size_t i = 0; i < count; i++) {
		const size_t len = strlen(parts[i]);

		put_header(&o, '$', len);
		put(&o, parts[i], len);
		put(&o, "\r\n", 2);
	}
	return o.full ? 0 : size - o.left;
}
