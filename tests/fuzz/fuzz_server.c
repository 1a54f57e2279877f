/* SPDX-License-Identifier: ISC */
/* TAPservd.conf. */
#include <stdint.h>

#include "conf_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_server *conf = conf_server_new();
	char err[CONF_ERROR_MAX];
	struct conf_file file;

	if (conf && conf_open_text(&file, "TAPservd.conf", (const char *)data,
				   size, err) == 0) {
		if (conf_server_read(conf, &file, err) == 0) {
			acl_index(&conf->acl);
		}
		conf_close(&file);
	}
	conf_server_free(conf);
	return 0;
}
