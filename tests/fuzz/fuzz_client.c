/* SPDX-License-Identifier: ISC */
/* TAPclientd.conf. */
#include <stdint.h>

#include "conf_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char err[CONF_ERROR_MAX];
	struct conf_file file;

	if (conf_open_text(&file, "TAPclientd.conf", (const char *)data, size,
			   err) == 0) {
		conf_client_free(conf_client_read(&file, err));
		conf_close(&file);
	}
	return 0;
}
