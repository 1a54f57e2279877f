/* SPDX-License-Identifier: ISC */
/*
 * A piece of an input: as many bytes as are wanted, or what is left of it.
 */
#ifndef TAP_FUZZ_PIECE_H
#define TAP_FUZZ_PIECE_H

#include "base/bytes.h"

/* Makes *len what there is; never NULL. */
static inline const uint8_t *
piece(struct cursor *c, size_t *len)
{
	static const uint8_t none;
	const uint8_t *at;

	if (c->bad) {
		*len = 0;
	} else if (*len > cursor_left(c)) {
		*len = cursor_left(c);
	}
	at = cursor_bytes(c, *len);
	return at ? at : &none;
}

#endif
