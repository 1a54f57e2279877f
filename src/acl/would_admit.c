#include "acl/would_admit.h"

#include <stdarg.h>
#include <stdio.h>

#include "os/clock.h"
#include "base/json.h"
#include "tap.h"

/* The answer, and the line of a file that it rests on. */
struct answer {
	bool yes;
	const char *reason; /* a word, as the server's log has it */
	const char *file;
	unsigned line; /* 0: the file as a whole */
	char message[512];
};

static void answer(struct answer *a, bool yes, const char *reason,
		   const char *file, unsigned line, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

static void
answer(struct answer *a, bool yes, const char *reason, const char *file,
       unsigned line, const char *format, ...)
{
	va_list args;

	a->yes = yes;
	a->reason = reason;
	a->file = file;
	a->line = line;
	va_start(args, format);
	vsnprintf(a->message, sizeof a->message, format, args);
	va_end(args);
}

/* The first rule for the port, and for the source where one is given. */
static const struct acl_rule *
rule_for(const struct acl *acl, const struct access_options *o)
{
	for (size_t i = 0; i < acl->rules_count; i++) {
		const struct acl_rule *rule = &acl->rules[i];
		uint8_t to = rule->dst.addr.family;

		if (!acl_ports_have(rule->ports, rule->ports_count,
				    o->ports[0].low)) {
			continue;
		}
		if (!o->has_src ||
		    (acl_net_has(&rule->src, &o->src.addr) &&
		     (to == 0 || to == o->src.addr.family))) {
			return rule;
		}
	}
	return NULL;
}

static const struct acl_entry *
entry_for(const struct acl *acl, uint16_t port)
{
	uint16_t at = acl->entry_at[port];

	return at ? &acl->entries[at - 1] : NULL;
}

static void
test_key(struct answer *a, const struct acl *acl,
	 const struct access_options *o, const struct access_paths *paths,
	 const struct acl_rule *rule)
{
	uint16_t no = o->keys[0].low;
	const struct acl_key *key = acl_key_by_no(acl, no);
	const struct acl_entry *entry = entry_for(acl, o->ports[0].low);
	char when[VALUE_TIME_MAX];

	if (!key) {
		answer(a, false, "key", paths->keys, 0, "no key %u", no);
	} else if (o->at < key->not_before) {
		value_time_text(when, key->not_before);
		answer(a, false, "key", access_file(key->file, paths->keys),
		       key->line, "key %u%s: begins at %s (not_before)", no,
		       access_name(key), when);
	} else if (o->at >= key->not_after) {
		value_time_text(when, key->not_after);
		answer(a, false, "key", access_file(key->file, paths->keys),
		       key->line, "key %u%s: ended at %s (not_after)", no,
		       access_name(key), when);
	} else if (!entry) {
		answer(a, false, "acl", paths->acl, 0,
		       "port %u: no line for it", o->ports[0].low);
	} else if (!acl_allows(acl, o->ports[0].low, no)) {
		answer(a, false, "acl", access_file(entry->file, paths->acl),
		       entry->line, "port %u: not for key %u%s",
		       o->ports[0].low, no, access_name(key));
	} else {
		answer(a, true, "accepted",
		       access_file(entry->file, paths->acl), entry->line,
		       "port %u: key %u%s gets in (%s:%u, %s:%u)",
		       o->ports[0].low, no, access_name(key),
		       access_file(rule->file, paths->rules), rule->line,
		       access_file(key->file, paths->keys), key->line);
	}
}

static void
print(const struct answer *a, bool json)
{
	char object[4096];
	struct text t = text_over(object, sizeof object);

	if (!json) {
		printf("%s: %s", a->yes ? "yes" : "no", a->file);
		if (a->line > 0) {
			printf(":%u", a->line);
		}
		printf(": %s\n", a->message);
		return;
	}
	text_put(&t, "{");
	json_bool(&t, "allowed", a->yes);
	json_member(&t, "reason", a->reason);
	json_member(&t, "file", a->file);
	if (a->line) {
		json_number(&t, "line", a->line);
	} else {
		json_member(&t, "line", NULL);
	}
	json_member(&t, "message", a->message);
	printf("%s}\n", object);
}

int
access_test(const struct access_options *o)
{
	struct access_paths paths = access_paths(o);
	const struct acl_rule *rule;
	struct server_conf *conf;
	struct answer a;
	int status = access_load(o, &conf);

	if (status != TAP_OK) {
		return status;
	}
	rule = rule_for(&conf->acl, o);
	if (rule) {
		test_key(&a, &conf->acl, o, &paths, rule);
	} else {
		answer(&a, true, "unprotected", paths.rules, 0,
		       "port %u: no rule protects it%s: open to everyone",
		       o->ports[0].low, o->has_src ? " from there" : "");
	}
	print(&a, o->json);
	server_conf_free(conf);
	return a.yes ? TAP_OK : TAP_NO;
}
