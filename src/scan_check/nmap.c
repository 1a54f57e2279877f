#include "scan_check/nmap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/why.h"
#include "scan_check/nmap_xml.h"
#include "base/spawn.h"
#include "base/text.h"

/* Addresses of one run: a group of nmap's, and a short command line. */
#define ADDRESSES_MAX 64u
#define ARGUMENTS_MAX (ADDRESSES_MAX + 24u)
#define PORTS_TEXT_MAX (128u * 1024) /* the kernel's limit of an argument */
/* All ports of as many hosts, each with a line of its own and its reason. */
#define OUTPUT_MAX (32u * 1024 * 1024)
#define ERRORS_MAX 4096u
#define PART 65536u

struct reader {
	struct findings *findings;
	size_t known;
	size_t target; /* of the host that is told of */
	struct nmap_xml_ports ports;
};

static bool
parse_address(struct packet_addr *addr, const char *text)
{
	char bare[NMAP_XML_WORD_MAX];
	size_t len = strcspn(text, "%");

	if (len >= sizeof bare) {
		return false;
	}
	memcpy(bare, text, len);
	bare[len] = '\0';
	*addr = (struct packet_addr){ .family = 4 };
	if (inet_pton(AF_INET, bare, addr->bytes) == 1) {
		return true;
	}
	*addr = (struct packet_addr){ .family = 6 };
	return inet_pton(AF_INET6, bare, addr->bytes) == 1;
}

/* Addresses of IPv6 that hold for a link name it; perhaps with a device. */
static bool
take_host(void *context, const char *address)
{
	struct reader *r = context;

	struct packet_addr addr;

	r->target = parse_address(&addr, address)
		? finding_named(r->findings, &addr, address)
		: r->findings->target_count;
	return r->target < r->findings->target_count;
}

static void
take_port(void *context, const struct nmap_xml_port *port)
{
	struct reader *r = context;
	struct finding *finding;

	if (port->scan == PROBE_SCANS || port->state == PROBE_UNKNOWN) {
		return;
	}
	finding = finding_of(r->findings, r->target, port->port, port->scan);
	if (finding) {
		r->known += finding->nmap == PROBE_UNKNOWN;
		finding->nmap = (uint8_t)port->state;
	}
}

static void
take_down(void *context, const char *address)
{
	struct reader *r = context;
	struct findings *f = r->findings;
	const size_t each = f->count / f->target_count;

	(void)address;
	for (size_t i = r->target * each; i < (r->target + 1) * each; i++) {
		r->known += !f->at[i].nmap_down;
		f->at[i].nmap_down = true;
	}
}

/* Reads a document; `object` names it.  0, or -1 it is none, -2 no memory. */
static int
read_xml(struct reader *r, struct findings *findings,
	 const struct xml_source *source, const char *object, char *why)
{
	struct nmap_xml_sink sink = { take_port, take_down, r, take_host,
				      &r->ports };
	struct nmap_xml *xml = malloc(sizeof *xml);
	int rc;

	if (!xml) {
		return why_set(why, -2, "out of memory");
	}
	r->findings = findings;
	for (size_t i = 0; i < findings->port_count; i++) {
		nmap_xml_ports_add(&r->ports, findings->ports[i]);
	}
	nmap_xml_init(xml, &sink);
	rc = nmap_xml_read(xml, source);
	if (rc < 0) {
		why_set(why, -1, "%s:%lu: %s", object, xml->xml.line,
			xml->xml.why);
	}
	free(xml);
	return rc;
}

struct file {
	FILE *stream;
	int error; /* an errno */
	char part[PART];
};

static const char *
next_part(void *context, size_t *len)
{
	struct file *f = context;

	*len = fread(f->part, 1, sizeof f->part, f->stream);
	f->error = ferror(f->stream) ? errno : 0;
	return *len > 0 ? f->part : NULL;
}

int
nmap_read(struct findings *findings, const char *path, size_t *known, char *why)
{
	struct reader reader = { 0 };
	struct file file = { .stream = fopen(path, "re") };
	const struct xml_source source = { next_part, &file };
	int rc;

	if (!file.stream) {
		rc = errno == ENOMEM ? -2 : -1;
		return why_set(why, rc, "%s: %s", path, strerror(errno));
	}
	rc = read_xml(&reader, findings, &source, path, why);
	if (file.error) {
		why_set(why, -1, "%s: %s", path, strerror(file.error));
		rc = -1;
	}
	*known = reader.known;
	fclose(file.stream);
	return rc;
}

/* "22,80,8000-8010" */
static void
list_ports(const struct findings *f, char *out)
{
	struct text t = text_over(out, PORTS_TEXT_MAX);

	for (size_t i = 0; i < f->port_count;) {
		size_t last = i;

		while (last + 1 < f->port_count &&
		       f->ports[last + 1] == f->ports[last] + 1) {
			last++;
		}
		text_put(&t, "%s%u", i ? "," : "", f->ports[i]);
		if (last > i) {
			text_put(&t, "-%u", f->ports[last]);
		}
		i = last + 1;
	}
}

/* Room for what one run takes and prints. */
struct session {
	char ports[PORTS_TEXT_MAX];
	char output[OUTPUT_MAX];
	char errors[ERRORS_MAX];
};

static const char *
whole_output(void *context, size_t *len)
{
	const char **output = context;
	const char *text = *output;

	*output = NULL;
	*len = text ? strlen(text) : 0;
	return text;
}

static int
run_once(struct findings *f, struct session *s, const char *const *argv,
	 char *why)
{
	struct reader reader = { 0 };
	const char *output = s->output;
	const struct xml_source source = { whole_output, &output };
	int status = run_attached(argv, NULL, s->output, sizeof s->output,
				  s->errors, sizeof s->errors);

	s->errors[strcspn(s->errors, "\n")] = '\0';
	if (status == RUN_NOT_FOUND) {
		return why_set(why, -2, "nmap: not installed");
	}
	if (status != 0) {
		return why_set(why, -2, "nmap: %.256s",
			       status < 0 ? strerror(-status) : s->errors);
	}
	return read_xml(&reader, f, &source, "what nmap prints", why);
}

/* One scan of some targets of the same family. */
static int
run_scan(struct findings *f, struct session *s, enum probe_scan scan,
	 size_t first, size_t last, const struct nmap_options *options,
	 char *why)
{
	const struct probe_kind *kind = probe_kind(scan);
	const char *argv[ARGUMENTS_MAX] = {
		"nmap", "-n", "-Pn", "--disable-arp-ping",
		"-oX",  "-",  "-p",  s->ports,
	};
	size_t n = 8;

	for (size_t i = 0; i < 3 && kind->nmap[i]; i++) {
		argv[n++] = kind->nmap[i];
	}
	if (f->targets[first].addr.family == 6) {
		argv[n++] = "-6";
	}
	if (options->as_client && scan != PROBE_CONNECT) {
		argv[n++] = "--send-ip";
	}
	for (size_t i = first; i < last; i++) {
		argv[n++] = f->targets[i].text;
	}
	argv[n] = NULL;
	options->progress(options->context, scan);
	return run_once(f, s, argv, why);
}

/* The next targets that one run takes, from first on. */
static size_t
chunk_end(const struct findings *f, size_t first)
{
	size_t last = first;

	while (last < f->target_count && last - first < ADDRESSES_MAX &&
	       f->targets[last].addr.family == f->targets[first].addr.family) {
		last++;
	}
	return last;
}

int
nmap_run(struct findings *findings, const struct nmap_options *options,
	 char *why)
{
	struct session *s = malloc(sizeof *s);
	int rc = 0;

	if (!s) {
		return why_set(why, -2, "out of memory");
	}
	list_ports(findings, s->ports);
	for (size_t i = 0; i < findings->scan_count && rc == 0; i++) {
		size_t first = 0;

		while (first < findings->target_count && rc == 0) {
			size_t last = chunk_end(findings, first);

			rc = run_scan(findings, s, findings->scans[i], first,
				      last, options, why);
			first = last;
		}
	}
	free(s);
	return rc;
}
