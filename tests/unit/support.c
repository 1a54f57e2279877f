/* The generator, the orders and the vectors of support.h. */
#include "support.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

uint64_t
random_u64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint32_t
random_u32(uint64_t *state)
{
	return (uint32_t)(random_u64(state) >> 32);
}

uint32_t
random_below(uint64_t *state, uint32_t n)
{
	return random_u32(state) % n;
}

unsigned long
property_steps(unsigned long usual)
{
	const char *text = getenv("PROPERTY_STEPS");
	const char *most = getenv("PROPERTY_STEPS_MAX");
	const unsigned long max = most ? strtoul(most, NULL, 10) : ULONG_MAX;

#ifdef __SANITIZE_ADDRESS__
	usual /= 4;
#endif
	usual = text ? strtoul(text, NULL, 10) : usual;
	return usual < max ? usual : max;
}

uint64_t
property_seed(void)
{
	const char *text = getenv("PROPERTY_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 10) : 1;

	print_message("PROPERTY_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

void
order_init(size_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		order[i] = i;
	}
}

static void
order_swap(size_t *order, size_t a, size_t b)
{
	size_t was = order[a];

	order[a] = order[b];
	order[b] = was;
}

bool
order_next(size_t *order, size_t n)
{
	size_t i = n - 1;
	size_t j = n - 1;

	while (i > 0 && order[i - 1] > order[i]) {
		i--;
	}
	if (i == 0) {
		return false;
	}
	while (order[j] < order[i - 1]) {
		j--;
	}
	order_swap(order, i - 1, j);
	for (j = n - 1; i < j; i++, j--) {
		order_swap(order, i, j);
	}
	return true;
}

void
order_shuffle(size_t *order, size_t n, uint64_t *seed)
{
	for (size_t i = n; i > 1; i--) {
		order_swap(order, i - 1, random_below(seed, (uint32_t)i));
	}
}

/* The value of a field within an object that ends at `end`. */
static const char *
json_field(const char *object, const char *end, const char *name)
{
	char quoted[32];
	const char *at = object;

	snprintf(quoted, sizeof quoted, "\"%s\"", name);
	while ((at = strstr(at, quoted)) != NULL && at < end) {
		at += strlen(quoted);
		at += strspn(at, " \t\n");
		if (*at == ':') {
			at++;
			return at + strspn(at, " \t\n");
		}
	}
	fail_msg("no field %s", name);
	return NULL;
}

static uint64_t
json_number(const char *object, const char *end, const char *name)
{
	char *stop;
	const char *at = json_field(object, end, name);
	uint64_t number = strtoull(at, &stop, 10);

	assert_true(stop > at);
	return number;
}

static size_t
json_hex(const char *object, const char *end, const char *name, uint8_t *out,
	 size_t size)
{
	const char *at = json_field(object, end, name);
	ptrdiff_t len;

	assert_int_equal(*at, '"');
	len = hex_decode(out, size, at + 1, strcspn(at + 1, "\""));
	assert_true(len >= 0);
	return (size_t)len;
}

static void
json_text(const char *object, const char *end, const char *name, char *out,
	  size_t size)
{
	const char *at = json_field(object, end, name);
	size_t len;

	assert_int_equal(*at, '"');
	len = strcspn(at + 1, "\"");
	assert_true(len < size);
	memcpy(out, at + 1, len);
	out[len] = '\0';
}

/* Decimal seconds whose fraction is a whole number of 1/256 s. */
static uint64_t
instant_of_text(const char *text)
{
	char *at;
	uint64_t second = strtoull(text, &at, 10);
	uint64_t fraction = 0;
	uint64_t scale = 1;

	if (*at == '.') {
		for (at++; *at != '\0'; at++) {
			fraction = fraction * 10 + (uint64_t)(*at - '0');
			scale *= 10;
		}
	}
	assert_int_equal(fraction * 256 % scale, 0);
	return second << 8 | fraction * 256 / scale;
}

static void
vector_parse(struct vector *v, const char *object, const char *end)
{
	char text[64];
	const char *at;
	int suite = 0;

	json_text(object, end, "name", v->name, sizeof v->name);
	json_text(object, end, "suite", text, sizeof text);
	while (suite < MAC_SUITES && strcmp(suites[suite].name, text) != 0) {
		suite++;
	}
	assert_true(suite < MAC_SUITES);
	v->suite = (enum mac_suite)suite;
	v->secret_len =
		json_hex(object, end, "key", v->secret, sizeof v->secret);
	v->realm_len =
		json_hex(object, end, "realm", v->realm, sizeof v->realm);
	v->key_no = (uint16_t)json_number(object, end, "key_no");
	v->isn = (uint32_t)json_number(object, end, "isn");
	v->port = (uint16_t)json_number(object, end, "port");
	v->extra = (unsigned)json_number(object, end, "extra");
	json_text(object, end, "time", text, sizeof text);
	v->instant = instant_of_text(text);
	at = json_field(object, end, "seq");
	assert_int_equal(*at, '[');
	do {
		char *stop;

		assert_true(v->seq_count < FRAME_MAX);
		v->seq[v->seq_count++] = (uint32_t)strtoull(at + 1, &stop, 10);
		at = stop + strspn(stop, " \t\n");
	} while (*at == ',');
	assert_int_equal(*at, ']');
	assert_int_equal(v->seq_count, FRAME_BASE + v->extra);
}

size_t
vectors_load(struct vector *vectors, size_t max)
{
	static char text[1 << 20];
	FILE *file = fopen("tests/vectors/frames.json", "r");
	const char *at;
	size_t count = 0;

	assert_non_null(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	at = strstr(text, "\"accept\"");
	assert_non_null(at);
	while ((at = strchr(at, '{')) != NULL) {
		const char *end = strchr(at, '}');

		assert_non_null(end);
		assert_true(count < max);
		memset(&vectors[count], 0, sizeof vectors[count]);
		vector_parse(&vectors[count++], at, end);
		at = end;
	}
	return count;
}
