/*
 * GUEST: lines of the client's file: virtual machines, and by what their RAM
 * is found.
 */
#ifndef TAP_CONF_GUEST_CONF_H
#define TAP_CONF_GUEST_CONF_H

#include <stddef.h>

#include "conf/grammar.h"

#define GUEST_NAME_MAX 64u
#define GUEST_PATH_MAX 256u
#define GUEST_CONF_MAX 256u /* a reader each */

struct client_guest {
	char name[GUEST_NAME_MAX];
	/* One of them is not empty: a process's number or a file that has it;
	 * a socket of QMP; a file that is the RAM. */
	char pid[GUEST_PATH_MAX], qmp[GUEST_PATH_MAX], memory[GUEST_PATH_MAX];
	char dev[ACL_IFNAME_MAX];     /* the host's end; or empty */
	char btf[GUEST_PATH_MAX];     /* types; or empty: those in RAM */
	char symbols[GUEST_PATH_MAX]; /* a System.map; or empty */
	unsigned line;
};

struct guest_list {
	struct client_guest *at; /* owned */
	size_t count, room;
};

/* One line.  0, or below 0 with the error in err, as grammar.h has it. */
int guest_conf_add(struct guest_list *list, const struct conf_file *file,
		   const struct conf_line *line, char *err);
/* That of a name, or NULL. */
const struct client_guest *guest_conf_find(const struct guest_list *list,
					   const char *name);
void guest_conf_free(struct guest_list *list);

#endif
