/*
 * XML (W3C, 1.0) as a stream, in bounded memory: elements and their
 * attributes, of documents in UTF-8 or another encoding that has ASCII
 * in it.  Text between elements, comments and instructions are passed
 * over.  Nothing is expanded: an entity in a value stays as it stands,
 * and a DTD that declares something is an error.
 *
 * Pure.
 */
#ifndef TAP_SCAN_CHECK_XML_H
#define TAP_SCAN_CHECK_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XML_NAME_MAX 64u    /* names are a program's own, and short */
#define XML_DEPTH_MAX 64u   /* what programs write is a few levels deep */
#define XML_PROLOG_MAX 256u /* <?xml version= encoding= standalone= ?> */

/* Values come in parts, which are whole when the next call comes. */
struct xml_handler {
	void (*element)(void *context, const char *name);
	void (*attribute)(void *context, const char *name);
	void (*value)(void *context, const char *part, size_t len);
	/* All attributes of the element are there. */
	void (*content)(void *context);
	void (*end)(void *context, const char *name);
	void *context;
};

struct xml {
	struct xml_handler handler;
	const char *why;    /* after an error */
	unsigned long line; /* where, from 1 */
	int state;
	char quote;   /* which ends the value */
	char last[2]; /* the last characters of what is passed over */
	bool root_seen;
	size_t depth;
	char names[XML_DEPTH_MAX][XML_NAME_MAX];
	char name[XML_NAME_MAX];
	size_t name_len;
	char prolog[XML_PROLOG_MAX];
	size_t prolog_len;
	uint64_t bytes;
};

void xml_init(struct xml *x, const struct xml_handler *handler);
/* 0, or -1 with x->why; then it is over. */
int xml_feed(struct xml *x, const char *text, size_t len);
/* All was fed: 0, or -1 where the document is not at its end. */
int xml_end(struct xml *x);
/* The handler may end it, too. */
void xml_fail(struct xml *x, const char *why);

#endif
