#include "scan_check/xml.h"

#include <string.h>

void
xml_init(struct xml *x, const struct xml_source *source)
{
	memset(x, 0, sizeof *x);
	x->source = *source;
	x->line = 1;
}

enum xml_token
xml_fail(struct xml *x, const char *why)
{
	x->why = x->why ? x->why : why;
	return XML_ERROR;
}

/* The next character, which stays there; -1 at the end or after an error. */
static int
peek(struct xml *x)
{
	size_t len = 0;

	while (x->at == x->end) {
		x->at = x->source.next(x->source.context, &len);
		if (!x->at) {
			x->end = NULL;
			return -1;
		}
		x->end = x->at + len;
	}
	if (*x->at == '\0') {
		xml_fail(x, "not UTF-8 or ASCII");
	}
	return x->why ? -1 : (unsigned char)*x->at;
}

static int
take(struct xml *x)
{
	int c = peek(x);

	if (c < 0) {
		xml_fail(x, "it ends in the middle");
		return -1;
	}
	x->at++;
	x->line += c == '\n';
	return c;
}

static bool
is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_name_char(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' ||
		c == ':' || c >= 0x80;
}

/* Returns whether there were any. */
static bool
skip_blanks(struct xml *x)
{
	bool any = false;

	while (is_blank(peek(x))) {
		take(x);
		any = true;
	}
	return any;
}

static bool
take_name(struct xml *x)
{
	size_t len = 0;

	while (is_name_char(peek(x))) {
		if (len + 1 >= XML_NAME_MAX) {
			xml_fail(x, "a name is too long");
			return false;
		}
		x->name[len++] = (char)take(x);
	}
	x->name[len] = '\0';
	return !x->why;
}

/* ---- what is skipped */

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
check_encoding(struct xml *x, const char *prolog)
{
	const char *at = strstr(prolog, "encoding");

	if (x->root_seen || strncmp(prolog, "xml ", 4) != 0 || !at) {
		return;
	}
	at += strcspn(at, "\"'");
	if (*at == '\0' || !is_plain_encoding(at + 1, strcspn(at + 1, "\"'"))) {
		xml_fail(x, "an encoding that is not UTF-8 or the like");
	}
}

static void
skip_instruction(struct xml *x)
{
	char prolog[XML_PROLOG_MAX];
	size_t len = 0;
	int last = 0;
	int c;

	while ((c = take(x)) >= 0 && (c != '>' || last != '?')) {
		if (len + 1 < sizeof prolog) {
			prolog[len++] = (char)c;
		}
		last = c;
	}
	prolog[len] = '\0';
	if (!x->why) {
		check_encoding(x, prolog);
	}
}

static void
skip_comment(struct xml *x)
{
	int last[2] = { 0, 0 };
	int c;

	if (take(x) != '-') {
		xml_fail(x, "a comment is malformed");
	}
	while ((c = take(x)) >= 0 &&
	       (c != '>' || last[0] != '-' || last[1] != '-')) {
		last[0] = last[1];
		last[1] = c;
	}
}

static void
skip_doctype(struct xml *x)
{
	int c;

	while ((c = take(x)) >= 0 && c != '>') {
		if (c == '[') {
			xml_fail(x, "a DTD that declares something");
		}
	}
}

static void
skip_markup(struct xml *x)
{
	int c = take(x);

	if (c == '-') {
		skip_comment(x);
	} else if (c == 'D' && !x->root_seen) {
		skip_doctype(x);
	} else {
		xml_fail(x, "a declaration or CDATA, which nmap never writes");
	}
}

/* ---- tokens */

static enum xml_token
open_element(struct xml *x)
{
	if (!take_name(x)) {
		return XML_ERROR;
	}
	if (x->depth == 0 && x->root_seen) {
		return xml_fail(x, "text follows the end");
	}
	if (x->depth == XML_DEPTH_MAX) {
		return xml_fail(x, "elements are nested too deep");
	}
	memcpy(x->names[x->depth++], x->name, XML_NAME_MAX);
	x->root_seen = true;
	x->where = XML_IN_TAG;
	return XML_OPEN;
}

static enum xml_token
close_element(struct xml *x)
{
	memcpy(x->name, x->names[--x->depth], XML_NAME_MAX);
	x->where = XML_IN_TEXT;
	return XML_CLOSE;
}

static enum xml_token
end_tag(struct xml *x)
{
	if (!take_name(x)) {
		return XML_ERROR;
	}
	skip_blanks(x);
	if (take(x) != '>') {
		return xml_fail(x, "a tag is malformed");
	}
	if (x->depth == 0 || strcmp(x->names[x->depth - 1], x->name) != 0) {
		return xml_fail(x, "an end tag does not match");
	}
	return close_element(x);
}

/* Up to the next tag of an element. */
static enum xml_token
in_text(struct xml *x)
{
	int c;

	while ((c = peek(x)) >= 0) {
		take(x);
		if (c != '<') {
			if (x->depth == 0 && !is_blank(c)) {
				return xml_fail(x, "this is not XML");
			}
			continue;
		}
		c = peek(x);
		if (is_name_char(c)) {
			return open_element(x);
		}
		take(x);
		switch (c) {
		case '/':
			return end_tag(x);
		case '?':
			skip_instruction(x);
			break;
		case '!':
			skip_markup(x);
			break;
		default:
			return xml_fail(x, "a tag is malformed");
		}
	}
	return x->depth == 0 && x->root_seen && !x->why
		? XML_END
		: xml_fail(x, "it ends in the middle");
}

static enum xml_token
attribute(struct xml *x)
{
	if (!take_name(x)) {
		return XML_ERROR;
	}
	skip_blanks(x);
	if (take(x) != '=') {
		return xml_fail(x, "an attribute has no value");
	}
	skip_blanks(x);
	x->quote = take(x);
	if (x->quote != '"' && x->quote != '\'') {
		return xml_fail(x, "a value has no quotes");
	}
	x->where = XML_IN_VALUE;
	return XML_ATTRIBUTE;
}

/* Behind the element's name, or one of its values. */
static enum xml_token
in_tag(struct xml *x)
{
	bool blank = skip_blanks(x);
	int c = peek(x);

	if (blank && is_name_char(c)) {
		return attribute(x);
	}
	take(x);
	if (c == '/' && take(x) == '>') {
		x->where = XML_IN_EMPTY;
		return XML_CONTENT;
	}
	if (c != '>') {
		return xml_fail(x, "a tag is malformed");
	}
	x->where = XML_IN_TEXT;
	return XML_CONTENT;
}

static enum xml_token
in_value(struct xml *x)
{
	int c = peek(x);

	if (c == x->quote) {
		take(x);
		x->where = XML_IN_TAG;
		return in_tag(x);
	}
	if (c == '<') {
		return xml_fail(x, "a value has a < in it");
	}
	if (c == '\n') { /* is a blank (3.3.3) */
		take(x);
		x->value = " ";
		x->value_len = 1;
		return XML_VALUE;
	}
	if (c < 0) {
		return xml_fail(x, "it ends in the middle");
	}
	x->value = x->at;
	while (x->at < x->end && *x->at != x->quote && *x->at != '<' &&
	       *x->at != '\n' && *x->at != '\0') {
		x->at++;
	}
	x->value_len = (size_t)(x->at - x->value);
	return XML_VALUE;
}

/* Behind a byte order mark, if there is one. */
static enum xml_token
at_start(struct xml *x)
{
	int c = peek(x);

	if (c == 0xfe || c == 0xff) {
		return xml_fail(x, "not UTF-8 or ASCII");
	}
	if (c == 0xef) {
		take(x);
		c = take(x);
		if (c != 0xbb || take(x) != 0xbf) {
			return xml_fail(x, "this is not XML");
		}
	}
	x->where = XML_IN_TEXT;
	return in_text(x);
}

enum xml_token
xml_next(struct xml *x)
{
	if (x->why) {
		return XML_ERROR;
	}
	switch (x->where) {
	case XML_AT_START:
		return at_start(x);
	case XML_IN_TEXT:
		return in_text(x);
	case XML_IN_TAG:
		return in_tag(x);
	case XML_IN_VALUE:
		return in_value(x);
	case XML_IN_EMPTY:
		return close_element(x);
	}
	return XML_ERROR;
}
