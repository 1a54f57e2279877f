#include "firewall/firewall.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/log.h"
#include "firewall/run_tool.h"
#include "firewall/iptables.h"
#include "os/netlink.h"
#include "firewall/ruleset.h"
#include "firewall/ruleset_iptables.h"
#include "firewall/ruleset_nft.h"
#include "base/siphash.h"
#include "base/text.h"

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

char *
fw_text(const struct fw_plan *plan, enum fw_tool tool, unsigned family)
{
	struct text t;
	char *script = fw_run_begin(&t);
	size_t count;
	const struct ruleset_hook *hooks = ruleset_hooks(plan->side, &count);

	if (script && tool == FW_NFT) {
		ruleset_nft(&t, plan);
	}
	for (size_t i = 0; script && tool != FW_NFT && i < count; i++) {
		if (ruleset_needs(plan, &hooks[i])) {
			ruleset_iptables(&t, plan, &hooks[i], family, "");
		}
	}
	return fw_run_whole(script, &t);
}

static int
remove_nft(enum fw_side side, uint16_t queue, char *err)
{
	char script[128], name[RULESET_NAME_MAX];

	ruleset_name(name, side, queue);
	snprintf(script, sizeof script,
		 "add table inet %s\ndelete table inet %s\n", name, name);
	return fw_run_nft(script, false, err);
}

static int
try_iptables(struct fw *fw, const struct fw_plan *plan, char *err)
{
	char ignored[FW_ERROR_MAX];
	char *report = err;

	fw->tool = FW_IPTABLES;
	for (fw->variant = 0; fw->variant < FW_VARIANTS; fw->variant++) {
		const bool left =
			!fw->is_brief && iptables_left(fw, fw->variant);

		if (iptables_install(fw, plan, report) == 0) {
			return 0;
		}
		/*
		 * Rules that an earlier tap left keep hiding until ours have
		 * replaced them.
		 */
		if (left) {
			return -1;
		}
		iptables_remove(fw, fw->variant, ignored);
		/* Report what the machine's own iptables said. */
		report = ignored;
	}
	return -1;
}

static int
run_nft(const struct fw_plan *plan, bool check, char *err)
{
	char *script = fw_text(plan, FW_NFT, 0);
	int rc;

	if (!script) {
		return fw_run_no_script(err, "nft");
	}
	rc = fw_run_nft(script, check, err);
	free(script);
	return rc;
}

static int
install_nft(struct fw *fw, const struct fw_plan *plan, size_t family, char *err)
{
	(void)fw;
	(void)family;
	return run_nft(plan, false, err);
}

static int
try_nft(struct fw *fw, const struct fw_plan *plan, char *err)
{
	fw->tool = FW_NFT;
	return fw_run_best(fw, plan, install_nft, 0, err);
}

/* After ours are installed: remove rules of ours by another tool. */
static void
remove_others(struct fw *fw)
{
	char ignored[FW_ERROR_MAX];

	if (fw->tool != FW_NFT) {
		remove_nft(fw->side, fw->queue, ignored);
	}
	for (unsigned variant = 0; variant < FW_VARIANTS; variant++) {
		struct fw other = { .side = fw->side,
				    .queue = fw->queue,
				    .has_family = { true, true } };

		if (fw->tool == FW_IPTABLES &&
		    (variant == fw->variant || variant == 0 ||
		     fw->variant == 0)) {
			continue;
		}
		iptables_remove(&other, variant, ignored);
	}
}

static int
nft_standing(const struct fw *fw, char *text, size_t size)
{
	static const char *const any[] = { "nft", "list", "tables", NULL };
	char name[RULESET_NAME_MAX];
	const char *const argv[] = { "nft",  "-s", "list", "table",
				     "inet", name, NULL };

	ruleset_name(name, fw->side, fw->queue);
	if (fw_run_list(argv, text, size) != 0) {
		/* Not installed, or it fails. */
		text[0] = '\0';
		return fw_run_list(any, NULL, 0) == 0 ? 1 : -1;
	}
	return 0;
}

/* A hash of the installed rules. 0, or 1 where some are gone, or -1. */
static int
standing(struct fw *fw, const struct fw_plan *plan, uint64_t *sum)
{
	static const struct hash_key key;
	char *text = malloc(FW_TEXT_MAX);
	struct text t;
	int rc;

	if (!text) {
		return -1;
	}
	t = text_over(text, FW_TEXT_MAX);
	rc = fw->tool == FW_NFT ? nft_standing(fw, text, FW_TEXT_MAX)
				: iptables_standing(fw, plan, &t);
	*sum = hash_bytes(&key, text, strlen(text));
	free(text);
	return rc;
}

#define INSTALLS_MAX 3

/*
 * Note the hash of rules that were just installed.  Another tap that ends may
 * have taken them with a table that it saw nobody in: once more, then.
 */
static void
note_standing(struct fw *fw, const struct fw_plan *plan)
{
	char ignored[FW_ERROR_MAX];
	int rc = standing(fw, plan, &fw->sum);

	for (int n = 1; rc > 0 && n < INSTALLS_MAX; n++) {
		(void)(fw->tool == FW_NFT
			       ? try_nft(fw, plan, ignored)
			       : iptables_install(fw, plan, ignored));
		rc = standing(fw, plan, &fw->sum);
	}
	fw->is_known = rc == 0;
}

static void
note_installed(struct fw *fw, const struct fw_plan *plan)
{
	note_standing(fw, plan);
	if (fw->no_sockets) {
		log_say(LOG_LEVEL_WARNING,
			"%s cannot match sockets here: untracked packets go to "
			"the queue",
			fw_tool_name(fw->tool));
	}
	if (fw->no_labels) {
		log_say(LOG_LEVEL_WARNING,
			"%s cannot label connections here: where other rules "
			"change marks, key holders reach the decoy, too, and "
			"only the raw table hides published ports",
			fw_tool_name(fw->tool));
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

/* Whether it gets to see bridged packets; below 0: the kernel has no way. */
static int
sees_bridged(const char *name)
{
	char path[80];
	FILE *file;
	int value;

	snprintf(path, sizeof path, "/proc/sys/net/bridge/bridge-nf-call-%s",
		 name);
	file = fopen(path, "re");
	if (!file) {
		return -1;
	}
	if (fscanf(file, "%d", &value) != 1) {
		value = 0;
	}
	fclose(file);
	return value != 0;
}

bool
fw_sees_bridged(void)
{
	return sees_bridged("iptables") > 0 || sees_bridged("ip6tables") > 0;
}

/* Whether iptables gets to see a family's packets on a bridge. */
static int
check_bridge_calls(unsigned family, char *err)
{
	const char *name = family == 4 ? "iptables" : "ip6tables";
	const int sees = sees_bridged(name);

	if (sees < 0) {
		return why_set(
			err, -1,
			"type=BRIDGE: no rule sees bridged packets; 'modprobe "
			"br_netfilter' first");
	}
	if (sees == 0) {
		return why_set(
			err, -1,
			"type=BRIDGE: no rule sees bridged packets; 'sysctl "
			"net.bridge.bridge-nf-call-%s=1' first",
			name);
	}
	return 0;
}

/* What bridged packets need, of a plan that has any. */
static int
check_bridged(const struct fw_plan *plan, enum fw_tool tool, char *err)
{
	/* nft's rules for bridged packets know no bridge's ports. */
	if (tool == FW_NFT) {
		return why_set(err, -1,
			       "type=BRIDGE needs "
			       "firewall=iptables");
	}
	for (size_t i = 0; i < plan->count; i++) {
		const struct fw_match *m = &plan->matches[i];

		if (m->place != FW_BRIDGED) {
			continue;
		}
		if ((ruleset_has_family(m, 4) &&
		     check_bridge_calls(4, err) < 0) ||
		    (ruleset_has_family(m, 6) &&
		     check_bridge_calls(6, err) < 0)) {
			return -1;
		}
	}
	return 0;
}

int
fw_install(struct fw *fw, const struct fw_plan *plan, enum fw_tool wanted,
	   char *err)
{
	char why[WHY_MAX] = "", reason[WHY_MAX] = "";

	*fw = (struct fw){
		.side = plan->side,
		.queue = plan->queue,
		.is_brief = plan->cgroup || plan->user,
	};
	fw->has_family[0] = fw->has_family[1] = !fw->is_brief;
	if (has_bridged(plan)) {
		if (check_bridged(plan, wanted, err) < 0) {
			return -1;
		}
		wanted = FW_IPTABLES;
	}
	if ((wanted != FW_IPTABLES && try_nft(fw, plan, why) == 0) ||
	    (wanted != FW_NFT && try_iptables(fw, plan, reason) == 0)) {
		if (!fw->is_brief) {
			remove_others(fw);
		}
		note_installed(fw, plan);
		return 0;
	}
	fw->tool = FW_NONE;
	return why_set(err, -1, "no firewall rules: %.200s%s%.200s", why,
		       why[0] && reason[0] ? "; " : "", reason);
}

/*
 * After a restore, compare with the first hash: if another program removes the
 * rules again at once, that must not become the new reference.
 */
static int
install_again(struct fw *fw, const struct fw_plan *plan, bool is_new, char *err)
{
	struct fw before = *fw;
	int rc = fw->tool == FW_NFT ? try_nft(fw, plan, err)
				    : iptables_install(fw, plan, err);

	/* Keep the owners noted at the first time. */
	for (size_t i = 0; i < FW_FAMILIES; i++) {
		if (before.has_family[i]) {
			memcpy(fw->table_is_ours[i], before.table_is_ours[i],
			       sizeof fw->table_is_ours[i]);
		}
	}
	if (rc == 0 && is_new) {
		note_standing(fw, plan);
	}
	return rc;
}

int
fw_replace(struct fw *fw, const struct fw_plan *old, const struct fw_plan *plan,
	   char *err)
{
	char ignored[FW_ERROR_MAX];

	if (fw->tool == FW_NONE) {
		return 0;
	}
	if (has_bridged(plan) && check_bridged(plan, fw->tool, err) < 0) {
		return -1;
	}
	if (install_again(fw, plan, plan != old, err) == 0) {
		return 0;
	}
	/* One of the two families may have changed already. */
	install_again(fw, old, false, ignored);
	return -1;
}

int
fw_stands(struct fw *fw, const struct fw_plan *plan)
{
	uint64_t sum;
	const int rc = fw->tool == FW_NONE ? 0 : standing(fw, plan, &sum);

	if (rc < 0) {
		return -1;
	}
	return fw->tool == FW_NONE || (fw->is_known ? sum == fw->sum : rc == 0);
}

int
fw_watch(void)
{
	struct netlink nl;
	const int group = NFNLGRP_NFTABLES;
	int rc = netlink_watch(&nl, NETLINK_NETFILTER, &group, 1);

	return rc < 0 ? rc : nl.fd;
}

bool
fw_changed(int fd)
{
	return netlink_drain(fd);
}

int
fw_remove(struct fw *fw, char *err)
{
	switch (fw->tool) {
	case FW_NFT:
		return remove_nft(fw->side, fw->queue, err);
	case FW_IPTABLES:
		return iptables_remove(fw, fw->variant, err);
	default:
		return 0;
	}
}

enum fw_tool
fw_probe(const struct fw_plan *plan)
{
	char ignored[FW_ERROR_MAX];
	struct fw_plan as = *plan;
	int rc = has_bridged(plan) ? -1 : run_nft(plan, true, ignored);

	if (rc == -1 && plan->by_socket && !has_bridged(plan)) {
		as.by_socket = false;
		rc = run_nft(&as, true, ignored);
	}
	return rc == 0 ? FW_NFT : FW_IPTABLES;
}
