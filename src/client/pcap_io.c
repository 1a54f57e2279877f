#include "client/pcap_io.h"

#include <errno.h>
#include <pcap.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/why.h"
#include "os/linktype.h"
#include "protocol/packet.h"

/* First SYNs: without extension headers for IPv6, which no stack sends. */
#define FILTER                                                                 \
	"(ip and tcp[tcpflags] & "                                             \
	"(tcp-syn|tcp-ack|tcp-rst|tcp-fin) == tcp-syn) or "                    \
	"(ip6 and ip6[6] == 6 and ip6[53] & 0x17 == 2)"

/* Cooked captures lack the link header that our frames would need. */
static bool
can_send(int linktype)
{
	return linktype_known(linktype) && linktype != LINKTYPE_LINUX_SLL &&
		linktype != LINKTYPE_LINUX_SLL2;
}

/* What came of an attempt to listen on a device. */
enum { LISTENS, ABSENT, REFUSED };

static int
activate(pcap_t *pcap, char *why)
{
	struct bpf_program filter;
	char error[PCAP_ERRBUF_SIZE];
	int rc;

	if (pcap_set_snaplen(pcap, WIRE_SNAPLEN) != 0 ||
	    pcap_set_promisc(pcap, 0) != 0 ||
	    pcap_set_immediate_mode(pcap, 1) != 0) {
		return why_set(why, REFUSED, "%s", pcap_geterr(pcap));
	}
	rc = pcap_activate(pcap);
	if (rc < 0) {
		return why_set(why,
			       rc == PCAP_ERROR_NO_SUCH_DEVICE ||
					       rc == PCAP_ERROR_IFACE_NOT_UP
				       ? ABSENT
				       : REFUSED,
			       "%s",
			       rc == PCAP_ERROR ? pcap_geterr(pcap)
						: pcap_statustostr(rc));
	}
	if (!can_send(pcap_datalink(pcap))) {
		return why_set(why, REFUSED, "link type %s can't be sent on",
			       pcap_datalink_val_to_name(pcap_datalink(pcap)));
	}
	if (pcap_setdirection(pcap, PCAP_D_OUT) != 0 ||
	    pcap_compile(pcap, &filter, FILTER, 1, PCAP_NETMASK_UNKNOWN) != 0) {
		return why_set(why, REFUSED, "%s", pcap_geterr(pcap));
	}
	rc = pcap_setfilter(pcap, &filter);
	pcap_freecode(&filter);
	if (rc != 0 || pcap_setnonblock(pcap, 1, error) != 0) {
		return why_set(why, REFUSED, "%s", pcap_geterr(pcap));
	}
	return LISTENS;
}

static int
open_device(struct wire_device *device, const char *name, char *why)
{
	char error[PCAP_ERRBUF_SIZE];
	pcap_t *pcap;
	int rc;

	pcap = pcap_create(name, error);
	if (!pcap) {
		return why_set(why, REFUSED, "%s: %s", name, error);
	}
	rc = activate(pcap, why);
	if (rc != LISTENS) {
		pcap_close(pcap);
		return why_of(why, rc, name);
	}
	device->pcap = pcap;
	device->fd = pcap_get_selectable_fd(pcap);
	device->linktype = pcap_datalink(pcap);
	device->turn = 0;
	device->failed = false;
	return LISTENS;
}

static int
add_device(struct wire *wire, const char *name, char *why)
{
	struct wire_device *device = &wire->devices[wire->count];
	int rc;

	if (wire->count == WIRE_DEVICES_MAX) {
		return why_set(why, REFUSED, "more than %u devices",
			       WIRE_DEVICES_MAX);
	}
	rc = open_device(device, name, why);
	if (rc == LISTENS) {
		snprintf(device->name, sizeof device->name, "%s", name);
		wire->count++;
	}
	return rc;
}

/* Every device that is up and has frames of a kind that can be sent. */
static int
add_all(struct wire *wire, char *why)
{
	char error[PCAP_ERRBUF_SIZE];
	bool refused = false;
	pcap_if_t *all;

	if (pcap_findalldevs(&all, error) != 0) {
		return why_set(why, -1, "%s", error);
	}
	for (const pcap_if_t *at = all; at; at = at->next) {
		if (at->flags & PCAP_IF_UP && at->addresses &&
		    wire->count < WIRE_DEVICES_MAX) {
			refused |= add_device(wire, at->name, why) == REFUSED;
		}
	}
	pcap_freealldevs(all);
	return refused && wire->count == 0 ? -1 : 0;
}

int
wire_open(struct wire *wire, const char *const *names, size_t count, char *why)
{
	int rc = 0;

	memset(wire, 0, sizeof *wire);
	why_set(why, -1, "no device is up");
	if (count == 0) {
		rc = add_all(wire, why);
	}
	for (size_t i = 0; i < count && rc == 0; i++) {
		switch (add_device(wire, names[i], why)) {
		case LISTENS:
			break;
		case ABSENT:
			wire->absent++;
			break;
		default:
			rc = -1;
		}
	}
	if (rc < 0) {
		wire_close(wire);
	}
	return rc;
}

bool
wire_reopen(struct wire_device *device, char *why)
{
	if (device->pcap) {
		pcap_close(device->pcap);
		device->pcap = NULL;
	}
	return open_device(device, device->name, why) == LISTENS;
}

void
wire_close(struct wire *wire)
{
	while (wire->count > 0) {
		pcap_t *pcap = wire->devices[--wire->count].pcap;

		if (pcap) {
			pcap_close(pcap);
		}
	}
}

/* Some systems capture our own frames. */
static bool
is_ours(const struct wire *wire, const struct packet *p)
{
	for (size_t i = 0; i < WIRE_SENT_MAX; i++) {
		if (wire->sent[i].seq == p->seq &&
		    wire->sent[i].sport == p->sport &&
		    wire->sent[i].window == p->window && p->seq != 0) {
			return true;
		}
	}
	return false;
}

int
wire_next(struct wire *wire, struct wire_device *device, struct wire_syn *syn)
{
	struct pcap_pkthdr *header;
	const u_char *frame;
	int rc = 0;

	while (device->turn++ < WIRE_TURN_MAX &&
	       (rc = pcap_next_ex(device->pcap, &header, &frame)) == 1) {
		ptrdiff_t at =
			linktype_ip(device->linktype, frame, header->caplen);
		struct packet p;

		if (at < 0) {
			continue;
		}
		*syn = (struct wire_syn){
			.device = device,
			.link = frame,
			.link_len = (size_t)at,
			.bytes = frame + at,
			.len = header->caplen - (size_t)at,
			.wire_len = header->len - (size_t)at,
		};
		/* Ethernet pads short frames. */
		if (packet_parse(&p, syn->bytes, syn->len, syn->wire_len) !=
			    PACKET_OK ||
		    !is_ours(wire, &p)) {
			return 1;
		}
	}
	device->turn = 0;
	return rc < 0 ? -1 : 0;
}

static void
note(struct wire *wire, const uint8_t *bytes, size_t len)
{
	struct packet p;

	if (packet_parse(&p, bytes, len, len) == PACKET_OK) {
		wire->sent[wire->sent_next].seq = p.seq;
		wire->sent[wire->sent_next].sport = p.sport;
		wire->sent[wire->sent_next].window = p.window;
		wire->sent_next = (wire->sent_next + 1) % WIRE_SENT_MAX;
	}
}

int
wire_send(struct wire *wire, const struct wire_syn *syn, const uint8_t *bytes,
	  size_t len)
{
	uint8_t frame[2 * WIRE_SNAPLEN];

	if (syn->link_len > WIRE_SNAPLEN || len > WIRE_SNAPLEN) {
		return -EMSGSIZE;
	}
	memcpy(frame, syn->link, syn->link_len);
	memcpy(frame + syn->link_len, bytes, len);
	note(wire, bytes, len);
	if (pcap_inject(syn->device->pcap, frame, syn->link_len + len) < 0) {
		return errno ? -errno : -EIO;
	}
	return 0;
}
