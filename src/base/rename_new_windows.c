#include "base/rename_new.h"

#include <errno.h>

#include "windows/files.h"
#include "windows/text.h"

int
naming_new(int dir, const char *from, const char *to)
{
	wchar_t *old = files_path_at(dir, from);
	wchar_t *new = files_path_at(dir, to);
	int rc = -ENOMEM;

	if (old && new) {
		rc = 0;
		if (!MoveFileExW(old, new, MOVEFILE_WRITE_THROUGH)) {
			text_error(GetLastError());
			rc = -errno;
		}
	}
	free(old);
	free(new);
	return rc;
}
