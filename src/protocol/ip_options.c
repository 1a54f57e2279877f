#include "protocol/ip_options.h"

enum option {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_RECORD_ROUTE = 7,
	OPTION_TIME_STAMP = 0x44,
	OPTION_LOOSE_ROUTE = 0x83,
	OPTION_CIPSO = 0x86,
	OPTION_STRICT_ROUTE = 0x89,
	OPTION_ROUTER_ALERT = 0x94,
};

/* Of time stamps, in the low bits of the fourth byte: what stands there. */
enum stamps { STAMPS_ONLY = 0, STAMPS_WITH_ADDRESS = 1, STAMPS_AT = 3 };

struct seen {
	bool route, stamps;
};

/* One that points to its next free byte, counted from 1. */
static bool
is_record_refused(const uint8_t *option, size_t len)
{
	return len < 3 || option[2] < 4 ||
		(option[2] <= len && option[2] + 3u > len);
}

static bool
are_stamps_refused(const uint8_t *option, size_t len)
{
	unsigned kind;

	if (len < 4 || option[2] < 5) {
		return true;
	}
	kind = option[3] & 15;
	if (option[2] > len) {
		/* As many have found no place as can be counted. */
		return kind != STAMPS_AT && option[3] >> 4 == 15;
	}
	return option[2] + 3u > len ||
		((kind == STAMPS_WITH_ADDRESS || kind == STAMPS_AT) &&
		 option[2] + 7u > len);
}

static bool
is_refused(struct seen *seen, const uint8_t *option, size_t len)
{
	bool again;

	switch (option[0]) {
	case OPTION_LOOSE_ROUTE:
	case OPTION_STRICT_ROUTE:
	case OPTION_CIPSO: /* of no domain that is set up */
		return true;
	case OPTION_RECORD_ROUTE:
		again = seen->route;
		seen->route = true;
		return again || is_record_refused(option, len);
	case OPTION_TIME_STAMP:
		again = seen->stamps;
		seen->stamps = true;
		return again || are_stamps_refused(option, len);
	case OPTION_ROUTER_ALERT:
		return len < 4;
	default:
		return false;
	}
}

bool
ip_options_are_refused(const uint8_t *options, size_t len)
{
	struct seen seen = { false, false };

	while (len > 0) {
		size_t own = 1;

		if (options[0] == OPTION_END) {
			return false;
		}
		if (options[0] != OPTION_NOP) {
			if (len < 2 || options[1] < 2 || options[1] > len) {
				return true;
			}
			own = options[1];
			if (is_refused(&seen, options, own)) {
				return true;
			}
		}
		options += own;
		len -= own;
	}
	return false;
}
