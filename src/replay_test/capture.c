#include "replay_test/capture.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/why.h"
#include "os/pcap.h"
#include "os/clock.h"
#include "base/text.h"

/* How long to wait for an answer. */
#define ANSWER_MS 1000u
#define LOOK_MS 100

static int
take_all(struct recording *r, struct cap *cap)
{
	struct cap_packet packet;
	int rc;

	while ((rc = cap_next(cap, &packet)) == 1) {
		recording_packet(r, packet.ip, packet.len, packet.wire_len,
				 packet.ns);
	}
	return rc;
}

int
material_read(struct recording *r, const char *path, char *why)
{
	struct cap cap;
	int rc = cap_open_file(&cap, path, why);

	if (rc < 0) {
		return rc;
	}
	rc = take_all(r, &cap);
	if (rc < 0) {
		why_set(why, -1, "%s: %s", path, cap_why(&cap));
	}
	cap_close(&cap);
	return rc;
}

static bool
is_enough(const struct recording *r, uint64_t *found_ms)
{
	if (recording_count(r) == 0) {
		return false;
	}
	if (*found_ms == 0) {
		*found_ms = clock_ms();
	}
	return recording_at(r, 0)->answered ||
		clock_ms() - *found_ms > ANSWER_MS;
}

int
material_record(struct recording *r, const char *device, unsigned seconds,
		void (*progress)(void *context, unsigned left), void *context,
		char *why)
{
	uint64_t end = clock_ms() + UINT64_C(1000) * seconds;
	char filter[CAP_FILTER_MAX];
	struct text t = text_over(filter, sizeof filter);
	uint64_t found_ms = 0;
	struct cap cap;
	int rc;

	text_put(&t, "tcp port %u", r->port);
	rc = cap_open(&cap, device, filter, why);
	if (rc < 0) {
		return rc;
	}
	for (uint64_t now = clock_ms();
	     rc == 0 && now < end && !is_enough(r, &found_ms);
	     now = clock_ms()) {
		struct pollfd fd = { .fd = cap.fd, .events = POLLIN };

		progress(context, (unsigned)((end - now) / 1000));
		poll(&fd, 1, LOOK_MS);
		rc = take_all(r, &cap);
	}
	if (rc < 0) {
		why_set(why, -1, "%s: %s", device, cap_why(&cap));
	}
	cap_close(&cap);
	return rc;
}
