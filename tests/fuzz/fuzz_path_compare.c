/* SPDX-License-Identifier: ISC */
/*
 * A plan and packets that somebody says to have captured, of any link
 * type: a report comes of it, whole, and no number contradicts another.
 * The input: a link type, its round, then packets, each with a length.
 */
#include "fuzz.h"

#include <string.h>

#include "base/bytes.h"
#include "os/linktype.h"
#include "probe_path/filter.h"
#include "probe_path/verdict.h"
#include "probe_path/report.h"
#include "probe_path/wording.h"

static struct trial_probe probes[2][TRIAL_PROBES_MAX];
static struct trial_packet seen[512], heard[512];

static void
make_plan(struct trial *t, bool v4)
{
	static struct mac_key key;
	const uint16_t sports[FRAME_MAX] = { 2001, 2002, 2003 };
	const struct trial_group group = { .key = &key,
					   .mark = 0x1111,
					   .sports = sports };

	t->probes = probes[v4];
	mac_key_init(&key, MAC_HMAC_SHA256, 0,
		     (const uint8_t *)"sixteen bytes...", 16, NULL, 0);
	t->near = (struct packet_addr){ v4 ? 4 : 6, { 10, 0, 0, 1 } };
	t->far = (struct packet_addr){ v4 ? 4 : 6, { 10, 0, 0, 2 } };
	t->port = 8270;
	t->rounds = 1;
	for (enum field f = 0; f < FIELDS; f++) {
		struct trial_numbers n = { .seq = 0x1000u + f,
					   .tsval = 0x2000u + f,
					   .id = (uint16_t)(1 + f),
					   .value = 0x5a5a5a5a5a5a5a5a,
					   .sport = (uint16_t)(1000 + f) };

		CHECK(trial_add_field(t, f, 0, &n));
	}
	CHECK(trial_add_group(t, 0, &(struct trial_numbers){ .sport = 2000 },
			      &group));
}

/* Made once: to make it takes longer than all that is done with it. */
static struct trial
plan(bool v4)
{
	static struct trial made[2];

	if (made[v4].count == 0) {
		make_plan(&made[v4], v4);
	}
	return made[v4];
}

static void
check_path(const struct path *path, const struct trial *t)
{
	CHECK(path->arrived <= path->sent && path->sent == t->count);
	CHECK(path->source_count <= PATH_SOURCES_MAX);
	for (enum field f = 0; f < FIELDS; f++) {
		const struct path_field *p = &path->fields[f];

		CHECK(p->arrived <= p->sent);
		CHECK(p->changed + p->removed <= p->arrived);
		CHECK(p->usable <= field_kind(f)->bits);
		CHECK((p->state == PATH_LOST) == (p->arrived == 0));
	}
	for (size_t i = 0; i < TRIAL_GROUPS; i++) {
		const struct path_group *g = &path->groups[i];

		CHECK(g->whole <= g->sent && g->late <= g->whole);
		CHECK(g->ordered <= g->whole);
		CHECK(g->frames_arrived <= g->frames_sent);
	}
}

static void
report(const struct path *path, const struct trial *t, enum report_form form)
{
	static const struct path_trail trail;
	struct path_result r = { .address = "10.0.0.2",
				 .trial = t,
				 .path = path,
				 .trail = &trail,
				 .trouble = "" };
	FILE *out = fopen("/dev/null", "w");

	CHECK(out != NULL);
	path_report_write(out, form, &r);
	fclose(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct path_filter filter;
	static struct path_room room;
	struct cursor c = cursor_over(data, size);
	int type = cursor_u16(&c);
	struct trial t = plan(type % 2 == 0);
	struct path path;

	t.seen = (struct trial_packets){ .at = seen, .room = 512 };
	t.heard = (struct trial_packets){ .at = heard, .room = 512 };
	t.has_seen = true;
	memset(&filter, 0, sizeof filter);
	while (cursor_left(&c) > 0) {
		size_t len = cursor_u8(&c);
		const uint8_t *frame;
		struct field_values v;
		ptrdiff_t skip;

		len = len < cursor_left(&c) ? len : cursor_left(&c);
		frame = cursor_bytes(&c, len);
		if (!frame) {
			break;
		}
		skip = linktype_known(type) ? linktype_ip(type, frame, len)
					    : linktype_search(frame, len);
		CHECK(skip <= (ptrdiff_t)len);
		if (skip < 0 ||
		    field_read(&v, frame + skip, len - (size_t)skip) < 0) {
			continue;
		}
		if (path_filter_wants(&filter, &t, NULL, &v) !=
		    PATH_FILTER_NOTHING) {
			trial_note(&t.seen, len, false, frame + skip,
				   len - (size_t)skip);
		} else {
			trial_note(&t.heard, len, false, frame + skip,
				   len - (size_t)skip);
		}
	}
	path_judge(&path, &t, &room);
	check_path(&path, &t);
	report(&path, &t, (enum report_form)(size % (REPORT_JSON + 1)));
	return 0;
}
