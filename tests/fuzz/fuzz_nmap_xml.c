/* SPDX-License-Identifier: ISC */
/*
 * nmap's XML: read whole and in parts of a size that the first byte says,
 * it gives the same; and no more than headers promise.
 */
#include "fuzz.h"

#include <string.h>

#include "scan_check/nmap_xml.h"

/* A list of all ports, again and again, takes time and finds nothing new. */
#undef NMAP_XML_WORK_MAX
#define NMAP_XML_WORK_MAX (NMAP_XML_PORTS / 4u)
#include "scan_check/nmap_xml.c"

struct seen {
	uint64_t ports, sum, downs;
};

static void
see_port(void *context, const struct nmap_xml_port *port)
{
	struct seen *seen = context;

	CHECK(port->scan <= PROBE_SCANS);
	CHECK(port->state < PROBE_STATES);
	CHECK(strlen(port->address) < NMAP_XML_WORD_MAX);
	seen->ports++;
	seen->sum = seen->sum * 31 + port->port * 7u + port->state * 3u +
		port->scan;
}

static void
see_down(void *context, const char *address)
{
	struct seen *seen = context;

	CHECK(strlen(address) < NMAP_XML_WORD_MAX);
	seen->downs++;
}

struct parts {
	const char *text;
	size_t left, part;
};

static const char *
next_part(void *context, size_t *len)
{
	struct parts *p = context;
	const char *text = p->text;

	*len = p->left < p->part ? p->left : p->part;
	p->text += *len;
	p->left -= *len;
	return *len > 0 ? text : NULL;
}

static int
read_all(struct nmap_xml *n, struct seen *seen, const char *text, size_t size,
	 size_t part)
{
	struct nmap_xml_sink sink = { .port = see_port,
				      .down = see_down,
				      .context = seen };
	struct parts parts = { text, size, part };
	const struct xml_source source = { next_part, &parts };
	int rc;

	memset(seen, 0, sizeof *seen);
	nmap_xml_init(n, &sink);
	rc = nmap_xml_read(n, &source);
	CHECK((rc < 0) == (n->xml.why != NULL));
	CHECK(n->xml.depth <= XML_DEPTH_MAX);
	CHECK(n->xml.line >= 1);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct nmap_xml whole, parts;
	struct seen seen, again;
	int rc;

	if (size < 1) {
		return 0;
	}
	rc = read_all(&whole, &seen, (const char *)data + 1, size - 1, size);
	CHECK(read_all(&parts, &again, (const char *)data + 1, size - 1,
		       1u + data[0]) == rc);
	CHECK(memcmp(&seen, &again, sizeof seen) == 0);
	CHECK(whole.xml.line == parts.xml.line);
	return 0;
}
