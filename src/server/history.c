#include "server/history.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/grow.h"
#include "base/json.h"
#include "base/spawn.h"
#include "base/table.h"
#include "conf/value.h"
#include "os/sock_diag.h"
#include "protocol/frame.h"
#include "server/log_line.h"
#include "tap.h"

/* Of the journal, the latest lines: of half a million connections. */
#define JOURNAL_MAX ((size_t)64 << 20)

struct history {
	const struct history_options *o;
	struct log_line *lines;
	size_t count, room;
	const struct acl *acl; /* whose ports count, of who is connected */
	bool failed;           /* no memory */
};

static int
complain(const char *object, const char *why, int status)
{
	fprintf(stderr, "tap server: %s: %s\n", object, why);
	return status;
}

static void
add(struct history *h, const struct log_line *line)
{
	if (grow(&h->lines, h->count, &h->room, sizeof *line) < 0) {
		h->failed = true;
		return;
	}
	h->lines[h->count++] = *line;
}

static bool
is_wanted(const struct history_options *o, const struct log_line *line)
{
	char number[8];

	snprintf(number, sizeof number, "%u", line->key_no);
	return line->instant >= o->instant &&
		(!o->key ||
		 (line->skew[0] &&
		  (strcmp(o->key, number) == 0 ||
		   strcmp(o->key, line->name) == 0)));
}

static void
read_line(struct history *h, const char *text)
{
	struct log_line line;

	if (log_line_accepted(text, &line) && is_wanted(h->o, &line)) {
		add(h, &line);
	}
}

/* As the file has them, the earliest first: turned round. */
static int
read_file(struct history *h)
{
	const bool input = strcmp(h->o->log, "-") == 0;
	FILE *file = input ? stdin : fopen(h->o->log, "re");
	char *text = NULL;
	size_t size = 0;

	if (!file) {
		return complain(h->o->log, strerror(errno),
				errno == ENOENT ? TAP_USAGE : TAP_SYSTEM);
	}
	while (getline(&text, &size, file) > 0) {
		text[strcspn(text, "\r\n")] = '\0';
		read_line(h, text);
	}
	free(text);
	if (!input) {
		fclose(file);
	}
	for (size_t i = 0; i < h->count / 2; i++) {
		const struct log_line early = h->lines[i];

		h->lines[i] = h->lines[h->count - 1 - i];
		h->lines[h->count - 1 - i] = early;
	}
	return TAP_OK;
}

/* The latest first, so that what is cut off is old. */
static int
read_journal(struct history *h)
{
	char since[32] = "--since=@0", errors[256];
	const char *const argv[] = {
		"journalctl", "--quiet",   "--no-pager", "--reverse", "-o",
		"short-unix", "_COMM=tap", since,        NULL,
	};
	char *text = malloc(JOURNAL_MAX), *next = text, *line;
	int status;

	if (!text) {
		return complain("journal", strerror(ENOMEM), TAP_SYSTEM);
	}
	snprintf(since, sizeof since, "--since=@%" PRIu64,
		 h->o->instant / FRAME_SECOND);
	status = run_attached(argv, NULL, text, JOURNAL_MAX, errors,
			      sizeof errors);
	if (status == RUN_NOT_FOUND) {
		free(text);
		return complain("no journal here",
				"name the file of the log by --log FILE",
				TAP_USAGE);
	}
	errors[strcspn(errors, "\n")] = '\0';
	if (status != 0 && errors[0]) {
		free(text);
		return complain("journalctl", errors, TAP_SYSTEM);
	}
	while ((line = strsep(&next, "\n")) != NULL) {
		read_line(h, line);
	}
	free(text);
	return TAP_OK;
}

static int
read_log(struct history *h)
{
	int status = h->o->log ? read_file(h) : read_journal(h);

	return status == TAP_OK && h->failed
		? complain("log", strerror(ENOMEM), TAP_SYSTEM)
		: status;
}

/* ---- what is printed */

static const char *const heads[] = { "TIME",   "KEY", "NAME",
				     "SOURCE", "TO",  "SKEW" };
#define COLUMNS (sizeof heads / sizeof heads[0])

static void
print_json(const struct log_line *line, const char *time)
{
	char out[1024];
	struct text t = text_over(out, sizeof out);

	text_add(&t, "{");
	if (line->instant) {
		json_member(&t, "time", time);
	}
	if (line->skew[0]) {
		json_number(&t, "key", line->key_no);
		json_member(&t, "name", line->name);
		json_name(&t, "skew");
		text_add(&t, line->skew + (line->skew[0] == '+'));
	}
	json_member(&t, "src", line->src);
	json_number(&t, "src_port", line->sport);
	json_member(&t, "dst", line->dst);
	json_number(&t, "dst_port", line->dport);
	text_add(&t, "}");
	puts(out);
}

static void
put_place(char out[64], const char *addr, uint16_t port)
{
	snprintf(out, 64, strchr(addr, ':') ? "[%s]:%u" : "%s:%u", addr, port);
}

static int
print_row(struct table *table, const struct log_line *line, const char *time)
{
	const bool known = line->skew[0] != '\0';
	char key[8], src[64], dst[64];
	const char *const cells[COLUMNS] = {
		line->instant ? time : "-",
		known ? key : "-",
		line->name[0] ? line->name : "-",
		src,
		dst,
		known ? line->skew : "-",
	};

	snprintf(key, sizeof key, "%u", line->key_no);
	put_place(src, line->src, line->sport);
	put_place(dst, line->dst, line->dport);
	return table_add(table, cells);
}

static int
print(const struct history *h)
{
	struct table table;
	int rc = 0;

	table_init(&table, heads, COLUMNS);
	for (size_t i = 0; i < h->count; i++) {
		char time[VALUE_TIME_MAX];

		value_time_text(time, h->lines[i].instant);
		if (h->o->json) {
			print_json(&h->lines[i], time);
		} else {
			rc |= print_row(&table, &h->lines[i], time);
		}
	}
	if (rc == 0 && !h->o->json && h->count > 0) {
		table_print(&table, isatty(STDOUT_FILENO));
	}
	table_free(&table);
	return rc < 0          ? complain("table", strerror(ENOMEM), TAP_SYSTEM)
		: h->count > 0 ? TAP_OK
			       : TAP_NO;
}

int
history_last(const struct history_options *o)
{
	struct history h = { .o = o };
	int status = read_log(&h);

	if (status == TAP_OK) {
		status = print(&h);
	}
	free(h.lines);
	return status;
}

/* ---- who is connected */

static void
put_addr(char out[LOG_LINE_ADDRESS_MAX], const struct packet_addr *addr)
{
	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, out,
		  LOG_LINE_ADDRESS_MAX);
}

static void
take_socket(void *context, const struct sock_diag_socket *socket)
{
	const struct sock_diag_connection *c = &socket->connection;
	struct history *h = context;
	struct log_line line = { .sport = c->remote_port,
				 .dport = c->local_port };

	if (acl_has_local(h->acl, c->local_port)) {
		put_addr(line.src, &c->remote);
		put_addr(line.dst, &c->local);
		add(h, &line);
	}
}

/* The latest that was accepted from there, to that port. */
static void
find_key(struct log_line *socket, const struct history *log)
{
	for (size_t i = 0; i < log->count; i++) {
		const struct log_line *line = &log->lines[i];

		if (line->sport == socket->sport &&
		    line->dport == socket->dport &&
		    strcmp(line->src, socket->src) == 0) {
			*socket = *line;
			return;
		}
	}
}

static int
read_sockets(struct history *h)
{
	struct netlink nl;
	int rc = sock_diag_open(&nl);

	if (rc == 0) {
		rc = sock_diag_each(&nl, take_socket, h);
		netlink_close(&nl);
	}
	return rc < 0       ? complain("sockets", strerror(-rc), TAP_SYSTEM)
		: h->failed ? complain("sockets", strerror(ENOMEM), TAP_SYSTEM)
			    : TAP_OK;
}

int
history_who(const struct history_options *o,
	    const struct server_conf_from *from)
{
	const struct history_options all = { .log = o->log };
	struct history sockets = { .o = o }, log = { .o = &all };
	char err[CONF_ERROR_MAX];
	struct server_conf *conf = server_conf_load(from, err);
	size_t kept = 0;
	int status;

	if (!conf) {
		status = conf_status(-errno);
		fprintf(stderr, "%s\n", err);
		return status;
	}
	sockets.acl = &conf->acl;
	status = read_sockets(&sockets);
	/* Those that no log tells of are shown, too. */
	if (status == TAP_OK) {
		(void)read_log(&log);
	}
	for (size_t i = 0; i < sockets.count; i++) {
		find_key(&sockets.lines[i], &log);
		if (is_wanted(o, &sockets.lines[i])) {
			sockets.lines[kept++] = sockets.lines[i];
		}
	}
	sockets.count = kept;
	if (status == TAP_OK) {
		status = print(&sockets);
	}
	server_conf_free(conf);
	free(sockets.lines);
	free(log.lines);
	return status;
}
