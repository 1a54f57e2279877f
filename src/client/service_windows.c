#include "client/service.h"

#include <errno.h>
#include <stdio.h>

#include "base/bytes.h"
#include "client/client_posix.h"
#include "client/pipe.h"
#include "client/service_run.h"
#include "client/unlock.h"
#include "conf/trusted_file.h"
#include "conf/value.h"
#include "tap.h"
#include "windows/text.h"

#define WORDS "install remove start stop run"
enum { INSTALL, REMOVE, START, STOP, RUN };

/* What is asked for takes so long at the most, and is looked at so often. */
#define WAIT_MS 30000u
#define LOOK_MS 100u
/* After it has failed, as without a device. */
#define AGAIN_MS 10000u

#define COMMAND_MAX 4096u
/* How its command line goes on, behind the program's path. */
#define CONF L" client --service run -c \""

int
service_option(void *into, const char *value, char *why)
{
	unsigned long at;
	int *what = into;
	const int rc = value_choice(value, WORDS, &at, why);

	*what = rc == 0 ? (int)at : -1;
	return rc;
}

static int
complain(DWORD error)
{
	static const struct {
		DWORD error;
		const char *text;
	} known[] = {
		{ ERROR_SERVICE_DOES_NOT_EXIST, "there is none: see install" },
		{ ERROR_SERVICE_EXISTS, "there is one already" },
		{ ERROR_SERVICE_ALREADY_RUNNING, "it runs already" },
		{ ERROR_SERVICE_NOT_ACTIVE, "it does not run" },
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (known[i].error == error) {
			fprintf(stderr, "tap client: service: %s\n",
				known[i].text);
			return TAP_NO;
		}
	}
	if (error == ERROR_ACCESS_DENIED) {
		fprintf(stderr,
			"tap client: service: an administrator's to do\n");
	} else {
		fprintf(stderr, "tap client: service: error %lu\n", error);
	}
	return TAP_SYSTEM;
}

/* ---- install */

/* Whoever could change it would have the system's rights.  An exit status. */
static int
check_program(const wchar_t *program)
{
	char why[VALUE_WHY_MAX];
	char *path = text_utf8(program);
	int status = TAP_SYSTEM;
	int fd;

	for (char *at = path; at && *at; at++) {
		*at = *at == '\\' ? '/' : *at;
	}
	fd = path ? open(path, O_RDONLY) : -1;
	if (fd < 0) {
		fprintf(stderr, "tap client: its own file: %s\n",
			strerror(errno));
	} else {
		status = trusted_file(path, fd, why) == 0 ? TAP_OK : TAP_USAGE;
		close(fd);
	}
	if (status == TAP_USAGE) {
		fprintf(stderr, "%s: %s\n", path, why);
	}
	free(path);
	return status;
}

/* Only what has been looked at is put there.  An exit status. */
static int
check_conf(const char *path, bool sealed)
{
	struct client_conf *conf;

	if (sealed) {
		return TAP_OK; /* as start finds */
	}
	conf = unlock_client(path, -1);
	if (!conf) {
		return conf_status(-errno);
	}
	client_conf_free(conf);
	return TAP_OK;
}

/* Not at once, as devices come late; and once more where it fails. */
static void
be_patient(SC_HANDLE service)
{
	SC_ACTION again = { SC_ACTION_RESTART, AGAIN_MS };
	SERVICE_FAILURE_ACTIONSW actions = { .cActions = 1,
					     .lpsaActions = &again };
	SERVICE_FAILURE_ACTIONS_FLAG always = { TRUE };
	SERVICE_DELAYED_AUTO_START_INFO late = { TRUE };

	ChangeServiceConfig2W(service, SERVICE_CONFIG_DELAYED_AUTO_START_INFO,
			      &late);
	ChangeServiceConfig2W(service, SERVICE_CONFIG_FAILURE_ACTIONS,
			      &actions);
	ChangeServiceConfig2W(service, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG,
			      &always);
}

static int
create(SC_HANDLE manager, const wchar_t *command, bool sealed)
{
	SC_HANDLE service = CreateServiceW(
		manager, SERVICE_NAME, L"tap client", SERVICE_ALL_ACCESS,
		SERVICE_WIN32_OWN_PROCESS,
		sealed ? SERVICE_DEMAND_START : SERVICE_AUTO_START,
		SERVICE_ERROR_NORMAL, command, NULL, NULL, NULL, NULL, NULL);

	if (!service) {
		return complain(GetLastError());
	}
	if (!sealed) {
		be_patient(service);
	}
	CloseServiceHandle(service);
	return TAP_OK;
}

static int
install(SC_HANDLE manager, const struct service_options *o)
{
	wchar_t program[MAX_PATH], command[COMMAND_MAX];
	const bool sealed = sealed_is(o->path);
	const DWORD len = GetModuleFileNameW(NULL, program, MAX_PATH);
	char *real = realpath(o->path, NULL);
	wchar_t *path = real ? text_path(real) : NULL;
	int status = TAP_SYSTEM;

	if (!path) {
		fprintf(stderr, "%s: %s\n", o->path, strerror(errno));
		status = TAP_USAGE;
	} else if (len == 0 || len >= MAX_PATH) {
		fprintf(stderr, "tap client: its own path is too long\n");
	} else {
		status = check_program(program);
		status =
			status != TAP_OK ? status : check_conf(o->path, sealed);
	}
	if (status == TAP_OK) {
		/* Without quotes, C:\Program.exe would be started. */
		status = swprintf(command, COMMAND_MAX,
				  L"\"%ls\"" CONF "%ls\"%ls", program, path,
				  o->verbose ? L" -v" : L"") > 0
			? create(manager, command, sealed)
			: TAP_USAGE;
	}
	free(real);
	free(path);
	return status;
}

/* ---- start and stop */

/* Until it is in that state, or has stopped.  What it then is; 0: neither. */
static DWORD
wait_for(SC_HANDLE service, DWORD wanted, SERVICE_STATUS *status)
{
	for (unsigned ms = 0; ms < WAIT_MS; ms += LOOK_MS) {
		if (!QueryServiceStatus(service, status)) {
			return 0;
		}
		if (status->dwCurrentState == wanted ||
		    status->dwCurrentState == SERVICE_STOPPED) {
			return status->dwCurrentState;
		}
		Sleep(LOOK_MS);
	}
	return 0;
}

/* The path of its file, the caller's to free; or NULL. */
static char *
conf_of(SC_HANDLE service)
{
	union {
		QUERY_SERVICE_CONFIGW config;
		char room[8192]; /* as much as there can be */
	} got;
	wchar_t *from, *to;
	DWORD size;
	char *path;

	if (!QueryServiceConfigW(service, &got.config, sizeof got, &size)) {
		return NULL;
	}
	from = wcsstr(got.config.lpBinaryPathName, CONF);
	to = from ? wcschr(from + wcslen(CONF), L'"') : NULL;
	if (!to) {
		return NULL;
	}
	*to = L'\0';
	path = text_utf8(from + wcslen(CONF));
	for (char *at = path; at && *at; at++) {
		*at = *at == '\\' ? '/' : *at;
	}
	return path;
}

/* It goes from this process to the service by the system, and on no disk. */
static int
hand_over(SC_HANDLE service, const struct sealed_passphrase *passphrase)
{
	wchar_t text[SEAL_PASSPHRASE_MAX + 1] = L"";
	const wchar_t *arguments[] = { SERVICE_NAME, text };
	const bool is_there = passphrase->len > 0;
	BOOL done;

	if (is_there &&
	    MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, passphrase->text,
				(int)passphrase->len, text,
				SEAL_PASSPHRASE_MAX) == 0) {
		fprintf(stderr, "tap client: passphrase: it is no text\n");
		return TAP_USAGE;
	}
	done = StartServiceW(service, is_there ? 2 : 0,
			     is_there ? arguments : NULL);
	bytes_wipe(text, sizeof text);
	return done ? TAP_OK : complain(GetLastError());
}

/* Whether it goes on is known once it can be asked. */
static int
await_start(SC_HANDLE service)
{
	char ignored[PIPE_REPLY_MAX];
	SERVICE_STATUS status;

	if (wait_for(service, SERVICE_RUNNING, &status) == SERVICE_RUNNING &&
	    pipe_ask(PIPE_STATUS_TEXT, ignored, true) == TAP_OK) {
		return TAP_OK;
	}
	fprintf(stderr,
		"tap client: service: it did not start; events of "
		"applications say why\n");
	return wait_for(service, SERVICE_STOPPED, &status) == SERVICE_STOPPED &&
			status.dwServiceSpecificExitCode == TAP_USAGE
		? TAP_USAGE
		: TAP_SYSTEM;
}

static int
start(SC_HANDLE service, const struct service_options *o)
{
	struct sealed_passphrase passphrase = { .len = 0 };
	char *path = conf_of(service);
	int status = TAP_OK;

	if (!path) {
		return complain(GetLastError());
	}
	/* One that is not sealed, the service alone may read. */
	if (sealed_is(path)) {
		struct client_conf *conf =
			unlock_client_by(path, o->passphrase_fd, &passphrase);

		status = conf ? TAP_OK : conf_status(-errno);
		client_conf_free(conf);
	}
	if (status == TAP_OK) {
		status = hand_over(service, &passphrase);
		status = status == TAP_OK ? await_start(service) : status;
	}
	bytes_wipe(&passphrase, sizeof passphrase);
	free(path);
	return status;
}

static int
stop(SC_HANDLE service)
{
	SERVICE_STATUS status;

	if (!ControlService(service, SERVICE_CONTROL_STOP, &status)) {
		return complain(GetLastError());
	}
	return wait_for(service, SERVICE_STOPPED, &status) == SERVICE_STOPPED
		? TAP_OK
		: complain(ERROR_SERVICE_REQUEST_TIMEOUT);
}

static int
remove_service(SC_HANDLE service)
{
	SERVICE_STATUS status;

	if (QueryServiceStatus(service, &status) &&
	    status.dwCurrentState != SERVICE_STOPPED &&
	    stop(service) != TAP_OK) {
		return TAP_SYSTEM;
	}
	return DeleteService(service) ? TAP_OK : complain(GetLastError());
}

static int
do_by(SC_HANDLE manager, int what, const struct service_options *o)
{
	SC_HANDLE service;
	int status;

	if (what == INSTALL) {
		return install(manager, o);
	}
	service =
		OpenServiceW(manager, SERVICE_NAME,
			     SERVICE_QUERY_STATUS | SERVICE_QUERY_CONFIG |
				     (what == REMOVE ? DELETE | SERVICE_STOP
					      : what == START ? SERVICE_START
							      : SERVICE_STOP));
	if (!service) {
		return complain(GetLastError());
	}
	status = what == REMOVE ? remove_service(service)
		: what == START ? start(service, o)
				: stop(service);
	CloseServiceHandle(service);
	return status;
}

int
service_do(int what, const struct service_options *options)
{
	SC_HANDLE manager;
	int status;

	if (what == RUN) {
		return service_run(options);
	}
	manager = OpenSCManagerW(
		NULL, NULL,
		SC_MANAGER_CONNECT |
			(what == INSTALL ? SC_MANAGER_CREATE_SERVICE : 0));
	if (!manager) {
		return complain(GetLastError());
	}
	status = do_by(manager, what, options);
	CloseServiceHandle(manager);
	return status;
}
