#include "firewall/leftover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "firewall/ruleset.h"
#include "firewall/run_tool.h"
#include "base/spawn.h"
#include "daemon/log.h"
#include "base/text.h"

#define SAVED_MAX (8u << 20) /* what an administrator may have */
#define SCRIPT_MAX 65536u
#define TELL_MAX 160u
#define NAME_SHOWN 40u /* of a table or a chain; their own are shorter */

static const char *const saves[] = {
	"iptables-save",  "iptables-nft-save",  "iptables-legacy-save",
	"ip6tables-save", "ip6tables-nft-save", "ip6tables-legacy-save",
};

/*
 * What a tool listed.  Not static memory, all of which a daemon has locked
 * and so in use.
 */
static char nothing[1];
static char *listed = nothing;
static char removal_script[SCRIPT_MAX];

#define SAVES (sizeof saves / sizeof saves[0])

static const char *
next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

/*
 * The queue in a name of a side's, of a table or a chain; whatever may
 * stand behind it.  False where it is no such name.
 */
static bool
read_name(const char *text, enum fw_side side, uint16_t *queue)
{
	const char *prefix = side == FW_SERVER ? "tap-server-" : "tap-client-";
	size_t digits;

	if (strncmp(text, prefix, strlen(prefix)) != 0) {
		return false;
	}
	text += strlen(prefix);
	digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 5 || (digits > 1 && text[0] == '0') ||
	    !memchr(" -\n", text[digits] ? text[digits] : ' ', 3) ||
	    strtoul(text, NULL, 10) > UINT16_MAX) {
		return false;
	}
	*queue = (uint16_t)strtoul(text, NULL, 10);
	return true;
}

/* In order, and none twice. */
void
leftover_note(struct leftover *found, uint16_t queue)
{
	size_t at = 0;

	while (at < found->count && found->queues[at] < queue) {
		at++;
	}
	if ((at < found->count && found->queues[at] == queue) ||
	    found->count == LEFTOVER_QUEUES_MAX) {
		return;
	}
	memmove(&found->queues[at + 1], &found->queues[at],
		(found->count - at) * sizeof found->queues[0]);
	found->queues[at] = queue;
	found->count++;
}

/*
 * Run a tool, its output in `listed`: 0, RUN_NOT_FOUND, or below 0 with the
 * error in err.
 */
static int
list(const char *const *argv, char *err)
{
	char errors[FW_ERROR_MAX] = "";
	char *room = listed != nothing ? listed : malloc(SAVED_MAX);
	int status;

	if (!room) {
		snprintf(err, FW_ERROR_MAX, "%s: out of memory", argv[0]);
		return -1;
	}
	listed = room;
	status = run_program(argv, NULL, listed, SAVED_MAX, errors,
			     sizeof errors);
	if (status == 0) {
		return 0;
	}
	listed[0] = '\0';
	fw_run_fail(err, argv[0], status, errors);
	return status == RUN_NOT_FOUND ? status : -1;
}

static int
list_nft(char *err)
{
	static const char *const argv[] = { "nft", "list", "tables", NULL };

	return list(argv, err);
}

static int
list_saved(const char *save, char *err)
{
	/* All tables: to ask for one by name makes it, or feigns it. */
	const char *const argv[] = { save, NULL };

	return list(argv, err);
}

/* A line of a list that begins so, and goes on with a name of a side's. */
static bool
line_names(const char *line, const char *begin, enum fw_side side,
	   uint16_t *queue)
{
	size_t len = strlen(begin);

	return strncmp(line, begin, len) == 0 &&
		read_name(line + len, side, queue);
}

static const char nft_table[] = "table inet ";

static void
find_in(struct leftover *found, const char *begin)
{
	uint16_t queue;

	for (const char *line = listed; *line; line = next_line(line)) {
		if (line_names(line, begin, found->side, &queue)) {
			leftover_note(found, queue);
		}
	}
}

int
leftover_find(struct leftover *found, enum fw_side side, char *err)
{
	size_t asked = 0;
	int rc;

	*found = (struct leftover){ .side = side };
	for (size_t i = 0; i <= SAVES; i++) {
		rc = i < SAVES ? list_saved(saves[i], err) : list_nft(err);
		if (rc == 0) {
			find_in(found, i < SAVES ? ":" : nft_table);
			asked++;
		} else if (rc < 0) {
			snprintf(found->unasked, sizeof found->unasked, "%s",
				 err);
		}
	}
	if (asked == 0 && found->unasked[0]) {
		why_set(err, -1, "%s", found->unasked);
	}
	return asked == 0 ? -1 : 0;
}

/* ---- what they hide */

static bool
has_port(const struct fw_plan *plan, unsigned low, unsigned high)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct fw_match *m = &plan->matches[i];
		bool found = m->ports_count == 0;

		for (size_t k = 0; k < m->ports_count && !found; k++) {
			found = low <= m->ports[k].high &&
				high >= m->ports[k].low;
		}
		if (found) {
			return true;
		}
	}
	return false;
}

/* Where the word is in this line, which others may follow; or NULL. */
static const char *
in_line(const char *line, const char *word)
{
	return memmem(line, strcspn(line, "\n"), word, strlen(word));
}

/* A rule that queues: its ports, as "dports 22,80:90", "dport { 22, 80-90 }".
 */
static bool
line_shares(const char *line, const struct fw_plan *plan)
{
	const char *end = line + strcspn(line, "\n");
	const char *at = in_line(line, "dport");

	if (!at) {
		return has_port(plan, 0, UINT16_MAX);
	}
	while (at < end) {
		char *behind;
		unsigned long low, high;

		at += strcspn(at, "0123456789\n");
		if (at >= end) {
			break;
		}
		low = high = strtoul(at, &behind, 10);
		if (strchr(":-", *behind) && *behind) {
			high = strtoul(behind + 1, &behind, 10);
		}
		if (has_port(plan, (unsigned)low, (unsigned)high)) {
			return true;
		}
		/* The last of them. */
		at = behind + strspn(behind, " ");
		if (*at != ',') {
			break;
		}
	}
	return false;
}

/*
 * What was translated is named by where it came to: others hide that.  nft -n
 * prints the status as a number, and ours look for this one alone.
 */
static bool
is_translated(const char *line)
{
	return in_line(line, "--ctstate DNAT") || in_line(line, "ct status ");
}

/* In the list: rules of a table, or of all of these chains. */
static bool
list_shares(const char *begin, enum fw_side side, uint16_t queue,
	    const struct fw_plan *plan)
{
	for (const char *at = listed; *at; at = next_line(at)) {
		uint16_t own = queue;

		if (in_line(at, begin[0] ? "NFQUEUE" : "queue ") &&
		    (!begin[0] || line_names(at, begin, side, &own)) &&
		    own == queue && !is_translated(at) &&
		    line_shares(at, plan)) {
			return true;
		}
	}
	return false;
}

bool
leftover_shares(enum fw_side side, uint16_t queue, const struct fw_plan *plan)
{
	char name[RULESET_NAME_MAX], ignored[FW_ERROR_MAX];
	const char *const table[] = { "nft",  "-n", "list", "table",
				      "inet", name, NULL };

	for (size_t i = 0; i < SAVES; i++) {
		if (list_saved(saves[i], ignored) == 0 &&
		    list_shares("-A ", side, queue, plan)) {
			return true;
		}
	}
	ruleset_name(name, side, queue);
	return list(table, ignored) == 0 && list_shares("", side, queue, plan);
}

bool
leftover_masquerades(void)
{
	static const char *const ruleset[] = { "nft", "list", "ruleset", NULL };
	char ignored[FW_ERROR_MAX];
	bool asked = false;

	for (size_t i = 0; i <= SAVES; i++) {
		if ((i < SAVES ? list_saved(saves[i], ignored)
			       : list(ruleset, ignored)) != 0) {
			continue;
		}
		asked = true;
		if (strcasestr(listed, "masquerade") ||
		    strcasestr(listed, "snat ")) {
			return true;
		}
	}
	return !asked;
}

/* ---- removing */

struct removal {
	enum fw_side side;
	uint16_t queue;
	void (*told)(const char *line);
	char *err;
	int rc;
};

static bool
is_ours(const struct removal *r, const char *line, const char *begin)
{
	uint16_t queue;

	return line_names(line, begin, r->side, &queue) && queue == r->queue;
}

static void
remove_nft(struct removal *r)
{
	char name[RULESET_NAME_MAX], line[TELL_MAX];
	bool found = false;

	if (list_nft(r->err) != 0) {
		return;
	}
	for (const char *at = listed; *at; at = next_line(at)) {
		found = found || is_ours(r, at, nft_table);
	}
	if (!found) {
		return;
	}
	ruleset_name(name, r->side, r->queue);
	snprintf(line, sizeof line, "delete table inet %s\n", name);
	if (fw_run_nft(line, false, r->err) < 0) {
		r->rc = -1;
		return;
	}
	snprintf(line, sizeof line, "nft: table inet %s", name);
	r->told(line);
}

/* A rule of somebody else's chain that jumps to one of ours. */
static bool
jumps_to_us(const struct removal *r, const char *line)
{
	bool quoted = false;

	if (strncmp(line, "-A ", 3) != 0 || is_ours(r, line, "-A ")) {
		return false;
	}
	for (; *line && *line != '\n'; line++) {
		if (*line == '"') {
			quoted = !quoted;
		} else if (*line == '\\' && line[1] && line[1] != '\n') {
			line++;
		} else if (!quoted && is_ours(r, line, " -j ")) {
			return true;
		}
	}
	return false;
}

/* The lines of a saved table, its head included, that hold for a verb. */
static size_t
put_lines(const struct removal *r, struct text *t, const char *table, char verb)
{
	size_t count = 0;
	const char *line = table;

	while (*(line = next_line(line)) && *line != '*') {
		if (verb == 'D' && jumps_to_us(r, line)) {
			text_put(t, "-D%.*s\n", (int)strcspn(line + 2, "\n"),
				 line + 2);
			count++;
		} else if (verb != 'D' && is_ours(r, line, ":")) {
			text_put(t, "-%c %.*s\n", verb,
				 (int)strcspn(line + 1, " \n"), line + 1);
			count++;
		}
	}
	return count;
}

static int
shorter(size_t len)
{
	return (int)(len < NAME_SHOWN ? len : NAME_SHOWN);
}

static void
tell_table(const struct removal *r, const char *save, const char *table)
{
	const char *line = table;
	char told[TELL_MAX];

	while (*(line = next_line(line)) && *line != '*') {
		if (is_ours(r, line, ":")) {
			snprintf(told, sizeof told,
				 "%.*s: table %.*s, chain %.*s",
				 (int)(strlen(save) - strlen("-save")), save,
				 shorter(strcspn(table + 1, "\n")), table + 1,
				 shorter(strcspn(line + 1, " \n")), line + 1);
			r->told(told);
		}
	}
}

/* One table of a save, from its "*name" on, in one transaction. */
static void
remove_table(struct removal *r, const char *save, const char *table)
{
	struct text t = text_over(removal_script, sizeof removal_script);
	char restore[40], errors[FW_ERROR_MAX] = "";
	const char *const argv[] = { restore, "--noflush", "--wait=10", NULL };
	size_t count;
	int status;

	text_put(&t, "%.*s\n", (int)strcspn(table, "\n"), table);
	count = put_lines(r, &t, table, 'D');
	count += put_lines(r, &t, table, 'F');
	count += put_lines(r, &t, table, 'X');
	text_put(&t, "COMMIT\n");
	if (count == 0) {
		return;
	}
	snprintf(restore, sizeof restore, "%.*srestore",
		 (int)(strlen(save) - strlen("save")), save);
	if (t.full) {
		why_set(r->err, -1, "%s: too many rules", restore);
		r->rc = -1;
		return;
	}
	status = run_program(argv, removal_script, NULL, 0, errors,
			     sizeof errors);
	if (status != 0) {
		r->rc = fw_run_fail(r->err, restore, status, errors);
		return;
	}
	tell_table(r, save, table);
}

void
leftover_log(const char *line)
{
	log_say(LOG_LEVEL_INFO, "removed what an earlier tap left: %s", line);
}

int
leftover_remove(enum fw_side side, uint16_t queue,
		void (*told)(const char *line), char *err)
{
	struct removal r = {
		.side = side,
		.queue = queue,
		.told = told,
		.err = err,
	};

	for (size_t i = 0; i < SAVES; i++) {
		char ignored[FW_ERROR_MAX];

		if (list_saved(saves[i], ignored) != 0) {
			continue;
		}
		for (const char *at = listed; *at; at = next_line(at)) {
			if (*at == '*') {
				remove_table(&r, saves[i], at);
			}
		}
	}
	remove_nft(&r);
	return r.rc;
}
