#include "client/tray.h"

#include <commdlg.h>
#include <shellapi.h>
#include <stdio.h>

#include "client/pipe.h"
#include "conf/sealed_file.h"
#include "tap.h"
#include "windows/library.h"
#include "windows/text.h"

#define LOOK_MS 1000u
#define ICON_MESSAGE (WM_APP + 1)
#define PATH_SIZE 1024u
/* Two paths, and what stands around them. */
#define COMMAND_SIZE (2 * PATH_SIZE + 64)

enum state { STOPPED, RUNS, ALARM };

static struct {
	HWND window;
	NOTIFYICONDATAW icon;
	UINT created;  /* a message: there is a bar to put it on */
	HANDLE client; /* that was started here, or NULL */
	wchar_t path[PATH_SIZE];
} tray;

/* ---- how the client is */

/* What stands behind a label of the status, up to the end of its line. */
static const char *
value_of(const char *status, const char *label, int *len)
{
	const size_t length = strlen(label);

	for (const char *at = status; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, label, length) == 0) {
			at += length + strspn(at + length, " ");
			*len = (int)strcspn(at, "\n");
			return at;
		}
	}
	*len = 0;
	return "";
}

static enum state
look(char *tip, size_t size)
{
	char status[PIPE_REPLY_MAX];
	int alarm_len, seen_len, signed_len;
	const char *alarm, *seen, *made;

	if (pipe_ask(PIPE_STATUS_TEXT, status, true) != TAP_OK) {
		snprintf(tip, size, "tap client: not running");
		return STOPPED;
	}
	alarm = value_of(status, "ALARM", &alarm_len);
	seen = value_of(status, "SYNs seen", &seen_len);
	made = value_of(status, "authenticated", &signed_len);
	snprintf(tip, size, "tap client: SYNs: %.*s, authenticated: %.*s%s%.*s",
		 seen_len, seen, signed_len, made, alarm_len > 0 ? "\n" : "",
		 alarm_len, alarm);
	return alarm_len > 0 ? ALARM : RUNS;
}

static HICON
icon_of(enum state state)
{
	return USER(LoadIconA)(NULL,
			       state == STOPPED        ? IDI_APPLICATION
				       : state == RUNS ? IDI_SHIELD
						       : IDI_WARNING);
}

/* Where there is no bar yet, this is tried again. */
static void
show(DWORD what)
{
	if (!SHELL(Shell_NotifyIconW)(what, &tray.icon) && what == NIM_MODIFY) {
		SHELL(Shell_NotifyIconW)(NIM_ADD, &tray.icon);
	}
	tray.icon.uFlags &= ~(UINT)NIF_INFO;
}

static void
say(const wchar_t *text)
{
	wcsncpy(tray.icon.szInfo, text,
		sizeof tray.icon.szInfo / sizeof(wchar_t) - 1);
	wcscpy(tray.icon.szInfoTitle, L"tap client");
	tray.icon.uFlags |= NIF_INFO;
	show(NIM_MODIFY);
}

static void
look_after_client(void)
{
	wchar_t text[128];
	DWORD status;

	if (!tray.client ||
	    WaitForSingleObject(tray.client, 0) != WAIT_OBJECT_0) {
		return;
	}
	if (GetExitCodeProcess(tray.client, &status) && status != TAP_OK) {
		swprintf(text, 128,
			 L"It has ended, with exit status %lu: tap client -c "
			 L"FILE says why",
			 status);
		say(text);
	}
	CloseHandle(tray.client);
	tray.client = NULL;
}

static void
refresh(void)
{
	char tip[sizeof tray.icon.szTip / sizeof(wchar_t)];
	wchar_t *wide;

	look_after_client();
	tray.icon.hIcon = icon_of(look(tip, sizeof tip));
	wide = text_wide(tip);
	if (wide) {
		wcscpy(tray.icon.szTip, wide);
		USER(SetWindowTextW)(tray.window, wide);
	}
	free(wide);
	show(NIM_MODIFY);
}

/* ---- what it does */

/* Of one that is sealed, the passphrase is asked for in a window. */
static HANDLE
begin(const wchar_t *command, bool in_window)
{
	STARTUPINFOW with = { .cb = sizeof with };
	PROCESS_INFORMATION begun;
	wchar_t words[COMMAND_SIZE];

	wcsncpy(words, command, COMMAND_SIZE - 1);
	words[COMMAND_SIZE - 1] = L'\0';
	if (!CreateProcessW(NULL, words, NULL, NULL, FALSE,
			    in_window ? CREATE_NEW_CONSOLE : CREATE_NO_WINDOW,
			    NULL, NULL, &with, &begun)) {
		say(L"A program could not be started");
		return NULL;
	}
	CloseHandle(begun.hThread);
	return begun.hProcess;
}

static bool
is_sealed(void)
{
	char *path = text_utf8(tray.path);
	const bool sealed = path && sealed_is(path);

	free(path);
	return sealed;
}

static void
start(void)
{
	wchar_t program[PATH_SIZE], command[COMMAND_SIZE];
	const DWORD len = GetModuleFileNameW(NULL, program, PATH_SIZE);

	look_after_client();
	if (!tray.client && len > 0 && len < PATH_SIZE &&
	    swprintf(command, COMMAND_SIZE, L"\"%ls\" client -c \"%ls\"",
		     program, tray.path) > 0) {
		tray.client = begin(command, is_sealed());
	}
}

static void
edit(void)
{
	wchar_t system[MAX_PATH], command[COMMAND_SIZE];
	const UINT len = GetSystemDirectoryW(system, MAX_PATH);
	HANDLE editor;

	if (is_sealed()) {
		say(L"This file is sealed: it can't be edited, but made anew");
		return;
	}
	if (len > 0 && len < MAX_PATH &&
	    swprintf(command, COMMAND_SIZE, L"\"%ls\\notepad.exe\" \"%ls\"",
		     system, tray.path) > 0) {
		editor = begin(command, false);
		if (editor) {
			CloseHandle(editor);
		}
	}
}

/* The old one stays where none is chosen. */
static void
choose(void)
{
	wchar_t path[PATH_SIZE] = L"";
	OPENFILENAMEW asked = {
		.lStructSize = sizeof asked,
		.hwndOwner = tray.window,
		.lpstrFile = path,
		.nMaxFile = PATH_SIZE,
		.Flags = OFN_FILEMUSTEXIST | OFN_NOCHANGEDIR,
	};

	if (DIALOGS(GetOpenFileNameW)(&asked)) {
		wcscpy(tray.path, path);
	}
}

static void
stop(void)
{
	char ignored[PIPE_REPLY_MAX];

	if (pipe_ask(PIPE_STOP, ignored, true) == TAP_SYSTEM) {
		say(L"It can't be stopped from here: who started it may");
	}
}

static void
obey(WPARAM command)
{
	switch (command & 0xffff) {
	case TRAY_START:
		start();
		break;
	case TRAY_STOP:
		stop();
		break;
	case TRAY_EDIT:
		edit();
		break;
	case TRAY_CHOOSE:
		choose();
		break;
	case TRAY_QUIT:
		USER(PostQuitMessage)(TAP_OK);
		break;
	default:
		break;
	}
	refresh();
}

/* ---- the window, which nobody sees, and the menu */

static void
ask(void)
{
	char tip[128];
	const bool runs = look(tip, sizeof tip) != STOPPED;
	HMENU menu = USER(CreatePopupMenu)();
	POINT at;

	USER(AppendMenuW)(menu, runs ? MF_GRAYED : 0, TRAY_START, L"Start");
	USER(AppendMenuW)(menu, runs ? 0 : MF_GRAYED, TRAY_STOP, L"Stop");
	USER(AppendMenuW)(menu, MF_SEPARATOR, 0, NULL);
	USER(AppendMenuW)(menu, MF_GRAYED, 0, tray.path);
	USER(AppendMenuW)(menu, 0, TRAY_EDIT, L"Edit");
	USER(AppendMenuW)(menu, 0, TRAY_CHOOSE, L"Choose a file...");
	USER(AppendMenuW)(menu, MF_SEPARATOR, 0, NULL);
	USER(AppendMenuW)(menu, 0, TRAY_QUIT, L"Quit");
	USER(GetCursorPos)(&at);
	/* Else the menu stays when one clicks elsewhere. */
	USER(SetForegroundWindow)(tray.window);
	USER(TrackPopupMenu)(menu, 0, at.x, at.y, 0, tray.window, NULL);
	USER(DestroyMenu)(menu);
}

static LRESULT CALLBACK
take(HWND window, UINT message, WPARAM word, LPARAM more)
{
	switch (message) {
	case ICON_MESSAGE:
		if (LOWORD(more) == WM_RBUTTONUP ||
		    LOWORD(more) == WM_LBUTTONUP) {
			ask();
		}
		return 0;
	case WM_TIMER:
		refresh();
		return 0;
	case WM_COMMAND:
		obey(word);
		return 0;
	default:
		if (message == tray.created && tray.created != 0) {
			show(NIM_ADD);
		}
		return USER(DefWindowProcW)(window, message, word, more);
	}
}

static bool
make_window(void)
{
	const WNDCLASSEXW class = { .cbSize = sizeof class,
				    .lpfnWndProc = take,
				    .hInstance = GetModuleHandleW(NULL),
				    .lpszClassName = TRAY_CLASS };

	tray.created = USER(RegisterWindowMessageW)(L"TaskbarCreated");
	if (!USER(RegisterClassExW)(&class)) {
		return false;
	}
	tray.window = USER(CreateWindowExW)(0, TRAY_CLASS, L"tap client",
					    WS_OVERLAPPED, 0, 0, 0, 0, NULL,
					    NULL, class.hInstance, NULL);
	return tray.window && USER(SetTimer)(tray.window, 1, LOOK_MS, NULL);
}

static int
serve(void)
{
	MSG message;

	tray.icon = (NOTIFYICONDATAW){
		.cbSize = sizeof tray.icon,
		.hWnd = tray.window,
		.uID = 1,
		.uFlags = NIF_MESSAGE | NIF_ICON | NIF_TIP,
		.uCallbackMessage = ICON_MESSAGE,
	};
	refresh();
	while (USER(GetMessageW)(&message, NULL, 0, 0) > 0) {
		USER(DispatchMessageW)(&message);
	}
	show(NIM_DELETE);
	return (int)message.wParam;
}

int
tray_run(const char *path)
{
	wchar_t *wide = text_path(path);

	if (!wide ||
	    GetFullPathNameW(wide, PATH_SIZE, tray.path, NULL) >= PATH_SIZE) {
		fprintf(stderr, "%s: too long a path\n", path);
		free(wide);
		return TAP_USAGE;
	}
	free(wide);
	if (USER(FindWindowW)(TRAY_CLASS, NULL)) {
		fprintf(stderr, "tap client: the icon is there already\n");
		return TAP_NO;
	}
	if (!make_window()) {
		fprintf(stderr, "tap client: no window: error %lu\n",
			GetLastError());
		return TAP_SYSTEM;
	}
	/* The window of a console that was opened for this alone goes. */
	FreeConsole();
	return serve();
}
