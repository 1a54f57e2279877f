#include "follower.h"

#include <string.h>

#include "log.h"
#include "tap.h"

static int
send_by_wire(void *context, const struct rawsock_packet *packets, size_t count)
{
	struct follower *f = context;
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		rc = wire_send(&f->wire, f->syn, packets[i].bytes,
			       packets[i].len);
	}
	return rc;
}

/* The devices that rules name; none, and so all, where one names none. */
static size_t
devices_of(const struct conf_client *conf, const char **names)
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
follower_open(struct follower *f, struct escort *escort,
	      const struct conf_client *conf)
{
	const char *names[WIRE_DEVICES_MAX];
	char why[WIRE_WHY_MAX];

	memset(f, 0, sizeof *f);
	if (conf->by_user || conf->by_exe) {
		log_say(LOG_LEVEL_ERROR, "user= and exe= need netfilter, not "
					 "--backend pcap");
		return TAP_USAGE;
	}
	if (wire_open(&f->wire, names, devices_of(conf, names), why) < 0) {
		log_say(LOG_LEVEL_ERROR, "%s", why);
		return TAP_SYSTEM;
	}
	f->escort = escort;
	escort->send = send_by_wire;
	escort->send_context = f;
	return TAP_OK;
}

void
follower_close(struct follower *f)
{
	wire_close(&f->wire);
}

size_t
follower_fds(const struct follower *f, struct pollfd *fds)
{
	for (size_t i = 0; i < f->wire.count; i++) {
		fds[i] = (struct pollfd){ .fd = f->wire.devices[i].fd,
					  .events = POLLIN };
	}
	return f->wire.count;
}

/* SYN-ORIG is out; its group, SYN0 too, goes after it. */
static void
follow(struct follower *f, struct wire_syn *syn)
{
	const struct escort_syn in = {
		.bytes = syn->bytes,
		.len = syn->len,
		.wire_len = syn->wire_len,
		.outdev = syn->device->index,
	};
	uint8_t syn0[WIRE_SNAPLEN];
	struct packet p;

	f->syn = syn;
	if (in.len <= sizeof syn0 &&
	    escort_syn(f->escort, &in, syn0) == ESCORT_SYN0 &&
	    packet_parse(&p, syn0, in.len, in.wire_len) == PACKET_OK) {
		wire_send(&f->wire, syn, syn0, p.data_at);
	}
}

void
follower_serve(struct follower *f, const struct pollfd *fds)
{
	for (size_t i = 0; i < f->wire.count; i++) {
		struct wire_syn syn;

		while (fds[i].revents &&
		       wire_next(&f->wire, &f->wire.devices[i], &syn) > 0) {
			follow(f, &syn);
		}
	}
}
