#include "client/service_run.h"

#include <errno.h>
#include <stdio.h>

#include "base/bytes.h"
#include "client/client_posix.h"
#include "client/unlock.h"
#include "client/until_told.h"
#include "daemon/log.h"
#include "tap.h"
#include "windows/text.h"

#define STOP_HINT_MS 5000u /* what ends, ends within */
#define EVENT_LINE_MAX 2048u
#define EVENT_ID 1u

static struct {
	const struct service_options *options;
	SERVICE_STATUS_HANDLE handle;
} at_work;

/* ---- standard error, as events: a service has no other */

static struct {
	int from, to; /* a pipe */
	HANDLE thread;
} events;

static DWORD WINAPI
report_lines(void *unused)
{
	HANDLE source = RegisterEventSourceW(NULL, SERVICE_NAME);
	FILE *lines = _fdopen(events.from, "rb");
	char line[EVENT_LINE_MAX];

	(void)unused;
	while (lines && fgets(line, sizeof line, lines)) {
		wchar_t *wide = text_wide(line);
		const wchar_t *text = wide ? wide : L"(no text)";

		ReportEventW(source, EVENTLOG_INFORMATION_TYPE, 0, EVENT_ID,
			     NULL, 1, 0, &text, NULL);
		free(wide);
	}
	return 0;
}

static void
events_begin(void)
{
	int ends[2];

	if (_pipe(ends, EVENT_LINE_MAX, O_BINARY | O_NOINHERIT) < 0 ||
	    !freopen("NUL", "wb", stderr)) {
		return;
	}
	events.from = ends[0];
	events.to = _fileno(stderr);
	_dup2(ends[1], events.to);
	_close(ends[1]);
	setvbuf(stderr, NULL, _IONBF, 0);
	SetStdHandle(STD_ERROR_HANDLE, (HANDLE)_get_osfhandle(events.to));
	events.thread = CreateThread(NULL, 0, report_lines, NULL, 0, NULL);
}

static void
events_end(void)
{
	if (events.thread) {
		_close(events.to);
		WaitForSingleObject(events.thread, STOP_HINT_MS);
	}
}

/* ---- what the system hears of it, and it of the system */

static void
report(DWORD state, int status)
{
	SERVICE_STATUS now = {
		.dwServiceType = SERVICE_WIN32_OWN_PROCESS,
		.dwCurrentState = state,
		.dwControlsAccepted = state == SERVICE_RUNNING
			? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN
			: 0,
		.dwWin32ExitCode = status == TAP_OK
			? NO_ERROR
			: ERROR_SERVICE_SPECIFIC_ERROR,
		.dwServiceSpecificExitCode = (DWORD)status,
		.dwWaitHint = STOP_HINT_MS,
	};

	SetServiceStatus(at_work.handle, &now);
}

static DWORD WINAPI
obey(DWORD control, DWORD event, void *data, void *context)
{
	(void)event;
	(void)data;
	(void)context;
	switch (control) {
	case SERVICE_CONTROL_STOP:
	case SERVICE_CONTROL_SHUTDOWN:
		report(SERVICE_STOP_PENDING, TAP_OK);
		until_told_tell();
		return NO_ERROR;
	case SERVICE_CONTROL_INTERROGATE:
		return NO_ERROR;
	default:
		return ERROR_CALL_NOT_IMPLEMENTED;
	}
}

/* The caller's word is wiped where it lies. */
static struct client_conf *
load(wchar_t *word)
{
	struct sealed_passphrase passphrase = { .len = 0 };
	char err[CONF_ERROR_MAX];
	struct client_conf *conf;
	int len, error;

	if (word) {
		len = WideCharToMultiByte(CP_UTF8, WC_ERR_INVALID_CHARS, word,
					  (int)wcslen(word), passphrase.text,
					  sizeof passphrase.text, NULL, NULL);
		passphrase.len = len > 0 ? (size_t)len : 0;
		bytes_wipe(word, wcslen(word) * sizeof *word);
	}
	conf = client_conf_load(
		at_work.options->path,
		sealed_is(at_work.options->path) ? &passphrase : NULL, err);
	error = errno;
	if (!conf) {
		fprintf(stderr, "%s\n", err);
	}
	bytes_wipe(&passphrase, sizeof passphrase);
	errno = error;
	return conf;
}

static int
work(wchar_t *word)
{
	struct client_conf *conf = load(word);
	int status;

	if (!conf) {
		return conf_status(-errno);
	}
	log_open("tap client", at_work.options->verbose);
	log_configure(&conf->settings);
	/* Whoever ends it is heard from now on. */
	status = until_told_prepare();
	if (status != TAP_OK) {
		client_conf_free(conf);
		return status;
	}
	report(SERVICE_RUNNING, TAP_OK);
	return client_posix_run(conf);
}

static void WINAPI
service_main(DWORD count, wchar_t **words)
{
	int status;

	at_work.handle =
		RegisterServiceCtrlHandlerExW(SERVICE_NAME, obey, NULL);
	if (!at_work.handle) {
		return;
	}
	report(SERVICE_START_PENDING, TAP_OK);
	events_begin();
	/* The name comes first, once or twice. */
	status = work(count > 1 ? words[count - 1] : NULL);
	events_end();
	report(SERVICE_STOPPED, status);
}

int
service_run(const struct service_options *options)
{
	static wchar_t name[] = SERVICE_NAME;
	const SERVICE_TABLE_ENTRYW table[] = { { name, service_main },
					       { NULL, NULL } };

	at_work.options = options;
	if (!StartServiceCtrlDispatcherW(table)) {
		fprintf(stderr,
			"tap client: --service run is the system's to say\n");
		return TAP_USAGE;
	}
	return TAP_OK;
}
