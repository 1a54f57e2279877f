/*
 * Tells the icon of tap client --tray what to do, and prints what its tip says.
 * usage: tray.exe [COMMAND]: a number of tray.h
 *
 * It ends with 1 where there is none.
 */
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>

#include "client/tray.h"

#define TIP_MAX 256

int
main(int argc, char **argv)
{
	HWND window = FindWindowW(TRAY_CLASS, NULL);
	wchar_t tip[TIP_MAX];

	if (!window) {
		return 1;
	}
	if (argc > 1) {
		/* Done, when it returns. */
		SendMessageW(window, WM_COMMAND, (WPARAM)atoi(argv[1]), 0);
	}
	GetWindowTextW(window, tip, TIP_MAX);
	printf("%ls\n", tip);
	return 0;
}
