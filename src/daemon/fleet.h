/*
 * What servers that belong together have in an engine:
 *
 *   tap:bundle        the newest bundle (bundle.h)
 *   tap:fleet         a set: the names of the servers
 *   tap:fleet:NAME    what one reports, for FLEET_FORGET_S: four numbers
 *
 * Functions return 0, or -1 with the reason in err (WHY_MAX).
 */
#ifndef TAP_DAEMON_FLEET_H
#define TAP_DAEMON_FLEET_H

#include "conf/bundle.h"
#include "daemon/engine.h"

#define FLEET_NAME_MAX 65u     /* with the NUL; HOST_NAME_MAX of Linux */
#define FLEET_REPORT_MS 2000u  /* how often */
#define FLEET_SILENT_MS 10000u /* not heard of for so long: gone */
#define FLEET_FORGET_S 604800u /* and for so long: forgotten */
#define FLEET_MAX 4096u        /* servers that are listed */

struct fleet_report {
	uint64_t version;  /* of its bundle */
	uint64_t since;    /* it is in use, seconds since 1970 */
	uint64_t accepted; /* connections let in, since the server started */
	uint64_t refused;  /* 1: it has seen one that it does not take */
};

struct fleet_server {
	char name[FLEET_NAME_MAX];
	bool reports;      /* or has been forgotten */
	uint64_t heard_ms; /* ago */
	struct fleet_report report;
};

/* Whether this may be a server's name: letters, digits, '-', '_' and '.'. */
bool fleet_is_name(const char *text, size_t len);
/* A report as text, and read again; false: it is none. */
#define FLEET_TEXT_MAX 96u
void fleet_report_text(char out[FLEET_TEXT_MAX], const struct fleet_report *r);
bool fleet_report_read(struct fleet_report *r, const char *text, size_t len);

/* The first line of the newest bundle, *there; false: there is none. */
int fleet_stamp(struct engine *e, struct bundle_stamp *stamp, bool *there,
		char *err);
/* All of it, into BUNDLE_MAX bytes. */
int fleet_fetch(struct engine *e, char *text, size_t *len, char *err);
/*
 * Put one there, ended by NUL, unless another came since fleet_watch(), which
 * is called before fleet_stamp() is.
 */
int fleet_watch(struct engine *e, char *err);
int fleet_store(struct engine *e, const char *text, char *err);

int fleet_tell(struct engine *e, const char *name,
	       const struct fleet_report *report, char *err);
/* All of them, FLEET_MAX at the most, sorted; *servers is allocated. */
int fleet_list(struct engine *e, struct fleet_server **servers, size_t *count,
	       char *err);

#endif
