/*
 * What nmap saw, out of the XML that it writes (nmap -oX): addresses,
 * ports and their states, and nothing else.  The text may be anybody's;
 * see xml.h for what is refused.
 *
 *   <nmaprun scanner="nmap" args="...">
 *     <scaninfo type="syn" protocol="tcp" services="22,80"/>
 *     <host> <status state="up"/>
 *       <address addr="192.0.2.1" addrtype="ipv4"/>
 *       <ports>
 *         <extraports state="filtered">
 *           <extrareasons proto="tcp" ports="80"/> </extraports>
 *         <port protocol="tcp" portid="22"> <state state="open"/> </port>
 *       </ports> </host> </nmaprun>
 *
 * Pure.
 */
#ifndef TAP_SCAN_CHECK_NMAP_XML_H
#define TAP_SCAN_CHECK_NMAP_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/probe.h"
#include "scan_check/xml.h"

#define NMAP_XML_WORD_MAX 64u   /* an address, a state */
#define NMAP_XML_ARGS_MAX 1024u /* what is looked at of the arguments */
#define NMAP_XML_PORTS 65536u
/* Ports in all lists together: many times what a scan can want. */
#define NMAP_XML_WORK_MAX (UINT64_C(1) << 26)

struct nmap_xml_ports {
	uint64_t bits[NMAP_XML_PORTS / 64];
};

/* The state of one port. */
struct nmap_xml_port {
	const char *address;
	enum probe_scan scan; /* PROBE_SCANS: one that we don't know */
	uint16_t port;
	enum probe_state state;
};

struct nmap_xml_sink {
	void (*port)(void *context, const struct nmap_xml_port *port);
	/* The host was taken for down, and none of its ports scanned. */
	void (*down)(void *context, const char *address);
	void *context;
	/* Whether anything of this host is wanted; NULL: of every one. */
	bool (*host)(void *context, const char *address);
	/* The ports that are, the caller's; NULL: all. */
	const struct nmap_xml_ports *ports;
};

void nmap_xml_ports_add(struct nmap_xml_ports *ports, uint32_t port);

/* A list like "22,80,8000-8010", as it comes. */
struct nmap_xml_list {
	struct nmap_xml_ports ports;
	uint32_t low, number;
	bool digits, range, seen;
	bool any; /* ports */
	uint64_t work;
};

enum nmap_xml_protocol {
	NMAP_XML_TCP,
	NMAP_XML_UDP,
	NMAP_XML_PROTOCOLS,
};

struct nmap_xml {
	struct xml xml;
	struct nmap_xml_sink sink;

	/* The element, and its attributes as far as they came. */
	int element;
	int attribute;
	char words[6][NMAP_XML_WORD_MAX];
	struct nmap_xml_list list;

	uint64_t work;

	/* The run. */
	char args[NMAP_XML_ARGS_MAX];
	enum probe_scan scan[NMAP_XML_PROTOCOLS];
	struct nmap_xml_ports services[NMAP_XML_PROTOCOLS];

	/* The host. */
	char address[NMAP_XML_WORD_MAX];
	bool down;
	int port_protocol;
	uint32_t port; /* NMAP_XML_PORTS: none */
	bool wanted;   /* by the sink, as far as the address says */
	bool told_any;
	struct nmap_xml_ports told[NMAP_XML_PROTOCOLS];
	enum probe_state extra;
	unsigned extra_lists, extra_count;
};

void nmap_xml_init(struct nmap_xml *n, const struct nmap_xml_sink *sink);
/* Read a document: 0, or -1 with n->xml.why and .line. */
int nmap_xml_read(struct nmap_xml *n, const struct xml_source *source);

#endif
