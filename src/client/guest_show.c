#include "client/guest_show.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/json.h"
#include "base/table.h"
#include "conf/value.h"
#include "guests/guests.h"
#include "tap.h"

/* A guest with 100 GiB of RAM is read in this time. */
#define LOOK_MS 300000u
#define LINE_MAX_HERE 8192u
#define END_MAX (INET6_ADDRSTRLEN + 10u)
#define NUMBER_MAX 24u

static const char *
state_text(uint32_t state)
{
	static const char *const names[] = {
		"",           "ESTABLISHED", "SYN-SENT",  "SYN-RECV",
		"FIN-WAIT-1", "FIN-WAIT-2",  "TIME-WAIT", "CLOSE",
		"CLOSE-WAIT", "LAST-ACK",    "LISTEN",    "CLOSING",
	};

	return state < sizeof names / sizeof names[0] ? names[state] : "";
}

/* A guest's words are anybody's: no control of the terminal among them. */
static const char *
clean(char out[GUEST_EXE_MAX], const char *text)
{
	char line[WHY_MAX];
	struct text t = text_over(out, GUEST_EXE_MAX);

	why_set(line, 0, "%s", text);
	text_add(&t, line);
	return out;
}

static void
put_end(struct text *t, const struct packet_addr *addr, uint16_t port)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, text,
		  sizeof text);
	text_put(t, addr->family == 4 ? "%s:%u" : "[%s]:%u", text, port);
}

/* ADDRESS:PORT, with [] about an address of IPv6. */
static int
take_end(const char *text, struct packet_addr *addr, uint16_t *port, char *why)
{
	struct value_endpoint end;
	struct acl_net net;

	if (value_endpoint(text, &end, why) < 0 ||
	    value_port(end.port, port, why) < 0 ||
	    value_net(end.host, &net, why) < 0) {
		return -1;
	}
	*addr = net.addr;
	return net.addr.family != 0 && !strchr(end.host, '/')
		? 0
		: value_fail(why, "'%.64s' is no ADDRESS:PORT", text);
}

static const struct client_guest *
find_guest(const struct client_conf *conf, const char *name)
{
	const struct client_guest *guest = guest_conf_find(&conf->guests, name);

	if (!guest) {
		fprintf(stderr, "tap client: no GUEST: line has name=%s\n",
			name);
	}
	return guest;
}

/* Its reader, at work; or an exit status below 0. */
static int
begin(const struct client_guest *guest, struct client_conf *conf,
      struct guest_reader *reader)
{
	char why[WHY_MAX];
	const int rc = guest_start(guest, conf, reader, why);

	if (rc < 0) {
		fprintf(stderr, "tap client: %s\n", why);
		return rc == -1 ? TAP_USAGE : TAP_SYSTEM;
	}
	return TAP_OK;
}

/* It was not read: an exit status. */
static int
refuse(const char *name, int error)
{
	fprintf(stderr, "tap client: %s: %s\n", name,
		error == -EPIPE ? "its reader has ended: so has the guest, "
				  "or it may not be read"
			: error == -ETIME ? "it takes too long"
					  : strerror(-error));
	return TAP_SYSTEM;
}

/* ---- --who */

static void
put_process(struct text *t, const struct guest_process *process)
{
	char comm[GUEST_EXE_MAX];

	text_put(t, "{");
	json_number(t, "pid", process->pid);
	json_number(t, "uid", process->uid);
	json_member(t, "comm", clean(comm, process->comm));
	text_put(t, "}");
}

static void
print_json(const struct guest_owner *owner)
{
	static char line[LINE_MAX_HERE];
	struct text t = text_over(line, sizeof line);
	const bool known = owner->unknown == GUEST_KNOWN;

	text_put(&t, "{");
	json_bool(&t, "known", known);
	json_member(&t, "unknown",
		    known ? NULL : guest_unknown_text(owner->unknown));
	if (owner->has_uid) {
		json_number(&t, "uid", owner->uid);
		json_member(&t, "state", state_text(owner->state));
	}
	if (known) {
		char exe[GUEST_EXE_MAX];

		json_member(&t, "exe",
			    owner->exe[0] ? clean(exe, owner->exe) : NULL);
		json_number(&t, "holders", owner->holders);
		json_name(&t, "process");
		put_process(&t, &owner->process);
		json_name(&t, "parents");
		text_put(&t, "[");
		for (uint32_t i = 0; i < owner->parents_count; i++) {
			text_put(&t, i ? "," : "");
			put_process(&t, &owner->parents[i]);
		}
		text_put(&t, "]");
	}
	json_number(&t, "took_us", owner->took_us);
	text_put(&t, "}");
	printf("%s\n", line);
}

static void
print_owner(const struct guest_owner *owner)
{
	char text[GUEST_EXE_MAX];

	if (owner->unknown != GUEST_KNOWN) {
		printf("unknown: %s\n", guest_unknown_text(owner->unknown));
	}
	if (owner->has_uid) {
		printf("user     %u\nstate    %s\n", owner->uid,
		       state_text(owner->state));
	}
	if (owner->unknown != GUEST_KNOWN) {
		return;
	}
	printf("process  %u (%s)\n", owner->process.pid,
	       clean(text, owner->process.comm));
	printf("program  %s\n", owner->exe[0] ? clean(text, owner->exe) : "?");
	if (owner->holders > 1) {
		printf("shared   by %u processes\n", owner->holders);
	}
	for (uint32_t i = 0; i < owner->parents_count; i++) {
		printf("%s %u (%s), user %u\n", i ? "        " : "parents ",
		       owner->parents[i].pid,
		       clean(text, owner->parents[i].comm),
		       owner->parents[i].uid);
	}
}

int
guest_show_who(struct client_conf *conf, const char *name, char *const ends[2],
	       bool json)
{
	const struct client_guest *guest = find_guest(conf, name);
	struct guest_connection connection = { .parents = true };
	struct guest_reader reader;
	struct guest_owner owner;
	char why[VALUE_WHY_MAX];
	int rc;

	if (!guest) {
		return TAP_USAGE;
	}
	if (take_end(ends[0], &connection.src, &connection.sport, why) < 0 ||
	    take_end(ends[1], &connection.dst, &connection.dport, why) < 0) {
		fprintf(stderr, "tap client: %s\n", why);
		return TAP_USAGE;
	}
	if (connection.src.family != connection.dst.family) {
		fprintf(stderr,
			"tap client: the addresses are of different "
			"IP versions\n");
		return TAP_USAGE;
	}
	rc = begin(guest, conf, &reader);
	if (rc != TAP_OK) {
		return rc;
	}
	rc = guest_who(reader.fd, &connection, LOOK_MS, &owner);
	guest_stop(&reader);
	if (rc < 0) {
		return refuse(name, rc);
	}
	if (json) {
		print_json(&owner);
	} else {
		print_owner(&owner);
	}
	return owner.unknown == GUEST_KNOWN ? TAP_OK : TAP_NO;
}

/* ---- --guests */

static const char *const guest_heads[] = { "GUEST", "DEVICE", "KERNEL",
					   "RAM",   "KASLR",  "PROCESSES",
					   "REMARK" };
#define GUEST_COLUMNS (sizeof guest_heads / sizeof guest_heads[0])

static int
add_guest(struct table *table, const struct client_guest *guest,
	  const struct reader_about *about, const char *remark)
{
	char ram[NUMBER_MAX], shift[NUMBER_MAX], processes[NUMBER_MAX];
	const bool known = about->unknown == GUEST_KNOWN;
	char release[GUEST_EXE_MAX];

	snprintf(ram, sizeof ram, "%llu MiB",
		 (unsigned long long)(about->ram >> 20));
	snprintf(shift, sizeof shift, "0x%llx",
		 (unsigned long long)about->shift);
	snprintf(processes, sizeof processes, "%u", about->processes);
	const char *const cells[GUEST_COLUMNS] = {
		guest->name,
		guest->dev[0] ? guest->dev : "-",
		known ? clean(release, about->release) : "-",
		about->ram ? ram : "-",
		known ? shift : "-",
		known ? processes : "-",
		remark,
	};
	return table_add(table, cells);
}

static void
put_guest(const struct client_guest *guest, const struct reader_about *about,
	  const char *remark)
{
	static char line[LINE_MAX_HERE];
	struct text t = text_over(line, sizeof line);
	char release[GUEST_EXE_MAX];

	text_put(&t, "{");
	json_member(&t, "name", guest->name);
	json_member(&t, "dev", guest->dev[0] ? guest->dev : NULL);
	json_bool(&t, "known", about->unknown == GUEST_KNOWN);
	json_member(&t, "unknown", remark[0] ? remark : NULL);
	if (about->ram) {
		json_number(&t, "ram", about->ram);
	}
	if (about->unknown == GUEST_KNOWN) {
		json_member(&t, "kernel", clean(release, about->release));
		json_number(&t, "kaslr", about->shift);
		json_number(&t, "levels", about->levels);
		json_number(&t, "processes", about->processes);
	}
	text_put(&t, "}");
	printf("%s", line);
}

/* What there is to say of one; an exit status. */
static int
ask_about(const struct client_guest *guest, struct client_conf *conf,
	  struct reader_about *about, char *remark)
{
	struct guest_reader reader;
	int rc;

	memset(about, 0, sizeof *about);
	about->unknown = GUEST_GONE;
	rc = guest_start(guest, conf, &reader, remark);
	if (rc < 0) {
		return rc == -1 ? TAP_USAGE : TAP_SYSTEM;
	}
	rc = guest_about(reader.fd, LOOK_MS, about);
	guest_stop(&reader);
	if (rc < 0) {
		about->unknown = GUEST_GONE;
	}
	why_set(remark, 0, "%s",
		about->unknown == GUEST_KNOWN
			? ""
			: guest_unknown_text(
				  (enum guest_unknown)about->unknown));
	return about->unknown == GUEST_KNOWN ? TAP_OK : TAP_NO;
}

int
guest_show_all(struct client_conf *conf, bool json)
{
	struct table table;
	int status = TAP_OK;
	int rc = 0;

	table_init(&table, guest_heads, GUEST_COLUMNS);
	printf("%s", json ? "[" : "");
	for (size_t i = 0; i < conf->guests.count; i++) {
		const struct client_guest *guest = &conf->guests.at[i];
		struct reader_about about;
		char remark[WHY_MAX] = "";
		const int one = ask_about(guest, conf, &about, remark);

		/* Those of others go on: the worst of all is the status. */
		status = one > status ? one : status;
		if (json) {
			printf("%s", i ? "," : "");
			put_guest(guest, &about, remark);
		} else {
			rc |= add_guest(&table, guest, &about, remark);
		}
	}
	if (json) {
		printf("]\n");
	} else if (rc == 0) {
		table_print(&table, report_form(false) == REPORT_TABLE);
	}
	table_free(&table);
	return rc == 0 ? status : TAP_SYSTEM;
}

/* ---- --sockets */

static const char *const socket_heads[] = { "PID",   "USER",  "PROCESS",
					    "STATE", "LOCAL", "REMOTE" };
#define SOCKET_COLUMNS (sizeof socket_heads / sizeof socket_heads[0])

struct sockets {
	struct table table;
	bool json;
	size_t count;
	int rc;
};

static void
put_socket(const struct reader_socket *socket, const char *local,
	   const char *remote)
{
	static char line[LINE_MAX_HERE];
	struct text t = text_over(line, sizeof line);

	text_put(&t, "{");
	json_number(&t, "uid", socket->uid);
	json_member(&t, "state", state_text(socket->state));
	json_member(&t, "local", local);
	json_member(&t, "remote", remote);
	json_name(&t, "process");
	put_process(&t, &socket->process);
	text_put(&t, "}");
	printf("%s", line);
}

static int
show_socket(void *of, const struct reader_socket *socket)
{
	struct sockets *s = of;
	char pid[NUMBER_MAX], uid[NUMBER_MAX], comm[GUEST_EXE_MAX];
	char local[END_MAX], remote[END_MAX];
	struct text t = text_over(local, sizeof local);

	put_end(&t, &socket->connection.src, socket->connection.sport);
	t = text_over(remote, sizeof remote);
	put_end(&t, &socket->connection.dst, socket->connection.dport);
	snprintf(pid, sizeof pid, "%u", socket->process.pid);
	snprintf(uid, sizeof uid, "%u", socket->uid);
	const char *const cells[SOCKET_COLUMNS] = {
		pid,
		uid,
		clean(comm, socket->process.comm),
		state_text(socket->state),
		local,
		remote,
	};
	if (s->json) {
		printf("%s", s->count++ ? "," : "");
		put_socket(socket, local, remote);
	} else {
		s->rc |= table_add(&s->table, cells);
	}
	return 0;
}

int
guest_show_sockets(struct client_conf *conf, const char *name, bool json)
{
	const struct client_guest *guest = find_guest(conf, name);
	struct sockets s = { .json = json };
	struct guest_reader reader;
	enum guest_unknown unknown;
	int rc;

	if (!guest) {
		return TAP_USAGE;
	}
	rc = begin(guest, conf, &reader);
	if (rc != TAP_OK) {
		return rc;
	}
	table_init(&s.table, socket_heads, SOCKET_COLUMNS);
	printf("%s", json ? "[" : "");
	rc = guest_sockets(reader.fd, LOOK_MS, show_socket, &s, &unknown);
	guest_stop(&reader);
	if (json) {
		printf("]\n");
	} else if (s.rc == 0) {
		table_print(&s.table, report_form(false) == REPORT_TABLE);
	}
	table_free(&s.table);
	if (rc < 0 || s.rc < 0) {
		return refuse(name, rc < 0 ? rc : s.rc);
	}
	if (unknown != GUEST_KNOWN) {
		fprintf(stderr, "tap client: %s: %s\n", name,
			guest_unknown_text(unknown));
		return TAP_NO;
	}
	return TAP_OK;
}
