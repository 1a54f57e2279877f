#include "keygen/rotate.h"

#include <stdio.h>
#include <string.h>

#include "conf/value.h"
#include "tap.h"

/* Take from the old key what is not given for its successor. */
static void
inherit(const struct keygen_options *o, const struct key_spec *old,
	struct key_spec *spec)
{
	if (!o->has_alg) {
		spec->suite = old->suite;
		if (!o->has_auth) {
			spec->auth = old->auth;
		}
		if (!o->bytes) {
			spec->secret_len = old->secret_len;
		}
	}
	if (!o->has_realm && suites[spec->suite].binds_service) {
		memcpy(spec->realm, old->realm, sizeof old->realm);
		spec->realm_len = old->realm_len;
	}
	if (!o->has_name) {
		memcpy(spec->name, old->name, sizeof old->name);
	}
}

/*
 * As long as the old key was valid, so is its successor.  How long that was
 * can be told only where its line says since when.
 */
static void
inherit_end(const struct keygen_options *o, const struct key_spec *old,
	    struct key_spec *spec)
{
	if (!o->has_after && !o->valid && old->not_after != UINT64_MAX &&
	    old->not_before > 0) {
		spec->not_after =
			spec->not_before + (old->not_after - old->not_before);
		return;
	}
}

/* The old key ends after its successor began: there is always a valid one. */
int
keygen_rotate(const struct keygen_options *o, const struct key_edit *edit,
	      const char *path, struct key_spec *spec, uint64_t *old_end)
{
	const struct key_spec *old = &edit->old;
	char when[VALUE_TIME_MAX];

	if (edit->included[o->rotate]) {
		fprintf(stderr,
			"%s: key %ld stands in %s:%u: --append that file "
			"rotates it\n",
			path, o->rotate, edit->included[o->rotate],
			edit->line[o->rotate]);
		return TAP_NO;
	}
	if (!edit->has_old) {
		fprintf(stderr, "%s: no key %ld\n", path, o->rotate);
		return TAP_NO;
	}
	inherit(o, old, spec);
	value_time_text(when, old->not_after);
	if (old->not_after < spec->not_before) {
		fprintf(stderr,
			"%s:%u: key %ld ends at %s, before its "
			"successor begins\n",
			path, edit->line[o->rotate], o->rotate, when);
		return TAP_NO;
	}
	*old_end = spec->not_before + o->overlap;
	if (*old_end > old->not_after) {
		*old_end = old->not_after;
	}
	value_time_text(when, old->not_before);
	if (old->not_before >= *old_end) {
		fprintf(stderr, "%s:%u: key %ld begins only at %s\n", path,
			edit->line[o->rotate], o->rotate, when);
		return TAP_NO;
	}
	inherit_end(o, old, spec);
	return TAP_OK;
}

void
keygen_rotate_warn(const struct keygen_options *o, const struct key_edit *edit,
		   const char *path, const struct key_spec *spec)
{
	char when[VALUE_TIME_MAX];

	if (edit->old.not_after == UINT64_MAX ||
	    spec->not_after != UINT64_MAX) {
		return;
	}
	value_time_text(when, edit->old.not_after);
	fprintf(stderr,
		"%s:%u: warning: key %ld was to end at %s, but its line has no "
		"not_before: its successor has no end; --valid SPAN gives it "
		"one\n",
		path, edit->line[o->rotate], o->rotate, when);
}
