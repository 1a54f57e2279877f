/*
 * JSON (RFC 8259), written: text goes into a buffer of the caller's.
 */
#ifndef TAP_BASE_JSON_H
#define TAP_BASE_JSON_H

#include "base/text.h"

/* A string in quotes; bytes that are no UTF-8 become U+FFFD. */
void json_string(struct text *t, const char *string);

/* The name of an object's member, behind a comma unless it is the first. */
void json_name(struct text *t, const char *name);
/* A member with its value; NULL is null. */
void json_member(struct text *t, const char *name, const char *value);
void json_bool(struct text *t, const char *name, bool value);
void json_number(struct text *t, const char *name, unsigned long long value);

#endif
