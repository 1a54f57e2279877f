#include "windows/sockets.h"

#include <errno.h>

#include "windows/text.h"

#undef socket

/* Handles are small numbers, those of the C library's files smaller still. */
#define IS_SOCKET 0x40000000

int
windows_socket(int family, int type, int protocol)
{
	SOCKET made = socket(family, type, protocol);

	if (made == INVALID_SOCKET) {
		return windows_result(SOCKET_ERROR);
	}
	if (made >= IS_SOCKET) {
		closesocket(made);
		errno = EMFILE;
		return -1;
	}
	return (int)made | IS_SOCKET;
}

SOCKET
windows_handle(int fd)
{
	return fd & IS_SOCKET ? (SOCKET)(fd & ~IS_SOCKET) : INVALID_SOCKET;
}

int
windows_result(int rc)
{
	return rc == SOCKET_ERROR ? text_error((DWORD)WSAGetLastError()) : rc;
}

bool
windows_close_socket(int fd)
{
	if (fd < 0 || !(fd & IS_SOCKET)) {
		return false;
	}
	closesocket(windows_handle(fd));
	return true;
}
