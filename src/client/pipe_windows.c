#include "client/pipe.h"

#include <stdio.h>

#include "daemon/log.h"
#include "tap.h"
#include "windows/rights.h"

#define NAME L"\\\\.\\pipe\\tap-client"
#define ASK_WAIT_MS 3000u /* for others that ask */
#define STOP_WAIT_MS 30000u

static struct {
	HANDLE pipe;
	void (*answer)(enum pipe_request request, struct text *out);
	void (*stop)(void);
} served;

/* What others send is no request, and gets no answer. */
static bool
reply(void)
{
	static char out[PIPE_REPLY_MAX];
	struct text text = text_over(out, sizeof out);
	char request;
	DWORD done;

	if (!ReadFile(served.pipe, &request, 1, &done, NULL) || done != 1) {
		return false;
	}
	if (request == PIPE_STATUS_TEXT || request == PIPE_STATUS_JSON) {
		served.answer((enum pipe_request)request, &text);
	}
	WriteFile(served.pipe, out, (DWORD)text.len, &done, NULL);
	FlushFileBuffers(served.pipe);
	return request == PIPE_STOP;
}

static DWORD WINAPI
serve(void *unused)
{
	(void)unused;
	for (;;) {
		const bool came = ConnectNamedPipe(served.pipe, NULL) ||
			GetLastError() == ERROR_PIPE_CONNECTED;

		if (!came && GetLastError() != ERROR_NO_DATA) {
			log_say(LOG_LEVEL_WARNING,
				"nobody can ask from now on: error %lu",
				GetLastError());
			return 0;
		}
		if (came && reply()) {
			served.stop();
		}
		DisconnectNamedPipe(served.pipe);
	}
	return 0;
}

static HANDLE
make_pipe(SECURITY_ATTRIBUTES *rights)
{
	return CreateNamedPipeW(
		NAME, PIPE_ACCESS_DUPLEX | FILE_FLAG_FIRST_PIPE_INSTANCE,
		PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE | PIPE_WAIT |
			PIPE_REJECT_REMOTE_CLIENTS,
		1, PIPE_REPLY_MAX, 1, 0, rights);
}

/* Whoever has taken the name keeps nobody from connecting. */
static bool
goes_without(DWORD error)
{
	char status[PIPE_REPLY_MAX];

	if (pipe_ask(PIPE_STATUS_TEXT, status, true) == TAP_OK) {
		log_say(LOG_LEVEL_ERROR, "another tap client runs here");
		return false;
	}
	log_say(LOG_LEVEL_WARNING,
		"nobody can ask this client: its pipe: error %lu", error);
	return true;
}

bool
pipe_open(void (*answer)(enum pipe_request request, struct text *out),
	  void (*stop)(void))
{
	SECURITY_ATTRIBUTES *rights = rights_private_named();
	HANDLE thread;

	served.answer = answer;
	served.stop = stop;
	served.pipe = rights ? make_pipe(rights) : INVALID_HANDLE_VALUE;
	if (served.pipe == INVALID_HANDLE_VALUE) {
		return goes_without(GetLastError());
	}
	thread = CreateThread(NULL, 0, serve, NULL, 0, NULL);
	if (!thread) {
		log_say(LOG_LEVEL_ERROR, "thread: error %lu", GetLastError());
		return false;
	}
	CloseHandle(thread);
	return true;
}

/* Who has the other end can find out nothing of who asks. */
static HANDLE
connect_pipe(void)
{
	HANDLE pipe = INVALID_HANDLE_VALUE;

	do {
		pipe = CreateFileW(NAME, GENERIC_READ | GENERIC_WRITE, 0, NULL,
				   OPEN_EXISTING,
				   SECURITY_SQOS_PRESENT | SECURITY_ANONYMOUS,
				   NULL);
	} while (pipe == INVALID_HANDLE_VALUE &&
		 GetLastError() == ERROR_PIPE_BUSY &&
		 WaitNamedPipeW(NAME, ASK_WAIT_MS));
	return pipe;
}

static HANDLE
process_behind(HANDLE pipe)
{
	ULONG id;

	return GetNamedPipeServerProcessId(pipe, &id)
		? OpenProcess(SYNCHRONIZE, FALSE, id)
		: NULL;
}

static int
complain(const char *what, DWORD error, bool quiet)
{
	const bool none = error == ERROR_FILE_NOT_FOUND;

	if (!quiet && none) {
		fprintf(stderr, "tap client: none runs here\n");
	} else if (!quiet && error == ERROR_ACCESS_DENIED) {
		fprintf(stderr,
			"tap client: only who started the client, and "
			"administrators, may ask it\n");
	} else if (!quiet) {
		fprintf(stderr, "tap client: %s: error %lu\n", what, error);
	}
	return none ? TAP_NO : TAP_SYSTEM;
}

static int
ask_by(HANDLE pipe, enum pipe_request request, char *out, bool quiet)
{
	struct windows_stat st = { .st_mode = 0 };
	DWORD mode = PIPE_READMODE_MESSAGE, len = 0;
	char byte = (char)request;
	HANDLE process = NULL;

	rights_of(pipe, &st);
	if (st.st_uid == WINDOWS_OTHER) {
		return complain("the pipe is another user's",
				ERROR_INVALID_OWNER, quiet);
	}
	if (request == PIPE_STOP) {
		process = process_behind(pipe);
	}
	if (!SetNamedPipeHandleState(pipe, &mode, NULL, NULL) ||
	    !TransactNamedPipe(pipe, &byte, 1, out, PIPE_REPLY_MAX - 1, &len,
			       NULL)) {
		return complain("its pipe", GetLastError(), quiet);
	}
	out[len] = '\0';
	if (process &&
	    WaitForSingleObject(process, STOP_WAIT_MS) != WAIT_OBJECT_0) {
		return complain("it does not end", WAIT_TIMEOUT, quiet);
	}
	return TAP_OK;
}

int
pipe_ask(enum pipe_request request, char *out, bool quiet)
{
	HANDLE pipe = connect_pipe();
	int status;

	out[0] = '\0';
	if (pipe == INVALID_HANDLE_VALUE) {
		return complain("its pipe", GetLastError(), quiet);
	}
	status = ask_by(pipe, request, out, quiet);
	CloseHandle(pipe);
	return status;
}
