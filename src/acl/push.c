#include "acl/push.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "acl/bundle_to.h"
#include "base/bytes.h"
#include "base/json.h"
#include "base/secret.h"
#include "conf/atomic_file.h"
#include "conf/include.h"
#include "os/clock.h"
#include "protocol/frame.h"
#include "tap.h"

struct push {
	const struct access_options *o;
	struct bundle_key key;
	struct secret_buf box;
	char *text; /* the bundle, ended by NUL */
	struct bundle_stamp stamp;
	char *list; /* the places, parted by NUL */
	struct bundle_to places[PUSH_PLACES_MAX];
	size_t count;
	bool written; /* a first object of JSON */
};

/* ---- what is pushed */

static int
put_file(struct push *p, enum bundle_file which, const char *path,
	 enum conf_secrecy secrecy, char *err)
{
	struct secret_buf text = { 0 };
	uint8_t head[5] = { (uint8_t)which };
	int rc = include_flatten(&text, path, secrecy, err);

	if (rc == 0) {
		be32_store(head + 1, (uint32_t)text.len);
		rc = secret_append(&p->box, head, sizeof head);
		rc = rc < 0 ? rc : secret_append(&p->box, text.bytes, text.len);
		rc = rc < 0 ? why_set(err, rc, "out of memory") : 0;
	}
	secret_drop(&text);
	return rc;
}

/* All files, after they were found to be in order. */
static int
put_files(struct push *p)
{
	const struct access_paths paths = access_paths(p->o);
	struct server_conf *conf;
	char err[CONF_ERROR_MAX];
	int status = access_load(p->o, &conf);
	int rc;

	if (status != TAP_OK) {
		return status;
	}
	rc = put_file(p, BUNDLE_CONF, paths.rules, CONF_PUBLIC, err);
	rc = rc < 0 ? rc
		    : put_file(p, BUNDLE_KEYS, paths.keys, CONF_SECRET, err);
	rc = rc < 0 ? rc : put_file(p, BUNDLE_ACL, paths.acl, CONF_PUBLIC, err);
	if (rc == 0 && conf->share_login[0]) {
		rc = put_file(p, BUNDLE_LOGIN, conf->share_login, CONF_SECRET,
			      err);
	}
	if (rc == 0 && p->box.len > BUNDLE_BOX_MAX) {
		rc = why_set(err, -1, "the files have more than %u MiB",
			     BUNDLE_BOX_MAX >> 20);
	}
	server_conf_free(conf);
	if (rc < 0) {
		fprintf(stderr, "tap acl push: %s\n", err);
		return conf_status(rc);
	}
	return TAP_OK;
}

/* One that rises, whatever the clock says. */
static int
seal(struct push *p)
{
	const size_t size = bundle_size(p->box.len);
	uint8_t *box = secret_new(p->box.len + BUNDLE_TAG);

	p->stamp.time = clock_instant() / FRAME_SECOND;
	/* Of a host nothing is known: two in a second have to differ, too. */
	p->stamp.version = clock_ns() / 1000000;
	for (size_t i = 0; i < p->count; i++) {
		if (p->places[i].there &&
		    p->places[i].stamp.version >= p->stamp.version) {
			p->stamp.version = p->places[i].stamp.version + 1;
		}
	}
	p->text = malloc(size + 1);
	if (!box || !p->text ||
	    getrandom(p->stamp.salt, sizeof p->stamp.salt, 0) !=
		    sizeof p->stamp.salt) {
		secret_free(box);
		return access_no_memory();
	}
	memcpy(box, p->box.bytes, p->box.len);
	bundle_seal(p->text, box, p->box.len, &p->stamp, p->key.key);
	p->text[size] = '\0';
	secret_free(box);
	return TAP_OK;
}

/* ---- its key */

static int
make_key(const char *path)
{
	uint8_t key[BUNDLE_KEY_BYTES];
	char line[2 * BUNDLE_KEY_BYTES + 8] = "key=0x", err[CONF_ERROR_MAX];
	int rc = -EIO;

	if (getrandom(key, sizeof key, 0) == sizeof key) {
		hex_encode(line + 6, key, sizeof key);
		memcpy(line + 6 + 2 * sizeof key, "\n", 2);
		rc = atomic_file_create(path, line, strlen(line), err);
	}
	bytes_wipe(key, sizeof key);
	bytes_wipe(line, sizeof line);
	if (rc < 0) {
		fprintf(stderr, "%s\n", rc == -EIO ? "no random bytes" : err);
		return TAP_SYSTEM;
	}
	fprintf(stderr, "tap acl push: made %s: copy it to each server\n",
		path);
	return TAP_OK;
}

static int
load_key(struct push *p)
{
	const char *path =
		p->o->bundle_key ? p->o->bundle_key : BUNDLE_KEY_FILE;
	char err[CONF_ERROR_MAX];
	int rc = access(path, F_OK) < 0 && errno == ENOENT ? make_key(path)
							   : TAP_OK;

	if (rc != TAP_OK) {
		return rc;
	}
	rc = bundle_key_load(&p->key, path, err);
	if (rc < 0) {
		fprintf(stderr, "%s\n", err);
		return conf_status(rc);
	}
	return TAP_OK;
}

/* ---- where to */

static int
take_places(struct push *p)
{
	char err[CONF_ERROR_MAX], *at, *next;
	int status;

	if (!p->o->to) {
		status = access_engine(p->o, NULL, &p->places[0].share);
		if (status == TAP_OK) {
			bundle_to_engine(&p->places[0]);
			p->count = 1;
		}
		return status;
	}
	p->list = strdup(p->o->to);
	if (!p->list) {
		return access_no_memory();
	}
	for (at = p->list; at; at = next) {
		next = strchr(at, ',');
		if (next) {
			*next++ = '\0';
		}
		if (p->count == PUSH_PLACES_MAX ||
		    bundle_to_parse(&p->places[p->count], at, &p->key, err) <
			    0) {
			fprintf(stderr, "tap acl push: --to: %s\n",
				p->count == PUSH_PLACES_MAX ? "too many" : err);
			return TAP_USAGE;
		}
		p->count++;
	}
	return TAP_OK;
}

/* Whether the same is there already. */
static bool
is_there(const struct push *p, const struct bundle_to *to)
{
	return to->there && to->len == p->box.len &&
		memcmp(to->box, p->box.bytes, to->len) == 0;
}

static void
report(struct push *p, const struct bundle_to *to, bool changed,
       const char *err)
{
	const uint64_t version = changed ? p->stamp.version : to->stamp.version;
	char object[2 * CONF_ERROR_MAX + 512];
	struct text t = text_over(object, sizeof object);

	if (err) {
		fprintf(stderr, "tap acl push: %s: %s\n", to->name, err);
	}
	if (p->o->json) {
		text_put(&t, "%s{", p->written ? ",\n " : "[");
		json_member(&t, "to", to->name);
		json_number(&t, "version", err ? 0 : version);
		json_bool(&t, "changed", changed && !err);
		json_member(&t, "error", err);
		printf("%s}", object);
		p->written = true;
	} else if (!err) {
		printf("%s: version %" PRIu64 "%s\n", to->name, version,
		       changed ? "" : ", unchanged");
	}
}

/* To where it is another one than that which is there. */
static int
push_all(struct push *p)
{
	bool failed[PUSH_PLACES_MAX] = { false };
	char err[CONF_ERROR_MAX];
	int worst = TAP_OK, status;

	for (size_t i = 0; i < p->count; i++) {
		failed[i] = bundle_to_look(&p->places[i], &p->key, err) < 0;
		if (failed[i]) {
			report(p, &p->places[i], false, err);
			worst = TAP_SYSTEM;
		}
	}
	status = seal(p);
	for (size_t i = 0; i < p->count && status == TAP_OK; i++) {
		struct bundle_to *to = &p->places[i];
		const bool same = !failed[i] && is_there(p, to);

		if (failed[i] || same) {
			if (same) {
				report(p, to, false, NULL);
			}
			continue;
		}
		if (bundle_to_put(to, p->text, err) < 0) {
			report(p, to, false, err);
			worst = TAP_SYSTEM;
		} else {
			report(p, to, true, NULL);
		}
	}
	if (p->o->json) {
		printf("%s]\n", p->written ? "" : "[");
	}
	return status != TAP_OK ? status : worst;
}

int
access_push(const struct access_options *o)
{
	static struct push p;
	int status;

	p.o = o;
	status = load_key(&p);
	status = status != TAP_OK ? status : take_places(&p);
	status = status != TAP_OK ? status : put_files(&p);
	status = status != TAP_OK ? status : push_all(&p);
	for (size_t i = 0; i < p.count; i++) {
		bundle_to_close(&p.places[i]);
	}
	secret_drop(&p.box);
	bytes_wipe(&p.key, sizeof p.key);
	free(p.text);
	free(p.list);
	return status;
}
