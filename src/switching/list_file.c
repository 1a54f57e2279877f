#include "switching/list_file.h"

#include <errno.h>
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "conf/atomic_file.h"
#include "conf/words.h"
#include "protocol/frame.h"

/* A line of the longest words. */
#define LINE_ROOM 320u

struct list_line {
	uint32_t key_no;
	struct acl_net addr;
	uint64_t since, until; /* instants */
	char why[DECOY_LIST_WHY_MAX];
};

#define NO_KEY UINT32_MAX

static int
take_why(void *into, const char *value, char *why)
{
	const size_t len = strlen(value);

	if (len >= DECOY_LIST_WHY_MAX) {
		return value_fail(why, "longer than %u bytes",
				  DECOY_LIST_WHY_MAX - 1);
	}
	memcpy(into, value, len + 1);
	return 0;
}

#define LINE(name, member) CONF_WORD(name, struct list_line, member)

static const struct conf_word_type line_words[] = {
	{ LINE("key_no", key_no), CONF_NUMBER(0, UINT16_MAX, NO_KEY) },
	{ LINE("addr", addr), CONF_NET },
	{ LINE("since", since), CONF_TIME, .needed = true },
	{ LINE("until", until), CONF_TIME },
	{ LINE("why", why), CONF_OWN(take_why) },
};

static const struct conf_words words = CONF_WORDS(line_words);

static int
take_line(struct decoy_list *list, const struct conf_file *file,
	  const struct conf_line *line, char *err)
{
	struct list_line l = { .key_no = 0 };
	struct decoy_entry entry;
	int rc;

	conf_defaults(&words, &l);
	rc = conf_apply(file, line, &words, &l, NULL, err);
	if (rc < 0) {
		return rc;
	}
	if ((l.key_no == NO_KEY) == (l.addr.addr.family == 0)) {
		return conf_fail(err, file, line->line,
				 "either key_no or addr");
	}
	entry = l.key_no == NO_KEY ? decoy_addr(&l.addr.addr)
				   : decoy_key((uint16_t)l.key_no);
	entry.since = l.since / FRAME_SECOND;
	entry.until = l.until / FRAME_SECOND;
	memcpy(entry.why, l.why, sizeof entry.why);
	decoy_list_add(list, &entry, NULL);
	return 0;
}

int
list_file_read(struct decoy_list *list, const char *path, char *err)
{
	char ignored[CONF_ERROR_MAX] = "";
	struct conf_file file;
	struct conf_line line;
	struct rewrite rw;
	int bad = 0;
	int rc;

	/* Links and what others may write are refused. */
	rc = atomic_file_look(&rw, path, CONF_PUBLIC, &file, err);
	if (rc < 0) {
		return -1;
	}
	file.includes = CONF_INCLUDES_REFUSED;
	/* A line that can't be taken apart ends no other. */
	while ((rc = conf_next(&file, &line, bad ? ignored : err)) != 0) {
		if (rc < 0 ||
		    take_line(list, &file, &line, bad ? ignored : err) < 0) {
			bad++;
		}
		if (rc < 0 && (rc == -ENOMEM || file.pos >= file.len)) {
			break;
		}
	}
	conf_close(&file);
	atomic_file_close(&rw);
	return bad;
}

static void
put_entry(struct text *t, const struct decoy_entry *e)
{
	char time[VALUE_TIME_MAX], addr[INET6_ADDRSTRLEN];

	if (e->by_key) {
		text_put(t, "key_no=%u", e->key_no);
	} else {
		inet_ntop(e->addr.family == 4 ? AF_INET : AF_INET6,
			  e->addr.bytes, addr, sizeof addr);
		text_put(t, "addr=%s", addr);
	}
	value_time_text(time, e->since * FRAME_SECOND);
	text_put(t, ", since=%s", time);
	if (e->until) {
		value_time_text(time, e->until * FRAME_SECOND);
		text_put(t, ", until=%s", time);
	}
	text_put(t, ", why=\"%s\"\n", e->why);
}

int
list_file_write(const struct decoy_list *list, const char *path, char *err)
{
	const size_t size = (decoy_list_count(list) + 1) * LINE_ROOM;
	char *bytes = malloc(size);
	struct conf_file file;
	struct rewrite rw;
	struct text t;
	int rc = bytes ? atomic_file_open(&rw, path, CONF_PUBLIC, &file, err)
		       : why_set(err, -1, "%s: out of memory", path);

	if (rc < 0) {
		free(bytes);
		return -1;
	}
	t = text_over(bytes, size);
	text_put(&t, "# who goes to the decoy; see tap-server(8), ALARMS\n");
	for (size_t i = 0; i < DECOY_LIST_MAX; i++) {
		if (list->entries[i].used) {
			put_entry(&t, &list->entries[i]);
		}
	}
	rc = atomic_file_commit(&rw, bytes, t.len, err);
	conf_close(&file);
	atomic_file_close(&rw);
	free(bytes);
	return rc < 0 ? -1 : 0;
}
