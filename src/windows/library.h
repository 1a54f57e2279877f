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

#endif
