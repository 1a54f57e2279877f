#include "firewall/iptables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firewall/run_tool.h"
#include "firewall/ruleset.h"
#include "firewall/ruleset_iptables.h"
#include "base/spawn.h"
#include "base/text.h"

#define SAVED_MAX (8u << 20) /* what an administrator may have */
#define STALE_MAX 8192u

static const char *const variants[FW_VARIANTS] = { "", "-nft", "-legacy" };

static const unsigned families[FW_FAMILIES] = { 4, 6 };

/* Those that this host has. */
static size_t
families_here(void)
{
	return access("/proc/net/if_inet6", F_OK) == 0 ? FW_FAMILIES : 1;
}

static void
tool_name(char out[40], unsigned family, unsigned variant, const char *verb)
{
	snprintf(out, 40, "%s%s-%s", family == 4 ? "iptables" : "ip6tables",
		 variants[variant], verb);
}

static int
run_restore(unsigned family, unsigned variant, const char *script, char *err)
{
	char name[40];
	const char *const argv[] = { name, "--noflush", "--wait=10", NULL };
	char errors[FW_ERROR_MAX] = "";
	int status;

	tool_name(name, family, variant, "restore");
	status = run_program(argv, script, NULL, 0, errors, sizeof errors);
	return status == 0 ? 0 : fw_run_fail(err, name, status, errors);
}

/*
 * All tables as iptables-save has them, until the next call; NULL where they
 * can't be asked for.  All, since asking for one by name makes it (legacy) or
 * feigns it (nft).  *by_nft: which of the two this variant is.
 */
static const char *
save_tables(unsigned family, unsigned variant, bool *by_nft)
{
	static char *saved; /* as leftover.c's */
	char name[40];
	const char *const argv[] = { name, NULL };

	tool_name(name, family, variant, "save");
	*by_nft = false;
	saved = saved ? saved : malloc(SAVED_MAX);
	if (!saved || fw_run_list(argv, saved, SAVED_MAX) != 0) {
		return NULL;
	}
	*by_nft = strstr(saved, "(nf_tables)") != NULL;
	return saved;
}

/* One of them, up to its COMMIT; "" where there is none, or no end of it. */
static const char *
table_of(const char *saved, const char *table)
{
	char head[32];
	const char *start;

	snprintf(head, sizeof head, "*%s\n", table);
	start = saved ? strstr(saved, head) : NULL;
	return start && strstr(start, "\nCOMMIT") ? start : "";
}

/* Whether a line is another one of the same table. */
static bool
is_line(const char *line)
{
	return *line && strncmp(line, "COMMIT", 6) != 0;
}

static const char *
next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

static bool
line_ends(const char *line, const char *end)
{
	size_t len = strcspn(line, "\n");
	size_t end_len = strlen(end);

	while (len > 0 && line[len - 1] == ' ') {
		len--;
	}
	return len >= end_len &&
		memcmp(line + len - end_len, end, end_len) == 0;
}

/* Who else has something in a table. */
enum others { NOBODY, OTHER_TAPS, STRANGERS };

/* A copy of a line, cut to fit: what is looked for stands in it whole. */
static void
copy_line(char *out, size_t size, const char *line)
{
	snprintf(out, size, "%.*s", (int)strcspn(line, "\n"), line);
}

static enum others
line_is_of(const char *line)
{
	char text[1024];

	copy_line(text, sizeof text, line);
	if (text[0] == ':' ? strstr(text, " ACCEPT [") != NULL
			   : text[0] != '-') {
		return NOBODY;
	}
	return strstr(text, "tap-server-") || strstr(text, "tap-client-")
		? OTHER_TAPS
		: STRANGERS;
}

/* What a saved table has of a side's rules at a hook. */
struct ours {
	char chain[2 * RULESET_NAME_MAX];
	bool found;
	enum others others;    /* who else is in the table */
	const char *table;     /* from its name on, or "" */
	char stale[STALE_MAX]; /* lines that undo the jumps to the chain */
};

static void
chain_name(char out[2 * RULESET_NAME_MAX], const struct fw *fw,
	   const struct ruleset_hook *hook)
{
	char name[RULESET_NAME_MAX];

	ruleset_name(name, fw->side, fw->queue);
	snprintf(out, 2 * RULESET_NAME_MAX, "%s%s", name, hook->suffix);
}

static void
find_in(struct ours *ours, const char *table)
{
	char jump[80], chain[80], rule[80];
	struct text stale = text_over(ours->stale, sizeof ours->stale);

	snprintf(jump, sizeof jump, " -j %s", ours->chain);
	snprintf(chain, sizeof chain, ":%s ", ours->chain);
	snprintf(rule, sizeof rule, "-A %s ", ours->chain);
	ours->found = false;
	ours->others = NOBODY;
	ours->table = table;
	for (const char *line = table; is_line(line); line = next_line(line)) {
		enum others of = line_is_of(line);

		if (strncmp(line, chain, strlen(chain)) == 0) {
			ours->found = true;
		} else if (strncmp(line, "-A ", 3) == 0 &&
			   line_ends(line, jump)) {
			text_put(&stale, "-D%.*s\n",
				 (int)strcspn(line + 2, "\n"), line + 2);
		} else if (strncmp(line, rule, strlen(rule)) != 0 &&
			   of > ours->others) {
			ours->others = of;
		}
	}
}

static void
find_ours(struct ours *ours, const struct fw *fw,
	  const struct ruleset_hook *hook, const char *saved)
{
	chain_name(ours->chain, fw, hook);
	find_in(ours, table_of(saved, hook->table));
}

/* A section that removes our chain and the jumps to it. */
static void
put_removal(struct text *t, const struct ruleset_hook *hook,
	    const struct ours *ours)
{
	text_put(t, "*%s\n%s-F %s\n-X %s\nCOMMIT\n", hook->table, ours->stale,
		 ours->chain, ours->chain);
}

static char *
iptables_script(struct fw *fw, const struct fw_plan *plan, size_t family)
{
	size_t count;
	const struct ruleset_hook *hooks = ruleset_hooks(fw->side, &count);
	struct text t;
	char *script = fw_run_begin(&t);
	bool by_nft;
	const char *saved = save_tables(families[family], fw->variant, &by_nft);

	for (size_t i = 0; script && i < count; i++) {
		struct ours ours;

		find_ours(&ours, fw, &hooks[i], saved);
		/* A table of nothing but chains of taps counts as ours. */
		fw->table_is_ours[family][i] = !ours.table[0] ||
			(ours.found && ours.others != STRANGERS) ||
			ours.others == OTHER_TAPS;
		if (ruleset_needs(plan, &hooks[i])) {
			ruleset_iptables(&t, plan, &hooks[i], families[family],
					 ours.stale);
		} else if (ours.found) {
			put_removal(&t, &hooks[i], &ours);
		}
	}
	return fw_run_whole(script, &t);
}

static void
delete_by_nft(unsigned family, const char *what, const char *table,
	      const char *chain)
{
	char script[128], ignored[FW_ERROR_MAX];

	snprintf(script, sizeof script, "delete %s %s %s %s\n", what,
		 family == 4 ? "ip" : "ip6", table, chain);
	fw_run_nft(script, false, ignored);
}

static bool
has_line(const char *saved, const char *head)
{
	for (const char *line = saved; is_line(line); line = next_line(line)) {
		if (strncmp(line, head, strlen(head)) == 0) {
			return true;
		}
	}
	return false;
}

/*
 * Of one command, while others may begin: nft takes a chain, or a table, with
 * what has just come into it; iptables leaves a chain that is not empty, and
 * who has made it again meanwhile has the table.
 */
static void
drop_if_unused(unsigned family, unsigned variant,
	       const struct ruleset_hook *hook, bool table_is_ours)
{
	const char *ip = family == 4 ? "ip" : "ip6";
	char script[128], ignored[FW_ERROR_MAX];

	snprintf(script, sizeof script, "*%s\n-X %s\nCOMMIT\n", hook->table,
		 hook->hook);
	if (run_restore(family, variant, script, ignored) == 0 &&
	    table_is_ours) {
		snprintf(script, sizeof script,
			 "create chain %s %s %s\ndelete table %s %s\n", ip,
			 hook->table, hook->hook, ip, hook->table);
		fw_run_nft(script, false, ignored);
	}
}

/*
 * What iptables-nft made for our rules, and nobody else has used, goes again:
 * a table that was not there before us; or the hook's chain, when it is empty
 * and lets all pass, as if it were not there.  A legacy table can't.
 */
static void
drop_unused(const struct fw *fw, unsigned family, unsigned variant,
	    const struct ruleset_hook *hook, bool table_is_ours)
{
	char head[64], rule[64];
	struct ours left;
	bool by_nft, is_empty, is_unused;

	find_ours(&left, fw, hook, save_tables(family, variant, &by_nft));
	snprintf(head, sizeof head, ":%s ACCEPT [", hook->hook);
	snprintf(rule, sizeof rule, "-A %s ", hook->hook);
	is_empty = by_nft && has_line(left.table, head) &&
		!has_line(left.table, rule);
	is_unused =
		by_nft && table_is_ours && !left.found && left.others == NOBODY;
	if (fw->is_brief) {
		if (is_empty) {
			drop_if_unused(family, variant, hook, is_unused);
		}
	} else if (is_unused) {
		delete_by_nft(family, "table", hook->table, "");
	} else if (is_empty && !table_is_ours) {
		delete_by_nft(family, "chain", hook->table, hook->hook);
	}
}

static int
remove_family(struct fw *fw, size_t family, unsigned variant, char *err)
{
	size_t count;
	const struct ruleset_hook *hooks = ruleset_hooks(fw->side, &count);
	int rc = 0;

	/*
	 * In reverse order: remove what hides before what keeps connections.
	 * One command's are in the first.
	 */
	for (size_t i = fw->is_brief ? 1 : count; i-- > 0;) {
		char script[STALE_MAX + 256];
		struct text t = text_over(script, sizeof script);
		struct ours ours;
		bool by_nft;

		find_ours(&ours, fw, &hooks[i],
			  save_tables(families[family], variant, &by_nft));
		if (!ours.found) {
			continue;
		}
		put_removal(&t, &hooks[i], &ours);
		if (run_restore(families[family], variant, script, err) < 0) {
			rc = -1;
		} else {
			drop_unused(fw, families[family], variant, &hooks[i],
				    fw->table_is_ours[family][i]);
		}
	}
	return rc;
}

static int
install_family(struct fw *fw, const struct fw_plan *plan, size_t family,
	       char *err)
{
	char *script = iptables_script(fw, plan, family);
	int rc;

	if (!script) {
		return fw_run_no_script(err, "iptables");
	}
	rc = run_restore(families[family], fw->variant, script, err);
	free(script);
	return rc;
}

/* A family that a plan may have nothing for. */
static bool
is_needed(const struct fw_plan *plan, unsigned family)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (ruleset_has_family(&plan->matches[i], family)) {
			return true;
		}
	}
	return false;
}

int
iptables_install(struct fw *fw, const struct fw_plan *plan, char *err)
{
	const size_t here = families_here();

	for (size_t family = 0; family < FW_FAMILIES && family < here;
	     family++) {
		fw->has_family[family] |= is_needed(plan, families[family]);
		if (fw->has_family[family] &&
		    fw_run_best(fw, plan, install_family, family, err) < 0) {
			return -1;
		}
	}
	return 0;
}

/*
 * A rule that lets nothing by: it drops, or marks, or tells of a packet.  But
 * where marks are what is looked at, none is to be changed before.
 */
static bool
is_harmless(const char *line, bool by_marks)
{
	static const char *const targets[] = {
		"MARK",  "CONNMARK", "DROP", "REJECT", "LOG",
		"NFLOG", "TRACE",    "TOS",  "CT",     "NOTRACK",
	};
	char text[1024], word[32];
	const char *at;

	copy_line(text, sizeof text, line);
	at = strstr(text, " -j ");
	for (size_t i = by_marks ? 2 : 0;
	     at && i < sizeof targets / sizeof targets[0]; i++) {
		snprintf(word, sizeof word, " -j %s", targets[i]);
		if (strncmp(at, word, strlen(word)) == 0 &&
		    strchr(" \n", at[strlen(word)])) {
			return true;
		}
	}
	return !at && !strstr(text, " -g ");
}

/*
 * What stands before our jump, but for other taps', and the jump itself.  A
 * client's rules protect nothing: what is before them is none of its business.
 */
static bool
put_hook_line(struct text *t, enum fw_side side, const char *line,
	      const char *jump, bool by_marks)
{
	const bool is_ours = line_ends(line, jump);

	if (is_ours ||
	    (side == FW_SERVER && line_is_of(line) == STRANGERS &&
	     !is_harmless(line, by_marks))) {
		text_put(t, "%.*s\n", (int)strcspn(line, "\n"), line);
	}
	return is_ours;
}

/* Whether the hook jumps to our chain. */
static bool
put_standing(struct text *t, enum fw_side side, const char *saved,
	     const struct ruleset_hook *hook, const char *chain)
{
	char jump[80], head[80], rule[80];
	bool jumped = false;

	snprintf(jump, sizeof jump, " -j %s", chain);
	snprintf(head, sizeof head, "-A %s ", hook->hook);
	snprintf(rule, sizeof rule, "-A %s ", chain);
	for (const char *line = saved; is_line(line); line = next_line(line)) {
		if (strncmp(line, rule, strlen(rule)) == 0) {
			text_put(t, "%.*s\n", (int)strcspn(line, "\n"), line);
		} else if (!jumped && strncmp(line, head, strlen(head)) == 0) {
			jumped =
				put_hook_line(t, side, line, jump,
					      ruleset_is(hook, RULESET_LABELS));
		}
	}
	return jumped;
}

static int
family_standing(struct fw *fw, const struct fw_plan *plan, size_t family,
		struct text *t)
{
	size_t count;
	const struct ruleset_hook *hooks = ruleset_hooks(fw->side, &count);
	bool by_nft;
	const char *saved = save_tables(families[family], fw->variant, &by_nft);
	int rc = 0;

	if (!saved) {
		return -1;
	}
	fw->is_legacy = !by_nft;
	for (size_t i = 0; i < count; i++) {
		char chain[2 * RULESET_NAME_MAX];

		if (ruleset_needs(plan, &hooks[i])) {
			chain_name(chain, fw, &hooks[i]);
			text_put(t, "*%s\n", hooks[i].table);
			rc |= !put_standing(t, fw->side,
					    table_of(saved, hooks[i].table),
					    &hooks[i], chain);
		}
	}
	return rc;
}

int
iptables_standing(struct fw *fw, const struct fw_plan *plan, struct text *t)
{
	struct fw_plan as = *plan;
	int rc = 0;

	as.unlabelled = fw->no_labels;
	as.untracked = plan->untracked && !fw->no_sockets;
	for (size_t family = 0; rc >= 0 && family < families_here(); family++) {
		const int found = fw->has_family[family]
			? family_standing(fw, &as, family, t)
			: 0;

		rc = found < 0 ? found : rc | found;
	}
	return rc;
}

bool
iptables_left(const struct fw *fw, unsigned variant)
{
	size_t count;
	const struct ruleset_hook *hooks = ruleset_hooks(fw->side, &count);

	for (size_t family = 0; family < FW_FAMILIES; family++) {
		bool by_nft;
		const char *saved =
			save_tables(families[family], variant, &by_nft);

		for (size_t i = 0; i < count; i++) {
			struct ours ours;

			find_ours(&ours, fw, &hooks[i], saved);
			if (ours.found) {
				return true;
			}
		}
	}
	return false;
}

int
iptables_remove(struct fw *fw, unsigned variant, char *err)
{
	int rc = 0;

	for (size_t family = 0; family < families_here(); family++) {
		if (fw->has_family[family] &&
		    remove_family(fw, family, variant, err) < 0) {
			rc = -1;
		}
	}
	return rc;
}
