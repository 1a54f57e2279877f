#include "scan_check/xml.h"

#include <string.h>

/*
 * States are named after what has been read.  The text moves through
 * them character by character, so it may come in parts of any size.
 */
enum state {
	STATE_TEXT,         /* between elements */
	STATE_OPENED,       /* < */
	STATE_NAME,         /* <name */
	STATE_INSIDE,       /* <name and a blank, or a value's end */
	STATE_VALUE_END,    /* <name a="b": a blank has to come first */
	STATE_ATTRIBUTE,    /* <name a */
	STATE_NAMED,        /* <name a and a blank */
	STATE_EQUALS,       /* <name a= */
	STATE_VALUE,        /* <name a=" */
	STATE_EMPTY,        /* <name / */
	STATE_CLOSING,      /* </ */
	STATE_CLOSED,       /* </name and a blank */
	STATE_INSTRUCTION,  /* <? */
	STATE_MARKUP,       /* <! */
	STATE_COMMENT_OPEN, /* <!- */
	STATE_COMMENT,      /* <!-- */
	STATE_DOCTYPE,      /* <!D */
	STATE_FAILED,
};

void
xml_init(struct xml *x, const struct xml_handler *handler)
{
	memset(x, 0, sizeof *x);
	x->handler = *handler;
	x->line = 1;
}

void
xml_fail(struct xml *x, const char *why)
{
	if (x->state != STATE_FAILED) {
		x->why = why;
		x->state = STATE_FAILED;
	}
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' ||
		c == ':' || (unsigned char)c >= 0x80;
}

static void
name_begin(struct xml *x)
{
	x->name_len = 0;
	x->name[0] = '\0';
}

static void
name_add(struct xml *x, char c)
{
	if (x->name_len + 1 >= XML_NAME_MAX) {
		xml_fail(x, "a name is too long");
		return;
	}
	x->name[x->name_len++] = c;
	x->name[x->name_len] = '\0';
}

static void
element_begin(struct xml *x)
{
	if (x->depth == 0 && x->root_seen) {
		xml_fail(x, "something stands behind the end");
	} else if (x->depth == XML_DEPTH_MAX) {
		xml_fail(x, "elements are nested too deep");
	} else {
		memcpy(x->names[x->depth++], x->name, XML_NAME_MAX);
		x->root_seen = true;
		x->handler.element(x->handler.context, x->name);
	}
}

static void
element_end(struct xml *x)
{
	x->depth--;
	x->state = STATE_TEXT;
	x->handler.end(x->handler.context, x->names[x->depth]);
}

static void
closing_tag(struct xml *x)
{
	if (x->depth == 0 || strcmp(x->names[x->depth - 1], x->name) != 0) {
		xml_fail(x, "an end tag does not match");
	} else {
		element_end(x);
	}
}

/* Behind the element's name, or one of its values. */
static void
inside(struct xml *x, char c)
{
	if (c == '>') {
		x->state = STATE_TEXT;
		x->handler.content(x->handler.context);
	} else if (c == '/') {
		x->state = STATE_EMPTY;
	} else if (is_blank(c)) {
		x->state = STATE_INSIDE;
	} else if (is_name_char(c) && x->state == STATE_INSIDE) {
		name_begin(x);
		x->state = STATE_ATTRIBUTE;
		name_add(x, c);
	} else {
		xml_fail(x, "a tag is malformed");
	}
}

static void
attribute_named(struct xml *x, char c)
{
	if (c == '=') {
		x->handler.attribute(x->handler.context, x->name);
		x->state = STATE_EQUALS;
	} else if (is_blank(c)) {
		x->state = STATE_NAMED;
	} else {
		xml_fail(x, "an attribute has no value");
	}
}

static void
opened(struct xml *x, char c)
{
	name_begin(x);
	if (c == '/') {
		x->state = STATE_CLOSING;
	} else if (c == '?') {
		x->state = STATE_INSTRUCTION;
		x->last[0] = x->last[1] = '\0';
	} else if (c == '!') {
		x->state = STATE_MARKUP;
	} else if (is_name_char(c)) {
		x->state = STATE_NAME;
		name_add(x, c);
	} else {
		xml_fail(x, "a tag is malformed");
	}
}

static void
markup(struct xml *x, char c)
{
	x->last[0] = x->last[1] = '\0';
	if (c == '-') {
		x->state = STATE_COMMENT_OPEN;
	} else if (c == 'D' && !x->root_seen) {
		x->state = STATE_DOCTYPE;
	} else {
		xml_fail(x, "a declaration or CDATA, which nobody needs here");
	}
}

/* Names of encodings, in small letters, that have ASCII in them. */
static bool
is_plain_encoding(const char *name, size_t len)
{
	static const char *const known[] = { "utf-8", "us-ascii", "iso-8859-",
					     "windows-125" };
	char small[16] = "";

	len = len < sizeof small - 1 ? len : sizeof small - 1;
	for (size_t i = 0; i < len; i++) {
		bool big = name[i] >= 'A' && name[i] <= 'Z';

		small[i] = (char)(name[i] + (big ? 'a' - 'A' : 0));
	}
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (strncmp(small, known[i], strlen(known[i])) == 0) {
			return true;
		}
	}
	return false;
}

/* <?xml ... encoding="X"?>, where it is the first thing there is. */
static void
instruction_end(struct xml *x)
{
	const char *at = strstr(x->prolog, "encoding");

	x->state = STATE_TEXT;
	if (x->root_seen || strncmp(x->prolog, "xml ", 4) != 0 || !at) {
		return;
	}
	at += strcspn(at, "\"'");
	if (*at == '\0' || !is_plain_encoding(at + 1, strcspn(at + 1, "\"'"))) {
		xml_fail(x, "an encoding that is not UTF-8 or the like");
	}
}

static void
instruction(struct xml *x, char c)
{
	if (c == '>' && x->last[1] == '?') {
		instruction_end(x);
		x->prolog_len = 0;
		return;
	}
	if (x->prolog_len + 1 < XML_PROLOG_MAX) {
		x->prolog[x->prolog_len++] = c;
		x->prolog[x->prolog_len] = '\0';
	}
	x->last[1] = c;
}

static void
comment(struct xml *x, char c)
{
	if (c == '>' && x->last[0] == '-' && x->last[1] == '-') {
		x->state = STATE_TEXT;
		return;
	}
	x->last[0] = x->last[1];
	x->last[1] = c;
}

static void
text(struct xml *x, char c)
{
	if (c == '<') {
		x->state = STATE_OPENED;
	} else if (x->depth == 0 && !is_blank(c)) {
		xml_fail(x, "this is no XML");
	}
}

static void
name(struct xml *x, char c)
{
	if (is_name_char(c)) {
		name_add(x, c);
		return;
	}
	element_begin(x);
	if (x->state == STATE_NAME) {
		inside(x, c);
	}
}

static void
closing(struct xml *x, char c)
{
	if (x->state == STATE_CLOSING && is_name_char(c)) {
		name_add(x, c);
	} else if (c == '>') {
		closing_tag(x);
	} else if (is_blank(c)) {
		x->state = STATE_CLOSED;
	} else {
		xml_fail(x, "a tag is malformed");
	}
}

static void
step(struct xml *x, char c)
{
	switch ((enum state)x->state) {
	case STATE_TEXT:
		text(x, c);
		break;
	case STATE_OPENED:
		opened(x, c);
		break;
	case STATE_NAME:
		name(x, c);
		break;
	case STATE_INSIDE:
	case STATE_VALUE_END:
		inside(x, c);
		break;
	case STATE_ATTRIBUTE:
		if (is_name_char(c)) {
			name_add(x, c);
			break;
		}
		attribute_named(x, c);
		break;
	case STATE_NAMED:
		attribute_named(x, c);
		break;
	case STATE_EQUALS:
		if (c == '"' || c == '\'') {
			x->quote = c;
			x->state = STATE_VALUE;
		} else if (!is_blank(c)) {
			xml_fail(x, "a value has no quotes");
		}
		break;
	case STATE_VALUE:
		if (c == x->quote) {
			x->state = STATE_VALUE_END;
		} else {
			xml_fail(x, "a value has a < in it");
		}
		break;
	case STATE_EMPTY:
		if (c == '>') {
			x->handler.content(x->handler.context);
			if (x->state != STATE_FAILED) {
				element_end(x);
			}
		} else {
			xml_fail(x, "a tag is malformed");
		}
		break;
	case STATE_CLOSING:
	case STATE_CLOSED:
		closing(x, c);
		break;
	case STATE_INSTRUCTION:
		instruction(x, c);
		break;
	case STATE_MARKUP:
		markup(x, c);
		break;
	case STATE_COMMENT_OPEN:
		x->state = STATE_COMMENT;
		if (c != '-') {
			xml_fail(x, "a comment is malformed");
		}
		break;
	case STATE_COMMENT:
		comment(x, c);
		break;
	case STATE_DOCTYPE:
		if (c == '[') {
			xml_fail(x, "a DTD that declares something");
		} else if (c == '>') {
			x->state = STATE_TEXT;
		}
		break;
	case STATE_FAILED:
		break;
	}
}

/* The characters of a value from here on that need no thought. */
static size_t
value_run(struct xml *x, const char *at, size_t len)
{
	size_t run = 0;

	while (run < len && at[run] != x->quote && at[run] != '<' &&
	       at[run] != '\n' && at[run] != '\0') {
		run++;
	}
	if (run > 0) {
		x->handler.value(x->handler.context, at, run);
	}
	return run;
}

int
xml_feed(struct xml *x, const char *from, size_t len)
{
	for (size_t i = 0; i < len && x->state != STATE_FAILED; i++) {
		unsigned char c = (unsigned char)from[i];
		uint64_t at = x->bytes++;

		/* A byte order mark. */
		if (at < 3 && c == (unsigned char)"\xef\xbb\xbf"[at]) {
			continue;
		}
		if (c == '\0' || (at == 0 && (c == 0xfe || c == 0xff))) {
			xml_fail(x, "not UTF-8 or ASCII");
			break;
		}
		if (x->state == STATE_VALUE) {
			size_t run = value_run(x, from + i, len - i);

			if (run > 0) {
				x->bytes += run - 1;
				i += run - 1;
				continue;
			}
			if (c == '\n') {
				x->handler.value(x->handler.context, " ", 1);
				x->line++;
				continue;
			}
		}
		x->line += c == '\n';
		step(x, (char)c);
	}
	return x->state == STATE_FAILED ? -1 : 0;
}

int
xml_end(struct xml *x)
{
	if (x->state != STATE_FAILED &&
	    (x->state != STATE_TEXT || x->depth > 0 || !x->root_seen)) {
		xml_fail(x, "it ends in the middle");
	}
	return x->state == STATE_FAILED ? -1 : 0;
}
