/*
 * Where the program begins: arguments in UTF-8, and what the C library and
 * Winsock have to be told first.
 */
#ifndef TAP_WINDOWS_START_H
#define TAP_WINDOWS_START_H

#include "windows/posix.h"

#endif
