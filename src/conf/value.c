#include "conf/value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/utc.h"
#include "protocol/frame.h"

int
value_no_memory(char *why)
{
	return why_set(why, -ENOMEM, "out of memory");
}

int
value_number(const char *text, unsigned long low, unsigned long high,
	     unsigned long *out, char *why)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || text[digits] != '\0') {
		return value_fail(why, "'%.64s' is not a number", text);
	}
	errno = 0;
	*out = strtoul(text, NULL, 10);
	if (errno || *out < low || *out > high) {
		return value_fail(why, "%.64s out of range (%lu to %lu)", text,
				  low, high);
	}
	return 0;
}

/* For machines without /etc/services, which Debian's netbase brings. */
static const struct {
	const char *name;
	uint16_t port;
} services[] = {
	{ "ftp", 21 },    { "ssh", 22 },          { "telnet", 23 },
	{ "smtp", 25 },   { "www", 80 },          { "http", 80 },
	{ "pop3", 110 },  { "imap2", 143 },       { "https", 443 },
	{ "imaps", 993 }, { "pop3s", 995 },       { "mysql", 3306 },
	{ "rdp", 3389 },  { "postgresql", 5432 },
};

int
value_port(const char *text, uint16_t *out, char *why)
{
	const struct servent *service;
	unsigned long port = 0;

	if (text[0] >= '0' && text[0] <= '9') {
		if (value_number(text, 0, ULONG_MAX, &port, why) < 0) {
			return -1;
		}
		if (port < 1 || port > 65535) {
			return value_fail(why, "port %.64s out of range", text);
		}
		*out = (uint16_t)port;
		return 0;
	}
	errno = 0;
	service = getservbyname(text, "tcp");
	if (service) {
		*out = ntohs((uint16_t)service->s_port);
		return 0;
	}
	if (errno == ENOMEM) {
		return value_no_memory(why);
	}
	for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
		if (strcmp(services[i].name, text) == 0) {
			*out = services[i].port;
			return 0;
		}
	}
	return value_fail(why, "'%.64s' is neither a port nor a service", text);
}

#define SECRET_DIGITS_MIN 32u

static bool
is_like_secret(const char *text)
{
	const size_t prefix = strncmp(text, "0x", 2) == 0 ? 2 : 0;

	return strspn(text + prefix, "0123456789abcdefABCDEF") >=
		SECRET_DIGITS_MIN;
}

static bool
is_label(const char *label, size_t len)
{
	return len > 0 && len <= 63 && label[0] != '-' && label[len - 1] != '-';
}

bool
value_is_name(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_";
	const char *label = text;
	size_t len = strspn(label, letters);

	if (strlen(text) > 253 || is_like_secret(text)) {
		return false;
	}
	/* A dot at the end is the root's. */
	while (label[len] == '.' && label[len + 1] && is_label(label, len)) {
		label += len + 1;
		len = strspn(label, letters);
	}
	return is_label(label, len) && strspn(label, "0123456789") < len &&
		strcmp(label + len, label[len] == '.' ? "." : "") == 0;
}

int
value_endpoint(const char *text, struct value_endpoint *out, char *why)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	size_t port_len = colon ? strcspn(colon + 1, "/") : 0;

	memset(out, 0, sizeof *out);
	out->bracketed = len > 1 && text[0] == '[' && text[len - 1] == ']';
	if (out->bracketed) {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof out->host || port_len == 0 ||
	    port_len >= sizeof out->port) {
		return value_fail(why, "'%.64s' is not HOST:PORT", text);
	}
	memcpy(out->host, text, len);
	memcpy(out->port, colon + 1, port_len);
	return colon[1 + port_len] == '\0'
		? 0
		: value_port(colon + 2 + port_len, &out->service_port, why);
}

/* Split "low-high" into out; 1 where there was a dash, 0 where not. */
static int
split_range(const char *text, char *low, char *high, size_t size)
{
	const char *dash = strchr(text, '-');

	/* Service names may hold dashes: http-alt. */
	if (!dash || text[0] < '0' || text[0] > '9') {
		snprintf(low, size, "%s", text);
		return 0;
	}
	snprintf(low, size, "%.*s", (int)(dash - text), text);
	snprintf(high, size, "%s", dash + 1);
	return 1;
}

static int
one_range(const char *text, bool ports, struct acl_range *out, char *why)
{
	char part[2][64];
	int parts = 1 + split_range(text, part[0], part[1], sizeof part[0]);
	uint16_t value[2] = { 0, 0 };

	for (int i = 0; i < parts; i++) {
		unsigned long number = 0;

		if (ports) {
			int rc = value_port(part[i], &value[i], why);

			if (rc < 0) {
				return rc;
			}
			continue;
		}
		if (value_number(part[i], 0, 65535, &number, why) < 0) {
			return -1;
		}
		value[i] = (uint16_t)number;
	}
	out->low = value[0];
	out->high = value[parts - 1];
	if (out->low > out->high) {
		return value_fail(why, "range %.64s runs backwards", text);
	}
	return 0;
}

int
value_port_range(const char *text, struct acl_range *out, char *why)
{
	return one_range(text, true, out, why);
}

int
value_ranges(const char *text, bool ports, struct acl_range **out,
	     size_t *count, char *why)
{
	struct acl_range *ranges;
	size_t most = 1;
	size_t n = 0;

	for (const char *at = text; *at; at++) {
		most += *at == ',';
	}
	ranges = calloc(most, sizeof *ranges);
	if (!ranges) {
		return value_no_memory(why);
	}
	for (const char *at = text; at; n++) {
		size_t len;
		char item[64];
		int rc;

		at += strspn(at, " \t");
		len = strcspn(at, ", \t");
		if (len == 0 || len >= sizeof item) {
			free(ranges);
			return value_fail(why, "'%.32s' is not a list of %s",
					  text, ports ? "ports" : "numbers");
		}
		memcpy(item, at, len);
		item[len] = '\0';
		rc = one_range(item, ports, &ranges[n], why);
		if (rc < 0) {
			free(ranges);
			return rc;
		}
		at += len;
		at += strspn(at, " \t");
		if (*at != ',' && *at != '\0') {
			free(ranges);
			return value_fail(why, "comma expected before '%.32s'",
					  at);
		}
		at = *at ? at + 1 : NULL;
	}
	*out = ranges;
	*count = n;
	return 0;
}

static void
prefix_mask(uint8_t mask[16], unsigned bits)
{
	memset(mask, 0, 16);
	for (unsigned bit = 0; bit < bits; bit++) {
		mask[bit / 8] |= (uint8_t)(128 >> bit % 8);
	}
}

/* The number of leading ones, or -1 where a one follows a zero. */
static int
mask_bits(const uint8_t *mask, unsigned size)
{
	unsigned bits = 0;

	while (bits < size && mask[bits / 8] & 128 >> bits % 8) {
		bits++;
	}
	for (unsigned bit = bits; bit < size; bit++) {
		if (mask[bit / 8] & 128 >> bit % 8) {
			return -1;
		}
	}
	return (int)bits;
}

static int
parse_mask(const char *text, struct acl_net *out, char *why)
{
	unsigned size = out->addr.family == 4 ? 32 : 128;
	uint8_t mask[16] = { 0 };
	unsigned long bits = 0;
	int ones;

	if (text[0] == '/') {
		if (value_number(text + 1, 0, size, &bits, why) < 0) {
			return -1;
		}
		prefix_mask(out->mask, (unsigned)bits);
		return 0;
	}
	if (out->addr.family != 4 || inet_pton(AF_INET, text + 1, mask) != 1) {
		return value_fail(why, "'%.64s' is not a mask", text + 1);
	}
	ones = mask_bits(mask, size);
	if (ones < 0) {
		return value_fail(why, "mask %.64s has holes", text + 1);
	}
	prefix_mask(out->mask, (unsigned)ones);
	return 0;
}

/* Where the mask begins: after ]; at a slash; at IPv4's colon. */
static size_t
address_len(const char *text, bool v6)
{
	return v6 ? strcspn(text, "]/") : strcspn(text, ":/");
}

int
value_net(const char *text, struct acl_net *out, char *why)
{
	bool bracket = text[0] == '[';
	const char *start = text + bracket;
	const char *colon = strchr(start, ':');
	bool v6 = bracket || (colon && strchr(colon + 1, ':'));
	size_t len = address_len(start, v6);
	const char *rest = start + len;
	char addr[INET6_ADDRSTRLEN];

	memset(out, 0, sizeof *out);
	if (strcmp(text, "ANY") == 0) {
		return 0;
	}
	if (bracket && *rest++ != ']') {
		return value_fail(why, "'%.64s' lacks a ]", text);
	}
	if (len >= sizeof addr) {
		return value_fail(why, "'%.64s' is not an address", text);
	}
	memcpy(addr, start, len);
	addr[len] = '\0';
	if (inet_pton(v6 ? AF_INET6 : AF_INET, addr, out->addr.bytes) != 1) {
		return value_fail(why, "'%.64s' is not an address", text);
	}
	out->addr.family = v6 ? 6 : 4;
	prefix_mask(out->mask, v6 ? 128 : 32);
	if (*rest && parse_mask(rest, out, why) < 0) {
		return -1;
	}
	for (unsigned i = 0; i < 16; i++) {
		out->addr.bytes[i] &= out->mask[i];
	}
	return 0;
}

bool
value_is_unreachable(const struct packet_addr *addr)
{
	static const uint8_t low[15] = { 0 };
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *a = addr->bytes;

	return addr->family == 4
		? a[0] == 0 || a[0] == 127 || a[0] >= 224
		: a[0] == 0xff || memcmp(a, mapped, sizeof mapped) == 0 ||
			(memcmp(a, low, sizeof low) == 0 && a[15] <= 1);
}

int
value_device(const char *text, char out[ACL_IFNAME_MAX], char *why)
{
	size_t len = strlen(text);

	if (strcmp(text, "ANY") == 0) {
		out[0] = '\0';
		return 0;
	}
	/* Names that the kernel refuses, or that rules would misread. */
	if (len >= ACL_IFNAME_MAX || strpbrk(text, "/: \t\"'+*%\\{};") ||
	    strcmp(text, ".") == 0 || strcmp(text, "..") == 0) {
		return value_fail(why, "'%.64s' can't be an interface", text);
	}
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~') {
			return value_fail(why, "interface with a strange name");
		}
	}
	memcpy(out, text, len + 1);
	return 0;
}

/* A number of seconds since the epoch has nine digits since 1973. */
#define EPOCH_SECONDS_MIN 100000000ul
#define EPOCH_SECONDS_MAX                                                      \
	(ULONG_MAX > UINT32_MAX ? (unsigned long)(1ull << 40) : ULONG_MAX)

int
value_time(const char *text, uint64_t *instant, char *why)
{
	unsigned long seconds = 0;
	uint64_t when;

	if (text[strspn(text, "0123456789")] == '\0') {
		if (value_number(text, 0, EPOCH_SECONDS_MAX, &seconds, why) <
		    0) {
			return -1;
		}
		/* 2027 is meant as a year, not as seconds. */
		if (seconds > 0 && seconds < EPOCH_SECONDS_MIN) {
			return value_fail(why,
					  "'%.64s' is no time since 1973 "
					  "in seconds; a day is "
					  "2027-01-01",
					  text);
		}
		*instant = frame_instant_of((int64_t)seconds, 0);
		return 0;
	}
	if (!utc_read(text, &when)) {
		return value_fail(why,
				  "'%.64s' is no time like "
				  "2027-01-01T00:00:00Z",
				  text);
	}
	*instant = frame_instant_of((int64_t)when, 0);
	return 0;
}

void
value_time_text(char out[VALUE_TIME_MAX], uint64_t instant)
{
	const uint64_t when = instant / FRAME_SECOND;

	/* Years of five digits cannot be read back. */
	if (!utc_text(out, when)) {
		snprintf(out, VALUE_TIME_MAX, "%llu", (unsigned long long)when);
	}
}

int
value_duration(const char *text, uint64_t *out, char *why)
{
	static const struct {
		char unit;
		unsigned long seconds;
	} units[] = {
		{ 's', 1 },     { 'm', 60 },     { 'h', 3600 },
		{ 'd', 86400 }, { 'w', 604800 },
	};
	size_t digits = strspn(text, "0123456789");
	unsigned long number;
	char part[32];

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (digits == 0 || digits >= sizeof part ||
		    text[digits] != units[i].unit || text[digits + 1]) {
			continue;
		}
		memcpy(part, text, digits);
		part[digits] = '\0';
		/* Up to a hundred years. */
		if (value_number(part, 1, 3155760000ul / units[i].seconds,
				 &number, why) < 0) {
			return -1;
		}
		*out = (uint64_t)number * units[i].seconds * FRAME_SECOND;
		return 0;
	}
	return value_fail(why,
			  "'%.64s' is no span of time like 90d, 12h or "
			  "30m",
			  text);
}

int
value_seconds(const char *text, unsigned long low, unsigned long high,
	      unsigned long *out, char *why)
{
	uint64_t span;

	if (text[strspn(text, "0123456789")] == '\0') {
		return value_number(text, low, high, out, why);
	}
	if (value_duration(text, &span, why) < 0) {
		return value_fail(why,
				  "'%.64s' is no number of seconds, and no "
				  "span of time like 30s, 5m or 1h",
				  text);
	}
	if (span / FRAME_SECOND < low || span / FRAME_SECOND > high) {
		return value_fail(why, "%.64s out of range (%lu to %lu s)",
				  text, low, high);
	}
	*out = (unsigned long)(span / FRAME_SECOND);
	return 0;
}

const char *
value_service(uint16_t port)
{
	const struct servent *service = getservbyport(htons(port), "tcp");

	if (service) {
		return service->s_name;
	}
	for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
		if (services[i].port == port) {
			return services[i].name;
		}
	}
	return NULL;
}

int
value_choice(const char *text, const char *words, unsigned long *out, char *why)
{
	size_t len = strlen(text);

	*out = 0;
	for (const char *at = words; *at; at += strspn(at, " "), ++*out) {
		size_t word = strcspn(at, " ");

		if (word == len && memcmp(at, text, len) == 0) {
			return 0;
		}
		at += word;
	}
	return value_fail(why, "'%.64s' is none of %s", text, words);
}
