/*
 * What is in a directory, of posix.h: readdir(3) and glob(3).
 */
#ifndef TAP_WINDOWS_DIRECTORY_H
#define TAP_WINDOWS_DIRECTORY_H

#include "windows/posix.h"

#endif
