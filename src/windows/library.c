#include "windows/library.h"

#include <bcrypt.h>
#include <iphlpapi.h>

void
library_only_system(void)
{
	SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
	/* Nor from the current folder, for what looks in the old way. */
	SetDllDirectoryW(L"");
}

FARPROC
library_find(const wchar_t *library, const char *name)
{
	HMODULE loaded =
		LoadLibraryExW(library, NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
	FARPROC found = loaded ? GetProcAddress(loaded, name) : NULL;

	if (!found) {
		fprintf(stderr, "tap: this system has no %s\n", name);
		ExitProcess(3);
	}
	return found;
}

/*
 * Type, library, name, parameters, arguments: found by the first call, and
 * by two at once each for itself.
 */
#define FUNCTIONS(X)                                                           \
	X(ULONG, L"iphlpapi.dll", GetAdaptersAddresses,                        \
	  (ULONG family, ULONG flags, void *reserved,                          \
	   IP_ADAPTER_ADDRESSES *all, ULONG *size),                            \
	  (family, flags, reserved, all, size))                                \
	X(DWORD, L"iphlpapi.dll", GetExtendedTcpTable,                         \
	  (void *table, DWORD *size, BOOL sorted, ULONG family,                \
	   TCP_TABLE_CLASS of, ULONG reserved),                                \
	  (table, size, sorted, family, of, reserved))                         \
	X(NTSTATUS, L"bcrypt.dll", BCryptGenRandom,                            \
	  (BCRYPT_ALG_HANDLE by, UCHAR * bytes, ULONG size, ULONG flags),      \
	  (by, bytes, size, flags))

#define DEFINE(type, library, name, parameters, arguments)                     \
	type WINAPI name parameters                                            \
	{                                                                      \
		static type(WINAPI *volatile found) parameters;                \
                                                                               \
		if (!found) {                                                  \
			found = (void *)library_find(library, #name);          \
		}                                                              \
		return found arguments;                                        \
	}
FUNCTIONS(DEFINE)
