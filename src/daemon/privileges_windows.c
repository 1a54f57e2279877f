#include "daemon/privileges.h"

#include "base/why.h"

/*
 * There is no other user to become; but what an administrator may do beyond
 * the rights of files, nobody does in this process any more.
 */
int
privileges_drop(enum privileges_role role, const char *user, pid_t parent,
		char *why)
{
	union {
		TOKEN_PRIVILEGES all;
		char room[4096]; /* of 12 bytes each */
	} has;
	TOKEN_PRIVILEGES *all = &has.all;
	DWORD size = sizeof has;
	HANDLE token;
	bool done = false;

	(void)role;
	(void)parent;
	if (user) {
		return why_set(why, -1, "run_as: Windows has no users for it");
	}
	if (!OpenProcessToken(GetCurrentProcess(),
			      TOKEN_QUERY | TOKEN_ADJUST_PRIVILEGES, &token)) {
		return why_set(why, -1, "error %lu", GetLastError());
	}
	if (GetTokenInformation(token, TokenPrivileges, all, size, &size)) {
		for (DWORD i = 0; i < all->PrivilegeCount; i++) {
			all->Privileges[i].Attributes = SE_PRIVILEGE_REMOVED;
		}
		done = AdjustTokenPrivileges(token, FALSE, all, 0, NULL, NULL);
	}
	CloseHandle(token);
	return done ? 0 : why_set(why, -1, "error %lu", GetLastError());
}
