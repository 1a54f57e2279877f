#include "client/backend_pcap.h"

#include <string.h>

#include "base/why.h"
#include "daemon/log.h"
#include "tap.h"

static int
send_by_wire(void *context, const struct outbound_syn *in,
	     const struct packet *syn, const struct packet_view *frames,
	     size_t count)
{
	struct backend_pcap *f = context;
	int rc = 0;

	(void)in;
	(void)syn;
	for (size_t i = 0; i < count && rc == 0; i++) {
		rc = wire_send(&f->wire, f->syn, frames[i].bytes,
			       frames[i].len);
	}
	return rc;
}

/* The devices that rules name; none, and so all, where one names none. */
static size_t
devices_of(const struct client_conf *conf, const char **names)
{
	size_t count = 0;

	for (size_t i = 0; i < conf->rules_count; i++) {
		const char *name = conf->rules[i].outdev;
		size_t at = 0;

		if (name[0] == '\0') {
			return 0;
		}
		while (at < count && strcmp(names[at], name) != 0) {
			at++;
		}
		if (at == count && count < WIRE_DEVICES_MAX) {
			names[count++] = name;
		}
	}
	return count;
}

int
backend_pcap_open(struct backend_pcap *f, struct outbound *outbound,
		  const struct client_conf *conf, bool later)
{
	const char *names[WIRE_DEVICES_MAX];
	char why[WHY_MAX];

	memset(f, 0, sizeof *f);
	if (conf->by_user || conf->by_exe) {
		log_say(LOG_LEVEL_ERROR,
			"user= and exe= cannot be used with "
			"--backend pcap");
		return TAP_USAGE;
	}
	if (conf->forwards) {
		log_say(LOG_LEVEL_ERROR,
			"type=FORWARD cannot be used with --backend pcap");
		return TAP_USAGE;
	}
	if (wire_open(&f->wire, names, devices_of(conf, names), why) < 0 ||
	    (!later && (f->wire.count == 0 || f->wire.absent > 0))) {
		log_say(LOG_LEVEL_ERROR, "%s", why);
		wire_close(&f->wire);
		return TAP_SYSTEM;
	}
	f->outbound = outbound;
	outbound->send = send_by_wire;
	outbound->context = f;
	return TAP_OK;
}

void
backend_pcap_close(struct backend_pcap *f)
{
	wire_close(&f->wire);
}

size_t
backend_pcap_fds(const struct backend_pcap *f, struct pollfd *fds)
{
	for (size_t i = 0; i < f->wire.count; i++) {
		const struct wire_device *device = &f->wire.devices[i];

		fds[i] = (struct pollfd){
			.fd = device->failed ? -1 : device->fd,
			.events = POLLIN,
		};
	}
	return f->wire.count;
}

/* The original SYN has left; the whole group, with SYN0, follows it. */
static void
follow(struct backend_pcap *f, struct wire_syn *syn)
{
	const struct outbound_syn in = {
		.bytes = syn->bytes,
		.len = syn->len,
		.wire_len = syn->wire_len,
		.device = syn->device->name,
	};
	uint8_t syn0[WIRE_SNAPLEN];
	struct packet p;

	f->syn = syn;
	if (in.len <= sizeof syn0 &&
	    outbound_syn(f->outbound, &in, syn0) == OUTBOUND_SYN0 &&
	    packet_parse(&p, syn0, in.len, in.wire_len) == PACKET_OK) {
		wire_send(&f->wire, syn, syn0, p.data_at);
	}
}

bool
backend_pcap_serve_device(struct backend_pcap *f, struct wire_device *device)
{
	struct wire_syn syn;
	int rc;

	while ((rc = wire_next(&f->wire, device, &syn)) > 0) {
		follow(f, &syn);
	}
	device->failed = rc < 0;
	return !device->failed;
}

const char *
backend_pcap_serve(struct backend_pcap *f)
{
	const char *failed = NULL;

	for (size_t i = 0; i < f->wire.count; i++) {
		struct wire_device *device = &f->wire.devices[i];

		/*
		 * Read also where poll() saw nothing: of a device that went
		 * down before it was removed, the kernel doesn't say the
		 * second; libpcap looks for it when it is asked for a frame.
		 */
		if (!device->failed && !backend_pcap_serve_device(f, device)) {
			failed = device->name;
		}
	}
	return failed;
}
