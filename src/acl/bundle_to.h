/*
 * Where bundles go to: a file, another host's by ssh(1), or an engine.
 *
 * Functions return 0, or -1 with the reason in err (CONF_ERROR_MAX).
 */
#ifndef TAP_ACL_BUNDLE_TO_H
#define TAP_ACL_BUNDLE_TO_H

#include "acl/common.h"
#include "conf/bundle_key.h"
#include "daemon/fleet.h"

enum bundle_to_kind { BUNDLE_TO_FILE, BUNDLE_TO_HOST, BUNDLE_TO_ENGINE };

/*
 * The engine that `text` names, with user and password of the bundle's key
 * file if there is one; or without text that of replay_share=.  TAP_OK, or with
 * the error said the exit status.
 */
int access_engine(const struct access_options *o, const char *text,
		  struct share_conf *share);

struct bundle_to {
	enum bundle_to_kind kind;
	const char *name; /* as it was written */
	char *path;       /* on a host, within `name`; or NULL */
	struct share_conf share;
	struct engine *engine; /* owned, or NULL */
	bool there;            /* a bundle: its stamp, and what is in it */
	struct bundle_stamp stamp;
	uint8_t *box; /* a secret; owned, or NULL */
	size_t len;
};

/* /PATH, HOST[:PATH] or an engine; the text stays the caller's, and is cut. */
int bundle_to_parse(struct bundle_to *to, char *text,
		    const struct bundle_key *key, char *err);
/* An engine that `share` has already. */
void bundle_to_engine(struct bundle_to *to);

/*
 * See what is there; of another host nothing is known.  What this key has not
 * signed is an error: it says nothing that can be believed, and may be others'.
 */
int bundle_to_look(struct bundle_to *to, const struct bundle_key *key,
		   char *err);
/* Put a bundle, ended by NUL, in its place. */
int bundle_to_put(struct bundle_to *to, const char *text, char *err);
void bundle_to_close(struct bundle_to *to);

#endif
