/*
 * JSON (RFC 8259), written: text goes into a buffer of the caller's.
 */
#ifndef TAP_BASE_JSON_H
#define TAP_BASE_JSON_H

#include "base/text.h"

/* A string in quotes; bytes that are no UTF-8 become U+FFFD. */
void json_string(struct text *t, const char *string);

#endif
