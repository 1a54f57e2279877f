#include "fastpath/ingress_status.h"

#include <stdio.h>
#include <string.h>

#include "fastpath/bpf.h"
#include "os/clock.h"

const char *
ingress_state(const struct ingress *s)
{
	const char *state = "off";

	for (size_t i = 0; i < s->ifname_count; i++) {
		if (s->links[i].fd[INGRESS_XDP] >= 0 && !s->links[i].generic) {
			return "native";
		}
		if (ingress_link_is_on(&s->links[i])) {
			state = "generic";
		}
	}
	return state;
}

void
ingress_reason(const struct ingress *s, char why[INGRESS_WHY_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < s->ifname_count; i++) {
		count += ingress_link_is_on(&s->links[i]);
	}
	if (ingress_is_settled(s) && s->why[0]) {
		memcpy(why, s->why, INGRESS_WHY_MAX);
	} else if (!ingress_is_settled(s) || clock_us() * 1000 < s->settled) {
		snprintf(why, INGRESS_WHY_MAX, "not yet");
	} else if (count == 0 && s->ifname_count > 0) {
		snprintf(why, INGRESS_WHY_MAX,
			 "no flood, and no TCX in this kernel");
	} else {
		snprintf(why, INGRESS_WHY_MAX, "%zu device%s%s", count,
			 count == 1 ? "" : "s", s->flood ? ", flood" : "");
	}
}

int
ingress_counts(const struct ingress *s, uint64_t counts[INGRESS_COUNTS])
{
	uint64_t now[INGRESS_COUNTS];
	int rc = bpf_map_sums(s->map[INGRESS_MAP_COUNTS], now, INGRESS_COUNTS);

	for (size_t i = 0; i < INGRESS_COUNTS; i++) {
		counts[i] = s->counted[i] + now[i];
	}
	return rc;
}
