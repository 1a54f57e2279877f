#include "acl/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "os/clock.h"
#include "base/json.h"
#include "conf/key_line.h"
#include "base/table.h"
#include "tap.h"

enum { PORT, SERVICE, KEY, NAME, SUITE, BEFORE, AFTER, STATE, COLUMNS };

static const char *const heads[COLUMNS] = {
	"PORT",  "SERVICE",    "KEY",       "NAME",
	"SUITE", "NOT BEFORE", "NOT AFTER", "STATE",
};

struct show {
	const struct access_options *o;
	const struct acl *acl;
	uint64_t now;
	struct table table;
	size_t rows;
	int rc;
};

/* One row: keys of an entry that are one known key or all unknown. */
struct row {
	const struct acl_entry *entry;
	struct acl_range ports, keys;
	const struct acl_key *key; /* or NULL */
	const char *state;
};

static void
add_json(struct show *s, const struct row *row, const char *service)
{
	const struct acl_key *key = row->key;
	char object[8192];
	struct text t = text_over(object, sizeof object);

	text_put(&t, "{");
	json_number(&t, "port", row->ports.low);
	json_number(&t, "port_last", row->ports.high);
	json_member(&t, "service", service);
	json_number(&t, "key_no", row->keys.low);
	json_number(&t, "key_last", row->keys.high);
	json_member(&t, "name", key ? key->name : "");
	json_member(&t, "alg", key ? suites[key->mac.suite].name : NULL);
	if (key) {
		json_number(&t, "auth", key->bits);
	} else {
		json_member(&t, "auth", NULL);
	}
	key_line_json_time(&t, "not_before", key ? key->not_before : 0, 0);
	key_line_json_time(&t, "not_after", key ? key->not_after : UINT64_MAX,
			   UINT64_MAX);
	json_member(&t, "state", row->state);
	json_member(&t, "file",
		    access_file(row->entry->file, access_paths(s->o).acl));
	json_number(&t, "line", row->entry->line);
	printf("%s%s}", s->rows ? ",\n " : "", object);
}

static void
add_row(struct show *s, const struct row *row)
{
	const struct acl_key *key = row->key;
	const char *service = row->ports.low == row->ports.high
		? value_service(row->ports.low)
		: NULL;
	char before[VALUE_TIME_MAX] = "-";
	char after[VALUE_TIME_MAX] = "-";
	char suite[32] = "-";
	const char *cells[COLUMNS] = {
		[PORT] = access_range(row->ports),
		[SERVICE] = service ? service : "-",
		[KEY] = access_range(row->keys),
		[NAME] = key && key->name[0] ? key->name : "-",
		[SUITE] = suite,
		[BEFORE] = before,
		[AFTER] = after,
		[STATE] = row->state,
	};

	if (s->o->json) {
		add_json(s, row, service);
		s->rows++;
		return;
	}
	if (key) {
		snprintf(suite, sizeof suite, "%s/%u",
			 suites[key->mac.suite].name, key->bits);
	}
	if (key && key->not_before > 0) {
		value_time_text(before, key->not_before);
	}
	if (key && key->not_after != UINT64_MAX) {
		value_time_text(after, key->not_after);
	}
	s->rc |= table_add(&s->table, cells);
}

static const char *
state_of(const struct show *s, const struct acl_key *key)
{
	return key->not_after <= s->now    ? "past"
		: key->not_before > s->now ? "future"
					   : "valid";
}

/* The keys of one run: known ones each, unknown ones together. */
static void
show_run(struct show *s, struct row *row, struct acl_range run, bool any)
{
	uint32_t no = run.low;

	while (no <= run.high) {
		row->key = acl_key_by_no(s->acl, (uint16_t)no);
		row->keys.low = (uint16_t)no++;
		if (row->key) {
			row->state = state_of(s, row->key);
		} else {
			row->state = "unknown";
			while (no <= run.high &&
			       !acl_key_by_no(s->acl, (uint16_t)no)) {
				no++;
			}
		}
		row->keys.high = (uint16_t)(no - 1);
		/* ANY does not list numbers that have no key. */
		if (row->key || !any) {
			add_row(s, row);
		}
	}
}

/* Of an entry, the ports that were asked for and are neighbours. */
static void
show_ports(struct show *s, const struct acl_entry *entry,
	   struct acl_range ports)
{
	const struct access_options *o = s->o;
	struct row row = { .entry = entry, .ports = ports };
	struct numset keys = { 0 };
	struct numset asked = { 0 };
	struct acl_range run;
	uint32_t from = 0;
	bool any;

	numset_add(&keys, entry->keys, entry->keys_count);
	any = numset_next(&keys, 0, &run) && run.low == 0 &&
		run.high == UINT16_MAX;
	if (o->has_key) {
		numset_add(&asked, o->keys, o->keys_count);
		numset_intersect(&keys, &asked);
	}
	while (numset_next(&keys, from, &run)) {
		show_run(s, &row, run, any);
		from = (uint32_t)run.high + 1;
	}
}

static void
show_entry(struct show *s, const struct acl_entry *entry)
{
	const struct access_options *o = s->o;
	struct numset ports = { 0 };
	struct numset asked = { 0 };
	struct acl_range run;
	uint32_t from = 0;

	if (!o->has_port) {
		show_ports(s, entry, entry->ports);
		return;
	}
	numset_add(&ports, &entry->ports, 1);
	numset_add(&asked, o->ports, o->ports_count);
	numset_intersect(&ports, &asked);
	while (numset_next(&ports, from, &run)) {
		show_ports(s, entry, run);
		from = (uint32_t)run.high + 1;
	}
}

int
access_show(const struct access_options *o)
{
	struct show s = { .o = o, .now = clock_instant() };
	struct server_conf *conf;
	int status = access_load(o, &conf);

	if (status != TAP_OK) {
		return status;
	}
	s.acl = &conf->acl;
	table_init(&s.table, heads, COLUMNS);
	if (o->json) {
		printf("[");
	}
	for (size_t i = 0; i < conf->acl.entries_count; i++) {
		show_entry(&s, &conf->acl.entries[i]);
	}
	if (o->json) {
		printf("]\n");
	} else if (s.rc == 0) {
		table_print(&s.table, isatty(STDOUT_FILENO));
	}
	table_free(&s.table);
	server_conf_free(conf);
	return s.rc < 0 ? access_no_memory() : TAP_OK;
}
