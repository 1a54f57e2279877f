/*
 * JSON (RFC 8259), written: text goes into a buffer of the caller's.
 */
#ifndef TAP_JSON_H
#define TAP_JSON_H

#include "text.h"

/* A string in quotes; bytes that are no UTF-8 become U+FFFD. */
void json_string(struct text *t, const char *string);

#endif
