/*
 * XML (W3C, 1.0), read a token at a time in bounded memory: elements and
 * their attributes, of documents in UTF-8 or another encoding that has
 * ASCII in it.  Text between elements, comments and instructions are
 * skipped.  Nothing is expanded: an entity in a value stays as it stands,
 * and a DTD that declares something is an error.
 *
 * Pure.
 */
#ifndef TAP_SCAN_CHECK_XML_H
#define TAP_SCAN_CHECK_XML_H

#include <stdbool.h>
#include <stddef.h>

#define XML_NAME_MAX 64u    /* names are a program's own, and short */
#define XML_DEPTH_MAX 64u   /* what programs write is a few levels deep */
#define XML_PROLOG_MAX 256u /* <?xml version= encoding= standalone= ?> */

enum xml_token {
	XML_ERROR = -1, /* see why and line; then it is over */
	XML_END,        /* of the document */
	XML_OPEN,       /* <name */
	XML_ATTRIBUTE,  /* name=" */
	XML_VALUE,      /* a part of its value, perhaps one of several */
	XML_CONTENT,    /* > or /: the element has no more attributes */
	XML_CLOSE,      /* </name>, or behind an empty element's content */
};

/* Where the text comes from: its next bytes, *len of them; NULL: no more. */
struct xml_source {
	const char *(*next)(void *context, size_t *len);
	void *context;
};

struct xml {
	struct xml_source source;
	const char *why;         /* after an error */
	unsigned long line;      /* where, from 1 */
	char name[XML_NAME_MAX]; /* of what is opened, closed or given */
	const char *value;       /* the part, which the source owns */
	size_t value_len;
	size_t depth;

	/* Its own. */
	enum {
		XML_AT_START,
		XML_IN_TEXT,
		XML_IN_TAG,
		XML_IN_VALUE,
		XML_IN_EMPTY
	} where;
	const char *at, *end; /* what is left of the source's bytes */
	int quote;            /* which ends the value */
	bool root_seen;
	char names[XML_DEPTH_MAX][XML_NAME_MAX];
};

void xml_init(struct xml *x, const struct xml_source *source);
enum xml_token xml_next(struct xml *x);
/* Whoever reads it may end it, too.  Returns XML_ERROR. */
enum xml_token xml_fail(struct xml *x, const char *why);

#endif
