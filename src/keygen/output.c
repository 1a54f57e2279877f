#include "keygen/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/json.h"
#include "conf/key_line.h"
#include "keygen/qr_code.h"
#include "tap.h"
#include "conf/value.h"

int
keygen_target(struct keygen_target *target, const char *text, char *why)
{
	struct acl_range *ports;
	struct acl_net net = { 0 };
	struct value_endpoint at;
	size_t count;
	bool name;
	int rc = value_endpoint(text, &at, why);

	if (rc < 0) {
		return rc;
	}
	if (strlen(at.port) >= sizeof target->port ||
	    at.port[strcspn(at.port, " \t\"#\\")] != '\0') {
		return value_fail(why, "'%.64s' is not HOST:PORT", text);
	}
	name = strcmp(at.host, "ANY") != 0 && value_is_name(at.host);
	memcpy(target->host, at.host, sizeof at.host);
	memcpy(target->port, at.port, strlen(at.port) + 1);
	target->service_port = at.service_port;
	if (!name && value_net(at.host, &net, why) < 0) {
		return value_fail(why,
				  "'%.64s' is neither a name nor an address: "
				  "write server.example:22, 192.0.2.1:22, "
				  "[2001:db8::1]:22 or a network, "
				  "192.0.2.0/24:22",
				  at.host);
	}
	if (net.addr.family == 6 && !at.bracketed && at.host[0] != '[') {
		return value_fail(why,
				  "'%.64s': an IPv6 address stands in "
				  "brackets",
				  text);
	}
	if (net.addr.family == 6 && at.bracketed) {
		snprintf(target->host, sizeof target->host, "[%.*s]",
			 (int)sizeof target->host - 3, at.host);
	}
	if (strcmp(target->port, "ANY") == 0) {
		return name || net.addr.family ? 0
					       : value_fail(why,
							    "'%.64s' is every "
							    "connection",
							    text);
	}
	rc = value_ranges(target->port, true, &ports, &count, why);
	if (rc == 0) {
		free(ports);
	}
	return rc;
}

bool
keygen_prints_secrets(const struct keygen_options *o)
{
	if (o->both || o->invite) {
		return false;
	}
	return o->targets_count > 0 ? !o->seal : !o->append;
}

int
keygen_check_output(const struct keygen_options *o)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) < 0) {
		fprintf(stderr, "tap keygen: standard output: %s\n",
			strerror(errno));
		return TAP_SYSTEM;
	}
	if (o->seal && !o->both && !o->invite && isatty(STDOUT_FILENO)) {
		fprintf(stderr,
			"tap keygen: a sealed file is not for a "
			"terminal: redirect it to a file\n");
		return TAP_USAGE;
	}
	if (!keygen_prints_secrets(o)) {
		return TAP_OK;
	}
	if (S_ISREG(st.st_mode) && st.st_mode & 077) {
		fprintf(stderr,
			"tap keygen: standard output: a file that "
			"others may use (mode %04o): umask 077 first, "
			"or --append FILE\n",
			(unsigned)st.st_mode & 07777);
		return TAP_USAGE;
	}
	if (isatty(STDOUT_FILENO)) {
		fprintf(stderr,
			"tap keygen: warning: the secret goes to this "
			"terminal, and stays where it can be scrolled "
			"back to; --append and --both write files\n");
	}
	return TAP_OK;
}

static void
json_secret(const struct keygen_options *o, const struct key_spec *spec,
	    struct text *t)
{
	char digits[2 * MAC_SECRET_MAX + 1];
	char line[KEY_LINE_MAX];
	struct text words = text_over(line, sizeof line);

	hex_encode(digits, spec->secret, spec->secret_len);
	json_name(t, "key");
	text_put(t, "\"0x%s\"", digits);
	if (o->targets_count == 0) {
		key_line_write(&words, spec);
		json_member(t, "line", line);
	} else {
		json_name(t, "rules");
		text_put(t, "[");
		for (size_t i = 0; i < o->targets_count; i++) {
			words = text_over(line, sizeof line);
			key_line_rule(&words, spec, o->targets[i].host,
				      o->targets[i].port,
				      o->targets[i].service_port);
			text_put(t, i ? "," : "");
			json_string(t, line);
		}
		text_put(t, "]");
	}
	bytes_wipe(digits, sizeof digits);
	bytes_wipe(line, sizeof line);
}

static void
json_files(const struct keygen_options *o, const struct keygen_made *made,
	   struct text *t)
{
	char when[VALUE_TIME_MAX];

	if (made->server_file) {
		json_member(t, "server_file", made->server_file);
	}
	if (made->client_file) {
		json_member(t, "client_file", made->client_file);
	}
	if (made->invite) {
		json_member(t, "invite", made->invite);
	}
	if (o->rotate >= 0) {
		value_time_text(when, made->old_end);
		json_number(t, "rotates", (unsigned long)o->rotate);
		json_member(t, "old_not_after", when);
	}
}

int
keygen_json(struct secret_buf *out, const struct keygen_options *o,
	    const struct keygen_made *made)
{
	/* All rules' lines, and two paths, each byte written as \u0000. */
	size_t size =
		(KEYGEN_TARGETS_MAX + 2) * KEY_LINE_MAX + 12 * KEYGEN_PATH_MAX;
	char *object = secret_new(size);
	struct text t;
	int rc;

	if (!object) {
		return -ENOMEM;
	}
	t = text_over(object, size);
	text_put(&t, "{");
	key_line_json(&t, made->spec);
	if (keygen_prints_secrets(o)) {
		json_secret(o, made->spec, &t);
	}
	json_files(o, made, &t);
	text_put(&t, "}\n");
	rc = secret_append(out, object, t.len);
	secret_free(object);
	return rc;
}

/* A target's ports as the server sees them. */
static const char *
ports_of(const struct keygen_target *to, char number[8])
{
	if (to->service_port == 0) {
		return to->port;
	}
	snprintf(number, 8, "%u", to->service_port);
	return number;
}

/* Those of all targets, each once, as `tap acl` takes them. */
static void
put_ports(struct text *t, const struct keygen_options *o)
{
	for (size_t i = 0; i < o->targets_count; i++) {
		char one[8], other[8];
		const char *ports = ports_of(&o->targets[i], one);
		size_t j = 0;

		if (strcmp(ports, "ANY") == 0) {
			t->len = 0;
			text_put(t, "%s", ports);
			return;
		}
		while (strcmp(ports_of(&o->targets[j], other), ports) != 0) {
			j++;
		}
		if (j == i) {
			text_put(t, "%s%s", i > 0 ? "," : "", ports);
		}
	}
}

void
keygen_tell_invite(const struct keygen_options *o, const char *path,
		   const struct key_spec *spec, const char *line)
{
	char ports[KEYGEN_TARGETS_MAX * KEYGEN_PORTS_MAX];
	struct text t = text_over(ports, sizeof ports);

	put_ports(&t, o);
	if (!o->json && isatty(STDOUT_FILENO)) {
		qr_code_print(line);
	}
	if (o->made_passphrase) {
		fprintf(stderr,
			"passphrase, shown once: %.*s\n"
			"Send it another way than the line.\n",
			(int)o->passphrase.len, o->passphrase.text);
	}
	fprintf(stderr,
		"%s: key %lu; let it in: tap acl allow --port %s --key %lu\n",
		path, spec->no, ports, spec->no);
}
