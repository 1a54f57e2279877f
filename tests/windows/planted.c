/*
 * A library that no program should load: it ends whoever does, with 99.
 */
#include <windows.h>

BOOL WINAPI DllMain(HINSTANCE self, DWORD why, void *reserved);

BOOL WINAPI
DllMain(HINSTANCE self, DWORD why, void *reserved)
{
	(void)self;
	(void)why;
	(void)reserved;
	ExitProcess(99);
	return FALSE;
}
