#include "acl/fleet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "acl/bundle_to.h"
#include "base/bytes.h"
#include "base/json.h"
#include "base/table.h"
#include "base/utc.h"
#include "daemon/fleet.h"
#include "tap.h"

enum { SERVER, VERSION, SINCE, ACCEPTED, HEARD, STATE, COLUMNS };

static const char *const heads[COLUMNS] = {
	"SERVER", "VERSION", "SINCE", "LET IN", "HEARD", "STATE",
};

/* What there is to know of the bundle in the engine. */
struct fleet {
	struct fleet_server *servers;
	size_t count;
	struct bundle_stamp newest;
	bool there;
};

static const char *
state_of(const struct fleet *f, const struct fleet_server *s)
{
	return s->heard_ms >= FLEET_SILENT_MS           ? "silent"
		: s->report.refused                     ? "refuses"
		: s->report.version < f->newest.version ? "behind"
							: "current";
}

static bool
is_current(const struct fleet *f, const struct fleet_server *s)
{
	return s->heard_ms < FLEET_SILENT_MS && !s->report.refused &&
		s->report.version >= f->newest.version;
}

static void
put_json(const struct fleet *f)
{
	bool first = true;

	printf("{\"version\":%" PRIu64 ",\"servers\":[",
	       f->there ? f->newest.version : 0);
	for (size_t i = 0; i < f->count; i++) {
		const struct fleet_server *s = &f->servers[i];
		char object[512];
		struct text t = text_over(object, sizeof object);

		if (!s->reports) {
			continue;
		}
		text_put(&t, "%s{", first ? "" : ",\n ");
		json_member(&t, "server", s->name);
		json_number(&t, "version", s->report.version);
		json_number(&t, "since", s->report.since);
		json_number(&t, "accepted", s->report.accepted);
		json_number(&t, "heard_ms", s->heard_ms);
		json_member(&t, "state", state_of(f, s));
		printf("%s}", object);
		first = false;
	}
	printf("]}\n");
}

static int
put_table(const struct fleet *f)
{
	struct table table;
	int rc = 0;

	table_init(&table, heads, COLUMNS);
	for (size_t i = 0; i < f->count && rc == 0; i++) {
		const struct fleet_server *s = &f->servers[i];
		char version[24], since[UTC_TEXT_MAX] = "?", let_in[24];
		char heard[32];
		const char *const cells[COLUMNS] = {
			s->name, version, since, let_in, heard, state_of(f, s),
		};

		if (!s->reports) {
			continue;
		}
		(void)utc_text(since, s->report.since);
		snprintf(version, sizeof version, "%" PRIu64,
			 s->report.version);
		snprintf(let_in, sizeof let_in, "%" PRIu64, s->report.accepted);
		snprintf(heard, sizeof heard, "%" PRIu64 " s ago",
			 s->heard_ms / 1000);
		rc = table_add(&table, cells);
	}
	if (rc == 0) {
		table_print(&table, isatty(STDOUT_FILENO));
	}
	table_free(&table);
	return rc;
}

static int
ask(struct engine *e, const struct share_conf *share, struct fleet *f,
    char *err)
{
	int rc = engine_open(e, share, err);

	rc = rc < 0 ? rc : fleet_stamp(e, &f->newest, &f->there, err);
	rc = rc < 0 ? rc : fleet_list(e, &f->servers, &f->count, err);
	engine_close(e);
	return rc;
}

int
access_fleet(const struct access_options *o)
{
	static struct engine engine;
	struct fleet f = { 0 };
	struct share_conf share;
	char err[CONF_ERROR_MAX];
	int status = access_engine(o, o->to, &share);
	bool all = true;

	if (status != TAP_OK) {
		return status;
	}
	if (ask(&engine, &share, &f, err) < 0) {
		fprintf(stderr, "tap acl status: %s: %s\n", share.engine, err);
		bytes_wipe(&share, sizeof share);
		return TAP_SYSTEM;
	}
	bytes_wipe(&share, sizeof share);
	for (size_t i = 0; i < f.count; i++) {
		all &= !f.servers[i].reports || is_current(&f, &f.servers[i]);
	}
	if (o->json) {
		put_json(&f);
	} else if (put_table(&f) < 0) {
		status = access_no_memory();
	}
	free(f.servers);
	return status != TAP_OK ? status : all ? TAP_OK : TAP_NO;
}
