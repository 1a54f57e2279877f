#include "conf/passphrase_terminal.h"

#include <stdio.h>

#include "base/bytes.h"
#include "conf/value.h"

/* The console whose echo is off, for the handler of Ctrl-C. */
static struct {
	HANDLE in, out;
	DWORD before;
} asked;

static BOOL WINAPI
give_back(DWORD event)
{
	(void)event;
	SetConsoleMode(asked.in, asked.before);
	return FALSE; /* and do what it does */
}

static void
say(const char *text)
{
	DWORD ignored;

	WriteConsoleA(asked.out, text, (DWORD)strlen(text), &ignored, NULL);
}

/* Without echo, one line. */
static int
ask(struct sealed_passphrase *out, const char *question, char *why)
{
	wchar_t line[SEAL_PASSPHRASE_MAX + 2];
	DWORD got = 0;
	int len;

	FlushConsoleInputBuffer(asked.in);
	say(question);
	if (!ReadConsoleW(asked.in, line, SEAL_PASSPHRASE_MAX + 2, &got,
			  NULL)) {
		return value_fail(why, "console: error %lu", GetLastError());
	}
	say("\r\n");
	if (got > 0 && line[got - 1] != L'\n') {
		bytes_wipe(line, sizeof line);
		return value_fail(why, "longer than %u bytes",
				  SEAL_PASSPHRASE_MAX);
	}
	while (got > 0 && (line[got - 1] == L'\n' || line[got - 1] == L'\r')) {
		got--;
	}
	len = WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, line, (int)got,
				  out->text, sizeof out->text, NULL, NULL);
	bytes_wipe(line, sizeof line);
	out->len = len > 0 ? (size_t)len : 0;
	return got == 0 ? value_fail(why, "it is empty")
		: len == 0
		? value_fail(why, "longer than %u bytes", SEAL_PASSPHRASE_MAX)
		: 0;
}

static HANDLE
console(const wchar_t *name)
{
	return CreateFileW(name, GENERIC_READ | GENERIC_WRITE,
			   FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
			   OPEN_EXISTING, 0, NULL);
}

int
passphrase_terminal(struct sealed_passphrase *out, const char *question,
		    bool again, char *why)
{
	int rc;

	asked.in = console(L"CONIN$");
	asked.out = console(L"CONOUT$");
	if (asked.in == INVALID_HANDLE_VALUE ||
	    asked.out == INVALID_HANDLE_VALUE ||
	    !GetConsoleMode(asked.in, &asked.before)) {
		rc = value_fail(why,
				"no console to ask on; --passphrase-fd takes "
				"it from elsewhere");
	} else {
		SetConsoleCtrlHandler(give_back, TRUE);
		SetConsoleMode(asked.in,
			       ENABLE_LINE_INPUT | ENABLE_PROCESSED_INPUT);
		rc = passphrase_ask(out, ask, question, again, why);
		SetConsoleMode(asked.in, asked.before);
		SetConsoleCtrlHandler(give_back, FALSE);
	}
	CloseHandle(asked.in);
	CloseHandle(asked.out);
	return rc;
}
