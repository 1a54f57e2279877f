#include "probe_path/far_capture.h"

#include <stdio.h>
#include <string.h>

#include "base/why.h"
#include "daemon/log.h"

#define NS_A_SECOND 1000000000u
#define RECORD_HEADER 16u /* of pcap */

int
far_capture_open(struct far_capture *c, const char *device, uint16_t port,
		 const char *path, char *why)
{
	char filter[CAP_FILTER_MAX];
	int rc;

	device = device ? device : "any";
	snprintf(filter, sizeof filter, "tcp and (port %u or port %u)", port,
		 trial_other_port(port));
	c->path = path;
	rc = cap_open(&c->cap, device, filter, why);
	return rc < 0 || !path ? rc : cap_file_open(&c->file, path, why);
}

int
far_capture_close(struct far_capture *c)
{
	far_capture_tick(c);
	cap_close(&c->cap);
	return cap_file_close(&c->file);
}

static void
remember(struct far_capture *c, const struct cap_packet *packet)
{
	struct far_capture_syn *r =
		&c->recent[c->recent_next % FAR_CAPTURE_RECENT];
	size_t len =
		packet->len < sizeof r->bytes ? packet->len : sizeof r->bytes;
	struct field_values v;

	if (field_read(&v, packet->ip, len) < 0 || !field_is_syn(&v)) {
		return;
	}
	r->v = v;
	r->ns = packet->ns;
	r->device = packet->device;
	r->len = len;
	memcpy(r->bytes, packet->ip, len);
	c->recent_next++;
}

static void
complain(const struct far_capture *c, int rc)
{
	if (rc < 0) {
		log_say(LOG_LEVEL_ERROR, "%s: %s: nothing more is kept",
			c->path, strerror(-rc));
	}
}

/* Whether there is room for it, in this second and in the file. */
static bool
has_room(struct far_capture *c, const struct cap_packet *packet)
{
	const uint64_t second = packet->ns / NS_A_SECOND;
	const uint64_t bytes = packet->len + RECORD_HEADER;

	if (c->second != second) {
		c->second = second;
		c->kept = 0;
	}
	if (c->kept >= FAR_CAPTURE_PER_SECOND ||
	    c->bytes + bytes > FAR_CAPTURE_FILE_MAX) {
		return false;
	}
	c->kept++;
	c->bytes += bytes;
	return true;
}

static void
keep(struct far_capture *c, const struct cap_packet *packet)
{
	struct cap_packet cut = *packet;

	cut.len = cut.len < FAR_CAPTURE_PACKET_MAX ? cut.len
						   : FAR_CAPTURE_PACKET_MAX;
	if (!c->path || c->file.error < 0) {
		return;
	}
	if (!has_room(c, &cut)) {
		c->left_out++;
		return;
	}
	complain(c, cap_file_put(&c->file, &cut));
}

int
far_capture_next(struct far_capture *c, struct cap_packet *packet)
{
	int rc = cap_next(&c->cap, packet);

	if (rc == 1) {
		c->read_ns = packet->ns;
		keep(c, packet);
		remember(c, packet);
	} else if (!c->cap.more) {
		c->read_ns = UINT64_MAX;
	}
	return rc;
}

void
far_capture_tick(struct far_capture *c)
{
	complain(c, cap_file_flush(&c->file));
	if (c->left_out > 0) {
		log_say(LOG_LEVEL_WARNING, "%s: %llu packets not kept: %s",
			c->path, (unsigned long long)c->left_out,
			c->bytes + RECORD_HEADER + FAR_CAPTURE_PACKET_MAX >
					FAR_CAPTURE_FILE_MAX
				? "it is full"
				: "too many in a second");
		c->left_out = 0;
	}
}

const struct far_capture_syn *
far_capture_syn(const struct far_capture *c, const struct packet_addr *src,
		uint16_t sport)
{
	const struct far_capture_syn *found = NULL;

	for (size_t i = FAR_CAPTURE_RECENT; i > 0; i--) {
		const struct far_capture_syn *r =
			&c->recent[(c->recent_next + i - 1) %
				   FAR_CAPTURE_RECENT];

		if (r->len > 0 && r->v.value[FIELD_SPORT] == sport &&
		    packet_addr_equal(&r->v.src, src) &&
		    (!found ||
		     r->v.value[FIELD_SEQ] == found->v.value[FIELD_SEQ])) {
			found = r;
		}
	}
	return found;
}
