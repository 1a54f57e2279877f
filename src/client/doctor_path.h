/*
 * What `tap probe-path` says of the way to a host, where its far side
 * listens there.
 */
#ifndef TAP_CLIENT_DOCTOR_PATH_H
#define TAP_CLIENT_DOCTOR_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_read.h"
#include "os/resolve.h"

#define DOCTOR_FAR_PORT 8270u /* as probe-path has it */

struct doctor_path {
	bool passes;
	uint16_t service_port; /* where a port forward leads; or 0 */
	char text[JSON_READ_TEXT_MAX];
};

/* False where no far side answers. */
bool doctor_path_ask(struct doctor_path *path, const struct host_addr *dst,
		     const char *address);
/* Take what is of use out of probe-path's JSON. */
void doctor_path_read(struct doctor_path *path, const char *json, size_t len);

#endif
