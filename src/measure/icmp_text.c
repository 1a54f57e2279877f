#include "measure/icmp_text.h"

#include <stddef.h>

#define ANY 255u

void
icmp_text(struct text *t, uint8_t family, uint8_t type, uint8_t code)
{
	static const struct {
		uint8_t family, type, code;
		const char *words;
	} errors[] = {
		{ 4, 3, 0, "network unreachable" },
		{ 4, 3, 1, "host unreachable" },
		{ 4, 3, 3, "port unreachable" },
		{ 4, 3, 4, "packet too big" },
		{ 4, 3, 9, "network prohibited by an administrator" },
		{ 4, 3, 10, "host prohibited by an administrator" },
		{ 4, 3, 13, "prohibited by an administrator" },
		{ 4, 11, ANY, "time to live exceeded" },
		{ 6, 1, 0, "no route" },
		{ 6, 1, 1, "prohibited by an administrator" },
		{ 6, 1, 3, "address unreachable" },
		{ 6, 1, 4, "port unreachable" },
		{ 6, 1, 5, "source address refused" },
		{ 6, 1, 6, "route refused" },
		{ 6, 2, ANY, "packet too big" },
		{ 6, 3, ANY, "hop limit exceeded" },
	};

	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		if (errors[i].family == family && errors[i].type == type &&
		    (errors[i].code == code || errors[i].code == ANY)) {
			text_put(t, "%s", errors[i].words);
			return;
		}
	}
	text_put(t, "type %u, code %u", type, code);
}
