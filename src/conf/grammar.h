/*
 * The grammar that all of tap's files share (papers: 000, 7.1 and 7.2):
 * lines of name=value words, parted by commas, values in double quotes
 * where they hold a comma; a rule's line begins with "RULE:", and that of a
 * virtual machine, in the client's file, with "GUEST:".  Also:
 * comments from a # on, blank lines, CRLF, and a backslash at the end
 * that continues a line.
 *
 * Errors are one printable line of text that names file and line and
 * shows no key, wherever in the file one has slipped; whoever called
 * prints it.
 */
#ifndef TAP_CONF_GRAMMAR_H
#define TAP_CONF_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/value.h"

#define CONF_ERROR_MAX WHY_MAX
#define CONF_LINE_MAX 8192u        /* bytes; what a person may mean to write */
#define CONF_JOINED_MAX (1u << 20) /* of continued lines: lists of keys */
#define CONF_FILE_MAX (64u << 20)  /* a key file of 65,536 lines has 20 MiB */
#define CONF_WORDS_MAX 32u

enum conf_secrecy {
	CONF_PUBLIC,   /* all may read it, and nobody else write it */
	CONF_SECRET,   /* nobody else may do either */
	CONF_ANYBODYS, /* what protects it, if anything, is in it */
};

/* Lines of include=PATTERN, which is a word of every file. */
enum conf_includes {
	CONF_INCLUDES_PASSED,   /* passed over: for who changes one file */
	CONF_INCLUDES_FOLLOWED, /* the files' lines come in their place */
	CONF_INCLUDES_REFUSED,  /* in a file that is included, or sealed */
	CONF_INCLUDES_GIVEN,    /* as other lines */
};

struct conf_include; /* include.h */

struct conf_file {
	const char *path;
	enum conf_secrecy secrecy;
	enum conf_includes includes;
	struct conf_include *include; /* owned: what is being included */
	char *text;                   /* owned; wiped when freed */
	size_t len, size;
	size_t pos;
	size_t start;  /* where the line read last begins; pos: where it ends */
	unsigned line; /* of the line read last */
	unsigned next;
	bool more;    /* the text read last ends in a continuing backslash */
	char *joined; /* owned: the line read last, taken apart */
	size_t joined_size;
};

struct conf_word {
	const char *name;
	const char *value;
};

struct conf_line {
	unsigned line; /* its first, where it is continued */
	bool is_rule;  /* or a guest, where it stands */
	bool is_guest; /* it begins with GUEST: */
	size_t count;
	struct conf_word words[CONF_WORDS_MAX];
};

/*
 * What reads or takes apart returns 0 (or what is said there) or, below
 * 0 and with the error in err (CONF_ERROR_MAX), -ENOMEM where it has no
 * memory, and -1 for all else.  The exit status for that:
 */
int conf_status(int rc);

/*
 * From now on, in this process, wait for no file: a pipe, which was read at
 * the start, has nothing to be read again, and is an error.
 */
void conf_never_wait(void);

/*
 * Read a file, unless others could have made it what it is: see
 * trusted_file.h, which also looks at its directories.  CONF_SECRET refuses
 * one that others than its owner can read, too.  What it includes is
 * followed, and has to be as trustworthy.
 */
int conf_open(struct conf_file *file, const char *path,
	      enum conf_secrecy secrecy, char *err);
/* The same from a descriptor, which stays the caller's; not followed. */
int conf_open_fd(struct conf_file *file, const char *path, int fd,
		 enum conf_secrecy secrecy, char *err);
/* The same over text in memory, which is copied; not followed. */
int conf_open_text(struct conf_file *file, const char *path, const char *text,
		   size_t len, char *err);
void conf_close(struct conf_file *file);

/*
 * The path of the included file that the line read last stands in, which
 * lives as long as the process; NULL: it stands in the file itself.
 */
const char *conf_included(const struct conf_file *file);

/*
 * What to call a line that was read before, and conf_included() then: "line
 * 3", or "conf.d/web.conf:3" where that was in another file.  Returns out.
 */
#define CONF_PLACE_MAX 256u
const char *conf_place(char out[CONF_PLACE_MAX], const struct conf_file *file,
		       const char *included, unsigned line);

/*
 * The next line that says something; its words live until the next
 * call.  Returns 1, 0 at the end, or below 0 with the error in err.
 */
int conf_next(struct conf_file *file, struct conf_line *line, char *err);

/*
 * Where in file->text a byte of the line read last stands, by a pointer
 * to it in one of its words.
 */
size_t conf_offset(const struct conf_file *file, const char *at);

/* Make err "path:line: ..."; line 0: the file as a whole.  Returns -1. */
int conf_fail(char *err, const struct conf_file *file, unsigned line,
	      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same, that there is no memory.  Returns -ENOMEM. */
int conf_no_memory(char *err, const struct conf_file *file, unsigned line);

#endif
