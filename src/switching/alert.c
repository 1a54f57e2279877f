#include "switching/alert.h"

#include <arpa/inet.h>
#include <string.h>

#include "switching/alert_fast.h"
#include "switching/alert_json.h"
#include "switching/alert_parts.h"

#define ADDR_TEXT_MAX 64u

static bool
is_mapped(const uint8_t bytes[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(bytes, mapped, sizeof mapped) == 0;
}

int
alert_addr(const char *text, size_t len, struct packet_addr *out)
{
	char copy[ADDR_TEXT_MAX];
	const char *zone;

	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	zone = memchr(text, '%', len);
	len = zone ? (size_t)(zone - text) : len;
	*out = (struct packet_addr){ 0 };
	if (len >= sizeof copy || memchr(text, '\0', len)) {
		return -1;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, out->bytes) == 1) {
		out->family = 4;
		return 0;
	}
	if (inet_pton(AF_INET6, copy, out->bytes) != 1) {
		return -1;
	}
	out->family = 6;
	if (is_mapped(out->bytes)) {
		memmove(out->bytes, out->bytes + 12, 4);
		memset(out->bytes + 4, 0, 12);
		out->family = 4;
	}
	return 0;
}

void
alert_text(char out[ALERT_TEXT_MAX], const char *text, size_t len)
{
	size_t i = 0;

	for (; i < len && text[i] != '\0' && i + 1 < ALERT_TEXT_MAX; i++) {
		out[i] = text[i];
		if (text[i] < ' ' || text[i] > '~') {
			out[i] = '?';
		}
	}
	out[i] = '\0';
}

int
alert_number(const char *text, size_t len, uint32_t most, uint32_t *out)
{
	uint64_t value = 0;

	if (len == 0) {
		return -1;
	}
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return -1;
		}
		value = value * 10 + (unsigned)(text[i] - '0');
		if (value > most) {
			return -1;
		}
	}
	*out = (uint32_t)value;
	return 0;
}

int
alert_port(const char *text, size_t len, uint16_t *out)
{
	uint32_t value;

	if (alert_number(text, len, UINT16_MAX, &value) < 0 || value == 0) {
		return -1;
	}
	*out = (uint16_t)value;
	return 0;
}

int
alert_endpoint(const char *text, size_t len, struct packet_addr *addr,
	       uint16_t *port)
{
	size_t at = len;

	while (at > 0 && text[at - 1] != ':') {
		at--;
	}
	return at == 0 || alert_port(text + at, len - at, port) < 0
		? -1
		: alert_addr(text, at - 1, addr);
}

uint8_t
alert_severity(uint32_t value)
{
	return value == 0           ? ALERT_SEVERITY_WORST
		: value < UINT8_MAX ? (uint8_t)value
				    : UINT8_MAX;
}

enum alert_found
alert_parse(enum alert_format format, const char *line, size_t len,
	    struct alert *out)
{
	if (len > 0 && line[len - 1] == '\r') {
		len--;
	}
	switch (format) {
	case ALERT_SNORT_FAST:
		return alert_fast(line, len, out);
	case ALERT_SNORT_JSON:
		return alert_snort_json(line, len, out);
	case ALERT_EVE:
		break;
	}
	return alert_eve(line, len, out);
}
