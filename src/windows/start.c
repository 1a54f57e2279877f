#include "windows/start.h"

#include <bcrypt.h>
#include <errno.h>

#include "windows/library.h"
#include "windows/text.h"

#undef main

/* Wildcards are for configuration files, not for the command line. */
int _dowildcard = 0;

int
getentropy(void *bytes, size_t size)
{
	if (BCryptGenRandom(NULL, bytes, (ULONG)size,
			    BCRYPT_USE_SYSTEM_PREFERRED_RNG) < 0) {
		errno = EIO;
		return -1;
	}
	return 0;
}

void *
reallocarray(void *array, size_t count, size_t size)
{
	if (size > 0 && count > SIZE_MAX / size) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(array, count * size);
}

static UINT page_before;

static void
give_back_page(void)
{
	SetConsoleOutputCP(page_before);
}

/* Text goes out as UTF-8 and with plain line ends. */
static void
prepare(void)
{
	WSADATA winsock;

	library_only_system();
	for (int fd = 0; fd <= 2; fd++) {
		_setmode(fd, O_BINARY);
	}
	page_before = GetConsoleOutputCP();
	if (page_before != 0 && SetConsoleOutputCP(CP_UTF8)) {
		atexit(give_back_page);
	}
	(void)WSAStartup(MAKEWORD(2, 2), &winsock);
}

/* Paths are written with slashes inside; nothing else has backslashes. */
static char *
argument(const wchar_t *wide)
{
	char *text = text_utf8(wide);

	for (char *at = text; at && *at; at++) {
		*at = *at == '\\' ? '/' : *at;
	}
	return text;
}

int wmain(int argc, wchar_t **wide);

int
wmain(int argc, wchar_t **wide)
{
	char **argv = calloc((size_t)argc + 1, sizeof *argv);

	prepare();
	for (int i = 0; argv && i < argc; i++) {
		argv[i] = argument(wide[i]);
		if (!argv[i]) {
			argv = NULL;
		}
	}
	if (!argv) {
		fprintf(stderr, "tap: out of memory\n");
		return 3;
	}
	return windows_main(argc, argv);
}
