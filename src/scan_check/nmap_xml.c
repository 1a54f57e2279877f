#include "scan_check/nmap_xml.h"

#include <string.h>

/* Looking at so many words of a list costs as much as one port. */
#define LOOK 64u

enum element {
	ELEMENT_OTHER,
	ELEMENT_RUN,
	ELEMENT_SCANINFO,
	ELEMENT_HOST,
	ELEMENT_STATUS,
	ELEMENT_ADDRESS,
	ELEMENT_PORTS,
	ELEMENT_EXTRAPORTS,
	ELEMENT_EXTRAREASONS,
	ELEMENT_PORT,
	ELEMENT_STATE,
};

/* Indices into words[]; the last two are not stored there. */
enum attribute {
	ATTRIBUTE_TYPE,
	ATTRIBUTE_FLAGS,
	ATTRIBUTE_PROTOCOL,
	ATTRIBUTE_STATE,
	ATTRIBUTE_ADDRESS,
	ATTRIBUTE_PORT,
	ATTRIBUTE_WORDS,
	ATTRIBUTE_ARGS = ATTRIBUTE_WORDS,
	ATTRIBUTE_LIST,
	ATTRIBUTE_OTHER,
};

static const char *const elements[] = {
	[ELEMENT_OTHER] = "",
	[ELEMENT_RUN] = "nmaprun",
	[ELEMENT_SCANINFO] = "scaninfo",
	[ELEMENT_HOST] = "host",
	[ELEMENT_STATUS] = "status",
	[ELEMENT_ADDRESS] = "address",
	[ELEMENT_PORTS] = "ports",
	[ELEMENT_EXTRAPORTS] = "extraports",
	[ELEMENT_EXTRAREASONS] = "extrareasons",
	[ELEMENT_PORT] = "port",
	[ELEMENT_STATE] = "state",
};

static const struct {
	enum element element;
	const char *name;
	enum attribute attribute;
} attributes[] = {
	{ ELEMENT_RUN, "scanner", ATTRIBUTE_TYPE },
	{ ELEMENT_RUN, "args", ATTRIBUTE_ARGS },
	{ ELEMENT_SCANINFO, "type", ATTRIBUTE_TYPE },
	{ ELEMENT_SCANINFO, "scanflags", ATTRIBUTE_FLAGS },
	{ ELEMENT_SCANINFO, "protocol", ATTRIBUTE_PROTOCOL },
	{ ELEMENT_SCANINFO, "services", ATTRIBUTE_LIST },
	{ ELEMENT_STATUS, "state", ATTRIBUTE_STATE },
	{ ELEMENT_ADDRESS, "addr", ATTRIBUTE_ADDRESS },
	{ ELEMENT_ADDRESS, "addrtype", ATTRIBUTE_TYPE },
	{ ELEMENT_EXTRAPORTS, "state", ATTRIBUTE_STATE },
	{ ELEMENT_EXTRAREASONS, "proto", ATTRIBUTE_PROTOCOL },
	{ ELEMENT_EXTRAREASONS, "ports", ATTRIBUTE_LIST },
	{ ELEMENT_PORT, "protocol", ATTRIBUTE_PROTOCOL },
	{ ELEMENT_PORT, "portid", ATTRIBUTE_PORT },
	{ ELEMENT_STATE, "state", ATTRIBUTE_STATE },
};

void
nmap_xml_ports_add(struct nmap_xml_ports *ports, uint32_t port)
{
	ports->bits[port / 64] |= UINT64_C(1) << port % 64;
}

/* From low to high, a word at a time. */
static void
add_range(struct nmap_xml_ports *ports, uint32_t low, uint32_t high)
{
	for (uint32_t word = low / 64; word <= high / 64; word++) {
		uint64_t bits = UINT64_MAX;

		if (word == low / 64) {
			bits &= UINT64_MAX << low % 64;
		}
		if (word == high / 64) {
			bits &= UINT64_MAX >> (63 - high % 64);
		}
		ports->bits[word] |= bits;
	}
}

/* A number is at its end: a port, or the last one of a range. */
static void
list_number(struct nmap_xml_list *list)
{
	uint32_t low = list->range ? list->low : list->number;

	if (list->digits && list->number < NMAP_XML_PORTS &&
	    low <= list->number) {
		list->work += 1 + (list->number - low) / 64 / LOOK;
		list->any = true;
		add_range(&list->ports, low, list->number);
	}
	list->digits = list->range = false;
	list->number = 0;
}

/* Bound the time: a list can name the same ports again and again. */
static void
count_work(struct nmap_xml *n, uint64_t steps)
{
	n->work += steps;
	if (n->work > NMAP_XML_WORK_MAX) {
		xml_fail(&n->xml, "too many ports");
	}
}

static void
list_add(struct nmap_xml_list *list, const char *part, size_t len)
{
	list->seen = true;
	for (size_t i = 0; i < len; i++) {
		char c = part[i];

		if (c >= '0' && c <= '9') {
			list->digits = true;
			if (list->number < NMAP_XML_PORTS) {
				list->number =
					list->number * 10 + (uint32_t)(c - '0');
			}
		} else if (c == '-' && list->digits && !list->range &&
			   list->number < NMAP_XML_PORTS) {
			list->low = list->number;
			list->number = 0;
			list->digits = false;
			list->range = true;
		} else {
			list_number(list);
		}
	}
}

static void
append(char *out, size_t size, const char *part, size_t len)
{
	size_t used = strlen(out);
	size_t room = size - 1 - used;

	len = len < room ? len : room;
	memcpy(out + used, part, len);
	out[used + len] = '\0';
}

static void
clear_list(struct nmap_xml_list *list)
{
	if (list->any) {
		memset(&list->ports, 0, sizeof list->ports);
	}
	list->any = list->digits = list->range = list->seen = false;
	list->low = list->number = 0;
	list->work = 0;
}

static void
begin(struct nmap_xml *n, const char *name)
{
	size_t known = sizeof elements / sizeof elements[0];
	size_t i = ELEMENT_OTHER;

	while (++i < known && strcmp(elements[i], name) != 0) {
	}
	n->element = i < known ? (int)i : ELEMENT_OTHER;
	if (n->xml.depth == 1 && n->element != ELEMENT_RUN) {
		xml_fail(&n->xml, "this is not what nmap writes");
	}
	memset(n->words, 0, sizeof n->words);
	if (n->element == ELEMENT_SCANINFO ||
	    n->element == ELEMENT_EXTRAREASONS) {
		clear_list(&n->list);
	}
}

static void
name_attribute(struct nmap_xml *n, const char *name)
{
	n->attribute = ATTRIBUTE_OTHER;
	for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
		if ((int)attributes[i].element == n->element &&
		    strcmp(attributes[i].name, name) == 0) {
			n->attribute = (int)attributes[i].attribute;
		}
	}
}

static void
take_value(struct nmap_xml *n, const char *part, size_t len)
{
	if (n->attribute < ATTRIBUTE_WORDS) {
		append(n->words[n->attribute], NMAP_XML_WORD_MAX, part, len);
	} else if (n->attribute == ATTRIBUTE_ARGS) {
		append(n->args, sizeof n->args, part, len);
	} else if (n->attribute == ATTRIBUTE_LIST) {
		list_add(&n->list, part, len);
		count_work(n, n->list.work);
		n->list.work = 0;
	}
}

static int
protocol_of(const char *word)
{
	if (strcmp(word, "tcp") == 0) {
		return NMAP_XML_TCP;
	}
	return strcmp(word, "udp") == 0 ? NMAP_XML_UDP : -1;
}

/* Bytes that --data-length and its like append to every probe. */
static bool
sends_data(const char *args)
{
	const char *length = strstr(args, "data-length ");

	return (length && strncmp(length, "data-length 0", 13) != 0) ||
		strstr(args, "data-string ") || strstr(args, "-data ");
}

/* The flags that "SYNECECWR" means; 0: it means none. */
static uint8_t
flags_of(const char *word)
{
	static const char names[] = "FINSYNRSTPSHACKURGECECWR";
	unsigned flags = 0;

	for (; *word; word += 3) {
		unsigned bit = 0;

		while (bit < 8 && strncmp(word, names + 3 * bit, 3) != 0) {
			bit++;
		}
		if (bit == 8) {
			return 0;
		}
		flags |= 1u << bit;
	}
	return (uint8_t)flags;
}

/* The scan of a scaninfo, as ours are called. */
static enum probe_scan
scan_of(const struct nmap_xml *n)
{
	const char *type = n->words[ATTRIBUTE_TYPE];
	const char *flags = n->words[ATTRIBUTE_FLAGS];
	const bool data = sends_data(n->args);
	enum probe_scan scan = 0;

	for (; scan < PROBE_SCANS; scan++) {
		const struct probe_kind *kind = probe_kind(scan);
		bool same_flags = kind->nmap_flags
			? kind->flags == flags_of(flags)
			: *flags == '\0';
		bool same_data = scan == PROBE_CONNECT || scan == PROBE_UDP ||
			data == (kind->data > 0);

		if (strcmp(type,
			   kind->nmap_type ? kind->nmap_type : kind->name) ==
			    0 &&
		    same_flags && same_data) {
			break;
		}
	}
	return scan;
}

static void
take_scaninfo(struct nmap_xml *n)
{
	int protocol = protocol_of(n->words[ATTRIBUTE_PROTOCOL]);

	list_number(&n->list);
	if (protocol >= 0) {
		n->scan[protocol] = scan_of(n);
		n->services[protocol] = n->list.ports;
	}
}

static void
begin_host(struct nmap_xml *n)
{
	n->address[0] = '\0';
	n->down = false;
	n->port = NMAP_XML_PORTS;
	n->extra = PROBE_UNKNOWN;
	n->extra_lists = n->extra_count = 0;
	n->wanted = n->sink.host == NULL;
	if (n->told_any) {
		memset(n->told, 0, sizeof n->told);
		n->told_any = false;
	}
}

static void
take_address(struct nmap_xml *n)
{
	const char *type = n->words[ATTRIBUTE_TYPE];

	if (strcmp(type, "ipv4") == 0 || strcmp(type, "ipv6") == 0) {
		memcpy(n->address, n->words[ATTRIBUTE_ADDRESS],
		       sizeof n->address);
		count_work(n, 1);
		n->wanted = n->sink.host == NULL ||
			n->sink.host(n->sink.context, n->address);
	}
}

static void
tell(struct nmap_xml *n, int protocol, uint32_t port, enum probe_state state)
{
	struct nmap_xml_port p = {
		.address = n->address,
		.scan = n->scan[protocol],
		.port = (uint16_t)port,
		.state = state,
	};

	nmap_xml_ports_add(&n->told[protocol], port);
	n->told_any = true;
	n->sink.port(n->sink.context, &p);
}

static enum probe_state
state_of(const struct nmap_xml *n)
{
	const char *word = n->words[ATTRIBUTE_STATE];

	return probe_state_find(word, strlen(word));
}

/* Of ports that are not told of, or of all. */
static void
tell_extra(struct nmap_xml *n, int protocol, const struct nmap_xml_ports *ports,
	   bool all)
{
	const size_t words = sizeof ports->bits / sizeof ports->bits[0];

	if (!n->wanted) {
		return;
	}
	count_work(n, words / LOOK);
	for (uint32_t word = 0; word < words; word++) {
		uint64_t left = ports->bits[word];

		left &= n->sink.ports ? n->sink.ports->bits[word] : UINT64_MAX;
		left &= all ? UINT64_MAX : ~n->told[protocol].bits[word];
		for (uint32_t bit = 0; left; bit++, left >>= 1) {
			if (left & 1) {
				count_work(n, 1);
				tell(n, protocol, word * 64 + bit, n->extra);
			}
		}
	}
}

static void
take_extrareasons(struct nmap_xml *n)
{
	int protocol = protocol_of(n->words[ATTRIBUTE_PROTOCOL]);

	list_number(&n->list);
	if (protocol >= 0 && n->list.seen) {
		n->extra_lists++;
		tell_extra(n, protocol, &n->list.ports, true);
	}
}

static void
take_port(struct nmap_xml *n)
{
	const char *word = n->words[ATTRIBUTE_PORT];
	uint32_t port = 0;

	n->port = NMAP_XML_PORTS;
	n->port_protocol = protocol_of(n->words[ATTRIBUTE_PROTOCOL]);
	if (*word == '\0' || strspn(word, "0123456789") != strlen(word) ||
	    strlen(word) > 5) {
		return;
	}
	for (; *word; word++) {
		port = port * 10 + (uint32_t)(*word - '0');
	}
	n->port = port < NMAP_XML_PORTS ? port : NMAP_XML_PORTS;
}

static void
attributes_end(struct nmap_xml *n)
{
	switch ((enum element)n->element) {
	case ELEMENT_RUN:
		if (strcmp(n->words[ATTRIBUTE_TYPE], "nmap") != 0) {
			xml_fail(&n->xml, "this is not what nmap writes");
		}
		break;
	case ELEMENT_SCANINFO:
		take_scaninfo(n);
		break;
	case ELEMENT_HOST:
		begin_host(n);
		break;
	case ELEMENT_STATUS:
		n->down = strcmp(n->words[ATTRIBUTE_STATE], "down") == 0;
		break;
	case ELEMENT_ADDRESS:
		take_address(n);
		break;
	case ELEMENT_EXTRAPORTS:
		n->extra = state_of(n);
		n->extra_count++;
		break;
	case ELEMENT_EXTRAREASONS:
		take_extrareasons(n);
		break;
	case ELEMENT_PORT:
		take_port(n);
		break;
	case ELEMENT_STATE:
		if (n->port < NMAP_XML_PORTS && n->port_protocol >= 0 &&
		    n->wanted) {
			tell(n, n->port_protocol, n->port, state_of(n));
		}
		break;
	case ELEMENT_PORTS:
	case ELEMENT_OTHER:
		break;
	}
	n->element = ELEMENT_OTHER;
}

/*
 * Before 7.90 nmap told of extraports how many there are, and not which:
 * where all are of one kind, they are those it says nothing else of.
 */
static void
tell_rest(struct nmap_xml *n)
{
	if (n->extra_count != 1 || n->extra_lists > 0) {
		return;
	}
	for (int protocol = 0; protocol < NMAP_XML_PROTOCOLS; protocol++) {
		tell_extra(n, protocol, &n->services[protocol], false);
	}
}

static void
end(struct nmap_xml *n, const char *name)
{
	if (strcmp(name, elements[ELEMENT_PORTS]) == 0) {
		tell_rest(n);
	} else if (strcmp(name, elements[ELEMENT_PORT]) == 0) {
		n->port = NMAP_XML_PORTS;
	} else if (strcmp(name, elements[ELEMENT_HOST]) == 0 && n->down &&
		   n->wanted) {
		n->sink.down(n->sink.context, n->address);
	}
}

void
nmap_xml_init(struct nmap_xml *n, const struct nmap_xml_sink *sink)
{
	memset(n, 0, sizeof *n);
	n->sink = *sink;
	n->scan[NMAP_XML_TCP] = n->scan[NMAP_XML_UDP] = PROBE_SCANS;
	begin_host(n);
}

int
nmap_xml_read(struct nmap_xml *n, const struct xml_source *source)
{
	struct xml *xml = &n->xml;

	xml_init(xml, source);
	for (;;) {
		switch (xml_next(xml)) {
		case XML_OPEN:
			begin(n, xml->name);
			break;
		case XML_ATTRIBUTE:
			name_attribute(n, xml->name);
			break;
		case XML_VALUE:
			take_value(n, xml->value, xml->value_len);
			break;
		case XML_CONTENT:
			attributes_end(n);
			break;
		case XML_CLOSE:
			end(n, xml->name);
			break;
		case XML_END:
			return 0;
		case XML_ERROR:
			return -1;
		}
	}
}
