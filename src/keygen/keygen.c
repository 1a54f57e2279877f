#include "keygen/keygen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/hold_signals.h"
#include "keygen/both.h"
#include "os/clock.h"
#include "keygen/keyfile_edit.h"
#include "conf/invite.h"
#include "conf/key_line.h"
#include "keygen/output.h"
#include "keygen/reload.h"
#include "keygen/rotate.h"
#include "base/secret.h"
#include "tap.h"
#include "conf/value.h"

#define SERVER_FILE "server.key"
#define CLIENT_FILE "TAPclientd"

/* What is made, before any of it is printed or written. */
struct job {
	const struct keygen_options *o;
	struct key_spec spec;       /* of the key in the making */
	char path[KEYGEN_PATH_MAX]; /* of the key file; empty: none */
	bool made_dir;              /* of --both */
	struct rewrite rw;
	struct conf_file file;
	struct key_edit *edit;
	uint64_t old_end;        /* of the key that is rotated */
	struct both both;        /* of --both */
	struct secret_buf lines; /* of the server */
	struct secret_buf rules; /* of the client, of all keys or of one */
	struct secret_buf out;   /* for standard output */
	char invite[INVITE_LINE_MAX + 1];
};

static int
fail_memory(void)
{
	fprintf(stderr, "tap keygen: out of memory\n");
	return TAP_SYSTEM;
}

/* The exit status for what atomic_file.h returns, with its error said. */
static int
fail_rewrite(int rc, const char *err)
{
	/* The pending signal ends the program. */
	if (rc != -EINTR) {
		fprintf(stderr, "%s\n", err);
	}
	return rc == -EINVAL ? TAP_USAGE : rc == -EEXIST ? TAP_NO : TAP_SYSTEM;
}

/* Lock and read the key file, if there is one. */
static int
open_keys(struct job *job)
{
	const struct keygen_options *o = job->o;
	char err[CONF_ERROR_MAX];
	int len = 0;
	int rc;

	if (o->append) {
		len = snprintf(job->path, sizeof job->path, "%s", o->append);
	} else if (o->both) {
		len = snprintf(job->path, sizeof job->path, "%s/" SERVER_FILE,
			       o->both);
	}
	if (len < 0 || (size_t)len >= sizeof job->path) {
		fprintf(stderr, "tap keygen: path too long\n");
		return TAP_USAGE;
	}
	job->made_dir = o->both && mkdir(o->both, 0700) == 0;
	if (o->both && !job->made_dir && errno != EEXIST) {
		fprintf(stderr, "%s: %s\n", o->both, strerror(errno));
		return TAP_SYSTEM;
	}
	if (!job->path[0]) {
		return TAP_OK;
	}
	job->edit = secret_new(sizeof *job->edit);
	if (!job->edit) {
		return fail_memory();
	}
	rc = atomic_file_open(&job->rw, job->path, CONF_SECRET, &job->file,
			      err);
	if (rc < 0) {
		return fail_rewrite(rc, err);
	}
	rc = key_edit_read(job->edit, &job->file, o->rotate, err);
	if (rc == 0 && job->rw.exists) {
		rc = key_edit_read_included(job->edit, job->path, err);
	}
	if (rc < 0) {
		fprintf(stderr, "%s\n", err);
		return conf_status(rc);
	}
	rc = o->both ? both_open(&job->both, o->both, &job->rw, &job->file, err)
		     : 0;
	return rc < 0 ? fail_rewrite(rc, err) : TAP_OK;
}

/* The options that all keys of this run share. */
static int
prepare(struct job *job)
{
	const struct keygen_options *o = job->o;
	uint64_t now = clock_instant() / FRAME_SECOND * FRAME_SECOND;
	struct key_spec *spec = &job->spec;
	int status;

	*spec = o->spec;
	spec->secret_len =
		o->bytes ? o->bytes : suites[spec->suite].keygen_bytes;
	if (o->rotate >= 0) {
		if (!o->has_before) {
			spec->not_before = now;
		}
		status = keygen_rotate(o, job->edit, job->path, spec,
				       &job->old_end);
		if (status != TAP_OK) {
			return status;
		}
	}
	if (o->valid) {
		spec->not_after = o->valid +
			(spec->not_before > now ? spec->not_before : now);
	}
	if (spec->not_after <= now) {
		fprintf(stderr,
			"tap keygen: warning: not_after is past "
			"already\n");
	}
	return TAP_OK;
}

/* Fill the secret; check the words as whoever reads the file will. */
static int
draw(struct job *job)
{
	struct key_spec *spec = &job->spec;
	struct acl_key key;
	char why[VALUE_WHY_MAX];
	int rc;

	if (getentropy(spec->secret, spec->secret_len) < 0) {
		fprintf(stderr, "tap keygen: random numbers: %s\n",
			strerror(errno));
		return TAP_SYSTEM;
	}
	rc = key_finish(spec, &key, why);
	bytes_wipe(&key, sizeof key);
	if (rc < 0) {
		fprintf(stderr, "tap keygen: %s\n", why);
		return TAP_USAGE;
	}
	return TAP_OK;
}

/* What a key's client finds its rules in, with --both. */
static void
client_name(const struct job *job, unsigned long no, char name[BOTH_NAME_MAX])
{
	const struct keygen_options *o = job->o;

	if (o->skip && o->count > 1) {
		snprintf(name, BOTH_NAME_MAX, CLIENT_FILE "-%lu.conf", no);
	} else {
		snprintf(name, BOTH_NAME_MAX, CLIENT_FILE ".conf");
	}
}

static int
client_path(const struct job *job, unsigned long no, char path[KEYGEN_PATH_MAX])
{
	char name[BOTH_NAME_MAX];
	int len;

	client_name(job, no, name);
	len = snprintf(path, KEYGEN_PATH_MAX, "%s/%s", job->o->both, name);
	return len < 0 || len >= (int)KEYGEN_PATH_MAX ? -1 : 0;
}

static int
write_line(struct job *job)
{
	char line[KEY_LINE_MAX];
	struct text t = text_over(line, sizeof line);
	int rc;

	key_line_write(&t, &job->spec);
	text_put(&t, "\n");
	rc = secret_append(&job->lines, line, t.len);
	bytes_wipe(line, sizeof line);
	return rc < 0 ? fail_memory() : TAP_OK;
}

static int
write_rules(struct job *job)
{
	char line[KEY_LINE_MAX];
	int rc = 0;

	for (size_t i = 0; i < job->o->targets_count && rc == 0; i++) {
		const struct keygen_target *target = &job->o->targets[i];
		struct text t = text_over(line, sizeof line);

		key_line_rule(&t, &job->spec, target->host, target->port,
			      target->service_port);
		text_put(&t, "\n");
		rc = secret_append(&job->rules, line, t.len);
	}
	bytes_wipe(line, sizeof line);
	return rc < 0 ? fail_memory() : TAP_OK;
}

static int
seal_rules(struct job *job)
{
	struct secret_buf sealed = { 0 };
	int rc = sealed_make(&sealed, &job->rules, &job->o->passphrase);

	if (rc < 0) {
		fprintf(stderr, "tap keygen: --passphrase: %s\n",
			strerror(-rc));
		return TAP_SYSTEM;
	}
	secret_drop(&job->rules);
	job->rules = sealed;
	return TAP_OK;
}

/* Each key's rules are a file of their own. */
static int
keep_rules(struct job *job)
{
	char name[BOTH_NAME_MAX];

	if (job->o->seal) {
		int status = seal_rules(job);

		if (status != TAP_OK) {
			return status;
		}
	}
	client_name(job, job->spec.no, name);
	if (both_add(&job->both, name, &job->spec, &job->rules) < 0) {
		return fail_memory();
	}
	secret_drop(&job->rules);
	return TAP_OK;
}

/* The rules, as the line of an invitation. */
static int
invite(struct job *job)
{
	int status;

	if (SEAL_HEADER + job->rules.len + SEAL_TAG > INVITE_BYTES_MAX) {
		fprintf(stderr,
			"tap keygen: --invite: more rules than fit into a "
			"line: --both and --passphrase make a file\n");
		return TAP_USAGE;
	}
	status = seal_rules(job);
	if (status != TAP_OK) {
		return status;
	}
	invite_write(job->invite, job->rules.bytes, job->rules.len);
	if (!job->o->json &&
	    (secret_puts(&job->out, job->invite) < 0 ||
	     secret_puts(&job->out, "\n") < 0)) {
		return fail_memory();
	}
	return TAP_OK;
}

static int
write_json(struct job *job)
{
	char path[KEYGEN_PATH_MAX];
	const struct keygen_made made = {
		.spec = &job->spec,
		.server_file = job->path[0] ? job->path : NULL,
		.client_file = job->o->both &&
				client_path(job, job->spec.no, path) == 0
			? path
			: NULL,
		.invite = job->o->invite ? job->invite : NULL,
		.old_end = job->old_end,
	};

	return keygen_json(&job->out, job->o, &made) < 0 ? fail_memory()
							 : TAP_OK;
}

/* What standard output gets of this key, besides rules and lines. */
static int
write_number(struct job *job)
{
	char number[24];

	snprintf(number, sizeof number, "%lu\n", job->spec.no);
	return secret_puts(&job->out, number) < 0 ? fail_memory() : TAP_OK;
}

static int
make_one(struct job *job, unsigned long no)
{
	const struct keygen_options *o = job->o;
	int status;

	job->spec.no = no;
	status = draw(job);
	if (status == TAP_OK) {
		status = write_line(job);
	}
	if (status == TAP_OK && o->targets_count > 0) {
		status = write_rules(job);
	}
	if (status == TAP_OK && o->both) {
		status = keep_rules(job);
	} else if (status == TAP_OK && o->invite) {
		status = invite(job);
	}
	if (status == TAP_OK && o->json) {
		status = write_json(job);
	} else if (status == TAP_OK &&
		   (o->both || (o->append && o->targets_count == 0))) {
		status = write_number(job);
	}
	return status;
}

static bool
is_taken(const struct job *job, unsigned long no)
{
	return job->edit && numset_has(&job->edit->taken, (uint16_t)no);
}

/*
 * The number to begin with.  Where none was given, one above all that the
 * file has: the access list may still have those between.
 */
static unsigned long
first_number(const struct job *job)
{
	const struct keygen_options *o = job->o;
	struct acl_range run = { 0, 0 };
	uint32_t from = 0;

	if (o->has_no) {
		return o->spec.no;
	}
	if (o->rotate >= 0) {
		return (unsigned long)o->rotate + 1;
	}
	while (numset_next(&job->edit->taken, from, &run)) {
		from = (uint32_t)run.high + 1;
	}
	return from > 0 ? from : 1;
}

static int
make_all(struct job *job)
{
	const struct keygen_options *o = job->o;
	bool search = o->skip || !o->has_no;
	unsigned long no = first_number(job);
	unsigned long left = o->count;
	int status = TAP_OK;

	for (; left > 0 && status == TAP_OK; no++) {
		if (no > 65535) {
			fprintf(stderr,
				"tap keygen: no number left up to "
				"65535 (%lu keys to go)\n",
				left);
			return TAP_NO;
		}
		if (is_taken(job, no) && !search) {
			const char *in = job->edit->included[no];

			fprintf(stderr,
				in ? "%s: key_no %lu stands in %s:%u "
				     "already\n"
				   : "%s: key_no %lu stands in %s %u "
				     "already\n",
				job->path, no, in ? in : "line",
				job->edit->line[no]);
			return TAP_NO;
		}
		/* Sealing takes half a second per file. */
		if (hold_signals_waiting()) {
			return TAP_SYSTEM;
		}
		if (!is_taken(job, no)) {
			status = make_one(job, no);
			left--;
		}
	}
	return status;
}

static int
save_keys(struct job *job)
{
	struct secret_buf text = { 0 };
	char err[CONF_ERROR_MAX];
	int status = TAP_OK;
	int rc = key_edit_write(job->edit, job->old_end, &job->lines, &text,
				err);

	if (rc < 0) {
		fprintf(stderr, "%s\n", err);
		status = conf_status(rc);
	} else {
		rc = atomic_file_commit(&job->rw, text.bytes, text.len, err);
		if (rc < 0) {
			status = fail_rewrite(rc, err);
		}
	}
	secret_drop(&text);
	return status;
}

/* The server's file as it was. */
static void
take_back(const struct job *job)
{
	char err[CONF_ERROR_MAX];

	if (!job->rw.exists) {
		unlinkat(job->rw.dir, job->rw.name, 0);
	} else if (atomic_file_commit(&job->rw, job->file.text, job->file.len,
				      err) < 0) {
		fprintf(stderr, "%s\n", err);
	}
}

/* Both ends, or none; signals wait. */
static int
save(struct job *job)
{
	const bool both = job->o->both != NULL;
	char err[CONF_ERROR_MAX];
	int status;
	int rc;

	rc = both ? both_stage(&job->both, err) : 0;
	status = rc < 0 ? fail_rewrite(rc, err) : save_keys(job);
	if (status == TAP_OK && both) {
		rc = both_place(&job->both, err);
		if (rc < 0) {
			status = fail_rewrite(rc, err);
			take_back(job);
		}
	}
	if (status != TAP_OK) {
		both_undo(&job->both);
	}
	return status;
}

static int
print(struct job *job)
{
	const struct secret_buf *out = &job->out;
	int rc;

	if (!job->o->json && keygen_prints_secrets(job->o)) {
		out = job->o->targets_count > 0 ? &job->rules : &job->lines;
	} else if (job->o->seal && !job->o->both && !job->o->invite) {
		out = &job->rules;
	}
	rc = atomic_file_write(STDOUT_FILENO, out->bytes, out->len);
	if (rc < 0) {
		fprintf(stderr, "tap keygen: standard output: %s\n",
			strerror(-rc));
		return TAP_SYSTEM;
	}
	return TAP_OK;
}

static int
run(struct job *job)
{
	int status = open_keys(job);

	if (status == TAP_OK) {
		status = prepare(job);
	}
	if (status == TAP_OK) {
		status = make_all(job);
	}
	if (status == TAP_OK && job->o->seal && !job->o->both &&
	    !job->o->invite) {
		status = seal_rules(job);
	}
	/* Whoever is about to be ended gives nobody a key. */
	if (status == TAP_OK && hold_signals_waiting()) {
		status = TAP_SYSTEM;
	}
	if (status == TAP_OK && job->path[0]) {
		status = save(job);
	}
	return status;
}

int
keygen_run(const struct keygen_options *o)
{
	struct job *job = secret_new(sizeof *job);
	sigset_t before;
	int status;

	if (!job) {
		return fail_memory();
	}
	hold_signals(&before);
	job->o = o;
	job->rw.dir = job->rw.lock = -1;
	job->both.dir.dir = job->both.dir.lock = -1;
	status = run(job);
	both_close(&job->both);
	/* Whoever is about to be ended leaves no lock behind. */
	if (o->both || hold_signals_waiting()) {
		atomic_file_close(&job->rw);
	}
	/* A directory with a lock in it is not empty. */
	if (status != TAP_OK && o->both && job->made_dir) {
		rmdir(o->both);
	}
	hold_signals_release(&before);
	if (status == TAP_OK) {
		status = print(job);
		/* A key that nobody was given is no key. */
		if (status != TAP_OK && job->path[0] && !o->both) {
			take_back(job);
		}
	}
	atomic_file_close(&job->rw);
	/* It had them held since it was opened. */
	hold_signals_release(&before);
	if (status == TAP_OK && o->invite) {
		keygen_tell_invite(o, job->path, &job->spec, job->invite);
	}
	if (status == TAP_OK && o->rotate >= 0) {
		keygen_rotate_warn(o, job->edit, job->path, &job->spec);
	}
	if (status == TAP_OK && o->reload) {
		status = keygen_reload(job->path);
	} else if (status == TAP_OK && o->append) {
		fprintf(stderr,
			"%s: a running server takes it after 'tap server "
			"--reload', or with --reload at once\n",
			job->path);
	}
	conf_close(&job->file);
	secret_free(job->edit);
	secret_drop(&job->lines);
	secret_drop(&job->rules);
	secret_drop(&job->out);
	secret_free(job);
	return status;
}
