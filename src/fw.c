#include "fw.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"
#include "ruleset.h"
#include "run.h"
#include "text.h"

#define TEXT_MAX (8u << 20)  /* 4096 rules, each in two tables and twice */
#define SAVED_MAX (8u << 20) /* what an administrator may have */
#define STALE_MAX 8192u

static const char *const variants[FW_VARIANTS] = { "", "-nft", "-legacy" };

static const unsigned families[FW_FAMILIES] = { 4, 6 };

const char *
fw_tool_name(enum fw_tool tool)
{
	switch (tool) {
	case FW_NFT:
		return "nft";
	case FW_IPTABLES:
		return "iptables";
	default:
		return "none";
	}
}

static bool
has_ipv6(void)
{
	return access("/proc/net/if_inet6", F_OK) == 0;
}

/* The first line of what a program complained of, for our one line. */
static int
fail(char *err, const char *program, int status, const char *errors)
{
	if (status == RUN_NOT_FOUND) {
		snprintf(err, FW_ERROR_MAX, "%s: not installed", program);
	} else if (status < 0) {
		snprintf(err, FW_ERROR_MAX, "%s: %s", program,
			 strerror(-status));
	} else if (strcspn(errors, "\n") == 0) {
		/* 128 and more: killed by that signal less 128. */
		snprintf(err, FW_ERROR_MAX, "%s: exit status %d", program,
			 status);
	} else {
		snprintf(err, FW_ERROR_MAX, "%s: %.*s", program,
			 (int)strcspn(errors, "\n"), errors);
	}
	return -1;
}

static int
run_nft(const char *script, bool check, char *err)
{
	const char *const argv[] = { "nft", check ? "-cf" : "-f", "-", NULL };
	char errors[FW_ERROR_MAX] = "";
	int status = run_program(argv, script, NULL, 0, errors,
				 sizeof errors);

	return status == 0 ? 0 : fail(err, "nft", status, errors);
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
	return status == 0 ? 0 : fail(err, name, status, errors);
}

/*
 * A table as iptables-save has it; "" where there is none.  All tables
 * are asked for, since asking for one by name makes it (legacy) or feigns
 * it (nft).  *by_nft: which of the two this variant is.
 */
static const char *
save_table(unsigned family, unsigned variant, const char *table, bool *by_nft)
{
	static char saved[SAVED_MAX];
	char name[40], head[32];
	const char *const argv[] = { name, NULL };
	char *start, *end;

	tool_name(name, family, variant, "save");
	*by_nft = false;
	if (run_program(argv, NULL, saved, sizeof saved, NULL, 0) != 0) {
		return "";
	}
	*by_nft = strstr(saved, "(nf_tables)") != NULL;
	snprintf(head, sizeof head, "*%s\n", table);
	start = strstr(saved, head);
	end = start ? strstr(start, "\nCOMMIT") : NULL;
	if (!end) {
		return "";
	}
	end[1] = '\0';
	return start;
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
	if (text[0] == ':' ? strstr(text, " ACCEPT [") != NULL :
			     text[0] != '-') {
		return NOBODY;
	}
	return strstr(text, "tap-server-") || strstr(text, "tap-client-") ?
		       OTHER_TAPS :
		       STRANGERS;
}

/*
 * What a saved table has of ours: lines that undo the jumps to our
 * chain, and whether the chain is there.  *others: who else is in it.
 */
static bool
find_ours(const char *saved, const char *name, struct text *stale,
	  enum others *others)
{
	char jump[80], chain[80], rule[80];
	bool found = false;

	snprintf(jump, sizeof jump, " -j %s", name);
	snprintf(chain, sizeof chain, ":%s ", name);
	snprintf(rule, sizeof rule, "-A %s ", name);
	*others = NOBODY;
	for (const char *line = saved; *line; line = next_line(line)) {
		enum others of = line_is_of(line);

		if (strncmp(line, chain, strlen(chain)) == 0) {
			found = true;
		} else if (strncmp(line, "-A ", 3) == 0 &&
			   line_ends(line, jump)) {
			text_put(stale, "-D%.*s\n",
				 (int)strcspn(line + 2, "\n"), line + 2);
		} else if (strncmp(line, rule, strlen(rule)) != 0 &&
			   of > *others) {
			*others = of;
		}
	}
	return found;
}

static void
chain_name(char out[2 * RULESET_NAME_MAX], const struct fw *fw,
	   const struct ruleset_hook *hook)
{
	char name[RULESET_NAME_MAX];

	ruleset_name(name, fw->side, fw->queue);
	snprintf(out, 2 * RULESET_NAME_MAX, "%s%s", name, hook->suffix);
}

/* A section that removes our chain and the jumps to it. */
static void
put_removal(struct text *t, const struct ruleset_hook *hook, const char *chain,
	    const char *stale)
{
	text_put(t, "*%s\n%s-F %s\n-X %s\nCOMMIT\n", hook->table, stale, chain,
		 chain);
}

static char *
iptables_script(struct fw *fw, const struct fw_plan *plan, size_t family)
{
	size_t count;
	const struct ruleset_hook *hooks = ruleset_hooks(fw->side, &count);
	char *script = malloc(TEXT_MAX);
	struct text t;

	if (!script) {
		return NULL;
	}
	t = text_over(script, TEXT_MAX);
	for (size_t i = 0; i < count; i++) {
		char chain[2 * RULESET_NAME_MAX], stale_lines[STALE_MAX];
		struct text stale = text_over(stale_lines, sizeof stale_lines);
		enum others others;
		bool left, by_nft;
		const char *saved = save_table(families[family], fw->variant,
					       hooks[i].table, &by_nft);

		chain_name(chain, fw, &hooks[i]);
		left = find_ours(saved, chain, &stale, &others);
		/* Another tap's table is of no use to it alone. */
		fw->table_is_ours[family][i] =
			saved[0] == '\0' || (left && others != STRANGERS) ||
			others == OTHER_TAPS;
		if (ruleset_needs(plan, &hooks[i])) {
			ruleset_iptables(&t, plan, &hooks[i], families[family],
					 stale_lines);
		} else if (left) {
			put_removal(&t, &hooks[i], chain, stale_lines);
		}
	}
	if (t.full) {
		free(script);
		return NULL;
	}
	return script;
}

static char *
nft_script(const struct fw_plan *plan)
{
	char *script = malloc(TEXT_MAX);
	struct text t;

	if (!script) {
		return NULL;
	}
	t = text_over(script, TEXT_MAX);
	ruleset_nft(&t, plan);
	if (t.full) {
		free(script);
		return NULL;
	}
	return script;
}

char *
fw_text(const struct fw_plan *plan, enum fw_tool tool, unsigned family)
{
	char *script;
	struct text t;
	size_t count;
	const struct ruleset_hook *hooks;

	if (tool == FW_NFT) {
		return nft_script(plan);
	}
	script = malloc(TEXT_MAX);
	if (!script) {
		return NULL;
	}
	t = text_over(script, TEXT_MAX);
	hooks = ruleset_hooks(plan->side, &count);
	for (size_t i = 0; i < count; i++) {
		if (ruleset_needs(plan, &hooks[i])) {
			ruleset_iptables(&t, plan, &hooks[i], family, "");
		}
	}
	return script;
}

/*
 * An iptables-nft table that was not there before us and that nobody
 * else has used goes again; a legacy table can't.
 */
static void
drop_table(unsigned family, unsigned variant, const char *table)
{
	char script[128];
	char err[FW_ERROR_MAX];
	struct text none = text_over(script, sizeof script);
	enum others others;
	bool by_nft;

	find_ours(save_table(family, variant, table, &by_nft), "-", &none,
		  &others);
	if (by_nft && others == NOBODY) {
		snprintf(script, sizeof script, "delete table %s %s\n",
			 family == 4 ? "ip" : "ip6", table);
		run_nft(script, false, err);
	}
}

static int
remove_iptables(struct fw *fw, size_t family, unsigned variant, char *err)
{
	size_t count;
	const struct ruleset_hook *hooks = ruleset_hooks(fw->side, &count);
	int rc = 0;

	/* The last first: what hides goes before what keeps. */
	for (size_t i = count; i-- > 0;) {
		char script[STALE_MAX + 256], lines[STALE_MAX];
		char chain[2 * RULESET_NAME_MAX];
		struct text t = text_over(script, sizeof script);
		struct text stale = text_over(lines, sizeof lines);
		enum others others;
		bool by_nft;

		chain_name(chain, fw, &hooks[i]);
		if (!find_ours(save_table(families[family], variant,
					  hooks[i].table, &by_nft),
			       chain, &stale, &others)) {
			continue;
		}
		put_removal(&t, &hooks[i], chain, lines);
		if (run_restore(families[family], variant, script, err) < 0) {
			rc = -1;
		} else if (fw->table_is_ours[family][i]) {
			drop_table(families[family], variant, hooks[i].table);
		}
	}
	return rc;
}

static int
remove_nft(enum fw_side side, uint16_t queue, char *err)
{
	char script[128], name[RULESET_NAME_MAX];

	ruleset_name(name, side, queue);
	snprintf(script, sizeof script,
		 "add table inet %s\ndelete table inet %s\n", name, name);
	return run_nft(script, false, err);
}

static int
install_iptables(struct fw *fw, const struct fw_plan *plan, char *err)
{
	for (size_t family = 0; family < FW_FAMILIES; family++) {
		char *script;
		int rc;

		if (families[family] == 6 && !has_ipv6()) {
			continue;
		}
		script = iptables_script(fw, plan, family);
		if (!script) {
			snprintf(err, FW_ERROR_MAX, "iptables: out of memory");
			return -1;
		}
		rc = run_restore(families[family], fw->variant, script, err);
		free(script);
		if (rc < 0) {
			return -1;
		}
	}
	return 0;
}

static int
try_iptables(struct fw *fw, const struct fw_plan *plan, char *err)
{
	char ignored[FW_ERROR_MAX];
	char *report = err;

	fw->tool = FW_IPTABLES;
	for (fw->variant = 0; fw->variant < FW_VARIANTS; fw->variant++) {
		if (install_iptables(fw, plan, report) == 0) {
			return 0;
		}
		for (size_t family = 0; family < FW_FAMILIES; family++) {
			remove_iptables(fw, family, fw->variant, ignored);
		}
		/* What the machine's own iptables said is worth telling. */
		report = ignored;
	}
	return -1;
}

static int
try_nft(struct fw *fw, const struct fw_plan *plan, char *err)
{
	char *script = nft_script(plan);
	int rc;

	fw->tool = FW_NFT;
	if (!script) {
		snprintf(err, FW_ERROR_MAX, "nft: out of memory");
		return -1;
	}
	rc = run_nft(script, false, err);
	free(script);
	return rc;
}

/* What another tool left under our name, once ours stand. */
static void
remove_others(struct fw *fw)
{
	char ignored[FW_ERROR_MAX];

	if (fw->tool != FW_NFT) {
		remove_nft(fw->side, fw->queue, ignored);
	}
	for (unsigned variant = 0; variant < FW_VARIANTS; variant++) {
		struct fw other = { .side = fw->side, .queue = fw->queue };

		if (fw->tool == FW_IPTABLES &&
		    (variant == fw->variant || variant == 0 ||
		     fw->variant == 0)) {
			continue;
		}
		for (size_t family = 0; family < FW_FAMILIES; family++) {
			remove_iptables(&other, family, variant, ignored);
		}
	}
}

static bool
has_bridged(const struct fw_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->matches[i].place == FW_BRIDGED) {
			return true;
		}
	}
	return false;
}

int
fw_install(struct fw *fw, const struct fw_plan *plan, enum fw_tool wanted,
	   char *err)
{
	char why[FW_ERROR_MAX / 2] = "";
	char reason[FW_ERROR_MAX];

	*fw = (struct fw){ .side = plan->side, .queue = plan->queue };
	if (has_bridged(plan)) {
		/* nft's rules for bridged packets know no bridge's ports. */
		if (wanted == FW_NFT) {
			snprintf(err, FW_ERROR_MAX, "type=BRIDGE needs "
						    "firewall=iptables");
			return -1;
		}
		wanted = FW_IPTABLES;
	}
	if (wanted != FW_IPTABLES) {
		if (try_nft(fw, plan, reason) == 0) {
			remove_others(fw);
			return 0;
		}
		snprintf(why, sizeof why, "%.200s", reason);
	}
	if (wanted != FW_NFT) {
		if (try_iptables(fw, plan, reason) == 0) {
			remove_others(fw);
			return 0;
		}
		snprintf(err, FW_ERROR_MAX, "no firewall rules: %s%s%.200s",
			 why, why[0] ? "; " : "", reason);
		fw->tool = FW_NONE;
		return -1;
	}
	snprintf(err, FW_ERROR_MAX, "no firewall rules: %s", why);
	fw->tool = FW_NONE;
	return -1;
}

static int
install_again(struct fw *fw, const struct fw_plan *plan, char *err)
{
	struct fw before = *fw;
	int rc = fw->tool == FW_NFT ? try_nft(fw, plan, err) :
				      install_iptables(fw, plan, err);

	/* Whose the tables are was known the first time. */
	memcpy(fw->table_is_ours, before.table_is_ours,
	       sizeof fw->table_is_ours);
	return rc;
}

int
fw_replace(struct fw *fw, const struct fw_plan *old,
	   const struct fw_plan *plan, char *err)
{
	char ignored[FW_ERROR_MAX];

	if (fw->tool == FW_NONE) {
		return 0;
	}
	if (fw->tool == FW_NFT && has_bridged(plan)) {
		snprintf(err, FW_ERROR_MAX, "type=BRIDGE needs "
					    "firewall=iptables");
		return -1;
	}
	if (install_again(fw, plan, err) == 0) {
		return 0;
	}
	/* Of two families one may have changed already. */
	install_again(fw, old, ignored);
	return -1;
}

static bool
iptables_stands(struct fw *fw, const struct fw_plan *plan, size_t family)
{
	size_t count;
	const struct ruleset_hook *hooks = ruleset_hooks(fw->side, &count);

	for (size_t i = 0; i < count; i++) {
		char chain[2 * RULESET_NAME_MAX], lines[STALE_MAX];
		struct text jumps = text_over(lines, sizeof lines);
		enum others others;
		bool by_nft;

		chain_name(chain, fw, &hooks[i]);
		if (ruleset_needs(plan, &hooks[i]) &&
		    (!find_ours(save_table(families[family], fw->variant,
					   hooks[i].table, &by_nft),
				chain, &jumps, &others) ||
		     jumps.len == 0)) {
			return false;
		}
	}
	return true;
}

bool
fw_stands(struct fw *fw, const struct fw_plan *plan)
{
	char name[RULESET_NAME_MAX];
	const char *const argv[] = { "nft", "list", "table", "inet", name,
				     NULL };

	ruleset_name(name, fw->side, fw->queue);
	if (fw->tool == FW_NFT) {
		return run_program(argv, NULL, NULL, 0, NULL, 0) == 0;
	}
	for (size_t family = 0; fw->tool == FW_IPTABLES &&
				family < FW_FAMILIES; family++) {
		if ((families[family] == 4 || has_ipv6()) &&
		    !iptables_stands(fw, plan, family)) {
			return false;
		}
	}
	return true;
}

int
fw_watch(void)
{
	struct netlink nl;
	int group = NFNLGRP_NFTABLES;
	int rc = netlink_open(&nl, NETLINK_NETFILTER);

	if (rc == 0 && setsockopt(nl.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
				  &group, sizeof group) < 0) {
		rc = -errno;
		netlink_close(&nl);
	}
	return rc < 0 ? rc : nl.fd;
}

bool
fw_changed(int fd)
{
	uint8_t ignored[4096];
	bool changed = false;

	while (recv(fd, ignored, sizeof ignored, MSG_DONTWAIT) >= 0 ||
	       errno == ENOBUFS) {
		changed = true;
	}
	return changed;
}

int
fw_remove(struct fw *fw, char *err)
{
	int rc = 0;

	if (fw->tool == FW_NFT) {
		return remove_nft(fw->side, fw->queue, err);
	}
	for (size_t family = 0; fw->tool == FW_IPTABLES &&
				family < FW_FAMILIES; family++) {
		if (families[family] == 6 && !has_ipv6()) {
			continue;
		}
		if (remove_iptables(fw, family, fw->variant, err) < 0) {
			rc = -1;
		}
	}
	return rc;
}

enum fw_tool
fw_probe(const struct fw_plan *plan)
{
	char ignored[FW_ERROR_MAX];
	char *script = has_bridged(plan) ? NULL : nft_script(plan);
	int rc = script ? run_nft(script, true, ignored) : -1;

	free(script);
	return rc == 0 ? FW_NFT : FW_IPTABLES;
}
