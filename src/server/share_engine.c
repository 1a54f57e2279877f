#include "server/share_engine.h"

#include <string.h>

/* "\nNAME:" to the end of the line; false: it has no such line. */
static bool
info_of(const struct resp_item *info, const char *name, const char **value,
	size_t *len)
{
	const size_t name_len = strlen(name);
	const char *at = info->bytes;
	const char *end = info->bytes + info->len;

	while (at < end) {
		const char *line_end = memchr(at, '\r', (size_t)(end - at));

		line_end = line_end ? line_end : end;
		if ((size_t)(line_end - at) > name_len &&
		    memcmp(at, name, name_len) == 0 && at[name_len] == ':') {
			*value = at + name_len + 1;
			*len = (size_t)(line_end - *value);
			return true;
		}
		at = line_end;
		while (at < end && (*at == '\r' || *at == '\n')) {
			at++;
		}
	}
	return false;
}

static bool
info_is(const struct resp_item *info, const char *name, const char *is)
{
	const char *value;
	size_t len;

	return info_of(info, name, &value, &len) && len == strlen(is) &&
		memcmp(value, is, len) == 0;
}

void
share_engine_info(struct share_engine *e, const struct resp_item *info)
{
	const char *value;
	size_t len;

	if (info_of(info, "run_id", &value, &len) && len > 0 &&
	    len < SHARE_RUN_MAX && !memchr(value, ' ', len) &&
	    !memchr(value, '\0', len)) {
		memcpy(e->run, value, len);
		e->run[len] = '\0';
	}
	e->replica |= info_is(info, "role", "slave");
	e->forgets |= info_of(info, "maxmemory", &value, &len) &&
		!info_is(info, "maxmemory", "0") &&
		!info_is(info, "maxmemory_policy", "noeviction");
}

/* Digits alone; false: it is no number. */
static bool
read_number(const char *at, size_t len, uint64_t *out)
{
	*out = 0;
	if (len == 0 || len > 18) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (at[i] < '0' || at[i] > '9') {
			return false;
		}
		*out = *out * 10 + (uint64_t)(at[i] - '0');
	}
	return true;
}

bool
share_engine_time(struct share_engine *e, const struct resp_reply *r)
{
	uint64_t seconds, us;

	if (r->count != 2 ||
	    !read_number(r->items[0].bytes, r->items[0].len, &seconds) ||
	    !read_number(r->items[1].bytes, r->items[1].len, &us) ||
	    seconds > UINT64_MAX / 2000000 || us > 999999) {
		return false;
	}
	e->time_us = seconds * 1000000 + us;
	return true;
}

bool
share_engine_knows(const struct share_engine *e, const struct resp_item *item,
		   uint64_t *us)
{
	const size_t run = strlen(e->run);

	return item->type == RESP_BULK && item->len > run + 1 &&
		item->len < SHARE_RUN_MAX + 22u &&
		memcmp(item->bytes, e->run, run) == 0 &&
		item->bytes[run] == ' ' &&
		read_number(item->bytes + run + 1, item->len - run - 1, us);
}
