/*
 * Sockets, of posix.h: numbers apart from those of files, so that close()
 * can tell.
 */
#ifndef TAP_WINDOWS_SOCKETS_H
#define TAP_WINDOWS_SOCKETS_H

#include "windows/posix.h"

#endif
