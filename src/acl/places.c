#include "acl/places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/acl_conf.h"
#include "tap.h"

static struct access_place *
place_of(struct access_places *places, const char *path)
{
	struct access_place *list;

	for (size_t i = 1; i < places->count; i++) {
		if (strcmp(places->list[i].path, path) == 0) {
			return &places->list[i];
		}
	}
	/* As many as there are files: these have a bound. */
	list = realloc(places->list, (places->count + 1) * sizeof *list);
	if (!list) {
		return NULL;
	}
	places->list = list;
	list += places->count++;
	memset(list, 0, sizeof *list);
	list->path = path;
	return list;
}

/* Take an included line's ports out of the list's own. */
static int
give(struct access_places *places, const struct acl_entry *entry)
{
	struct numset asked = { 0 };
	struct access_place *place;

	numset_add(&asked, &entry->ports, 1);
	numset_intersect(&asked, &places->list[0].ports);
	if (!entry->file || numset_empty(&asked)) {
		return 0;
	}
	place = place_of(places, entry->file);
	if (!place) {
		return -1;
	}
	numset_remove(&places->list[0].ports, &entry->ports, 1);
	for (size_t i = 0; i < sizeof asked.bits / sizeof asked.bits[0]; i++) {
		place->ports.bits[i] |= asked.bits[i];
	}
	return 0;
}

static int
part(struct access_places *places, struct acl *acl, struct conf_file *file)
{
	char err[CONF_ERROR_MAX];
	struct conf_line line;
	int rc;

	while ((rc = conf_next(file, &line, err)) > 0) {
		rc = acl_conf_entry(acl, file, &line, err);
		if (rc < 0) {
			break;
		}
		if (give(places, &acl->entries[acl->entries_count - 1]) < 0) {
			return access_no_memory();
		}
	}
	if (rc < 0) {
		fprintf(stderr, "%s\n", err);
		return conf_status(rc);
	}
	return TAP_OK;
}

static int
read_list(struct access_places *places, const char *path)
{
	struct acl *acl = calloc(1, sizeof *acl);
	char err[CONF_ERROR_MAX];
	struct conf_file file;
	int status = TAP_OK;

	if (!acl) {
		return access_no_memory();
	}
	if (conf_open(&file, path, CONF_PUBLIC, err) == 0) {
		status = part(places, acl, &file);
		conf_close(&file);
	}
	acl_conf_free(acl);
	free(acl);
	return status;
}

int
access_places(const struct access_options *o, const char *path,
	      struct access_places *places)
{
	struct stat st;
	int status = TAP_OK;

	*places = (struct access_places){ 0 };
	if (!place_of(places, path)) {
		return access_no_memory();
	}
	numset_add(&places->list[0].ports, o->ports, o->ports_count);
	/* Do not block on a FIFO. */
	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
		status = read_list(places, path);
	}
	if (status == TAP_OK && places->count > 1 &&
	    numset_empty(&places->list[0].ports)) {
		places->list[0] = places->list[--places->count];
	}
	return status;
}

struct acl_range *
access_place_ports(const struct access_place *place, size_t *count)
{
	struct acl_range *ranges = calloc(UINT16_MAX / 2 + 1, sizeof *ranges);
	struct acl_range run;
	uint32_t from = 0;

	*count = 0;
	while (ranges && numset_next(&place->ports, from, &run)) {
		ranges[(*count)++] = run;
		from = (uint32_t)run.high + 1;
	}
	return ranges;
}
