/*
 * Functions of the system's libraries that are looked up when they are called
 * first: in the system's own folder, and not in the one that this program
 * lies in, where others may have put a library of that name (as into a folder
 * of downloads).  Libraries that Windows itself takes from nowhere else
 * (KnownDLLs) are linked as usual.
 */
#ifndef TAP_WINDOWS_LIBRARY_H
#define TAP_WINDOWS_LIBRARY_H

#include "windows/posix.h"

/* What is loaded by its name alone comes from there, from now on. */
void library_only_system(void);

/* A function of a library that every Windows has. */
FARPROC library_find(const wchar_t *library, const char *name);
/*
 * The same to call it, of the libraries of windows and icons, which no program
 * that has none of these needs.
 */
#define LIBRARY_CALL(library, name)                                            \
	((__typeof__(&name))(void *)library_find(library, #name))
#define USER(name) LIBRARY_CALL(L"user32.dll", name)
#define SHELL(name) LIBRARY_CALL(L"shell32.dll", name)
#define DIALOGS(name) LIBRARY_CALL(L"comdlg32.dll", name)

#endif
