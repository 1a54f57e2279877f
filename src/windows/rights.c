#include "windows/rights.h"

#include <aclapi.h>
#include <sddl.h>
#include <stdbool.h>

/* Text of a SID: "S-1-5-21-" and four numbers, with room to spare. */
#define SID_TEXT_MAX 192u

#define READS (FILE_READ_DATA | GENERIC_READ | GENERIC_ALL)
/* By these, anything can be made of it. */
#define TAKES (WRITE_DAC | WRITE_OWNER | DELETE | GENERIC_ALL)
#define WRITES (FILE_WRITE_DATA | FILE_APPEND_DATA | GENERIC_WRITE | TAKES)
/* To add a file is no harm to the others. */
#define REPLACES (FILE_DELETE_CHILD | TAKES)

/* Who runs this, from the token; NULL: not known. */
static PSID
this_user(void)
{
	static union {
		TOKEN_USER user;
		char room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
	} token;
	static bool known;
	HANDLE process;
	DWORD size = sizeof token;

	if (!known &&
	    OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &process)) {
		known = GetTokenInformation(process, TokenUser, &token, size,
					    &size);
		CloseHandle(process);
	}
	return known ? token.user.User.Sid : NULL;
}

/* The system, its administrators, and the service that installs it. */
static bool
is_system(PSID sid)
{
	static const char *const names[] = {
		"S-1-5-18",
		"S-1-5-32-544",
		"S-1-5-80-956008885-3418522649-1831038044-1853292631-"
		"2271478464",
	};
	bool found = false;
	char *text;

	if (!ConvertSidToStringSidA(sid, &text)) {
		return false;
	}
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		found |= strcmp(text, names[i]) == 0;
	}
	LocalFree(text);
	return found;
}

static bool
is_user(PSID sid)
{
	PSID user = this_user();

	return user && EqualSid(sid, user);
}

/* The owner, whoever that is; the owner is looked at as such. */
static bool
is_owner_alias(PSID sid)
{
	return IsWellKnownSid(sid, WinCreatorOwnerRightsSid);
}

/* What one entry lets others do. */
static DWORD
granted(const ACE_HEADER *header)
{
	/* Both kinds begin alike. */
	const ACCESS_ALLOWED_ACE *ace = (const void *)header;
	PSID sid = (PSID)&ace->SidStart;

	if (header->AceFlags & INHERIT_ONLY_ACE) {
		return 0;
	}
	switch (header->AceType) {
	case ACCESS_ALLOWED_ACE_TYPE:
	case ACCESS_ALLOWED_CALLBACK_ACE_TYPE:
		return is_user(sid) || is_system(sid) || is_owner_alias(sid)
			? 0
			: ace->Mask;
	case ACCESS_ALLOWED_OBJECT_ACE_TYPE:
	case ACCESS_ALLOWED_COMPOUND_ACE_TYPE:
	case ACCESS_ALLOWED_CALLBACK_OBJECT_ACE_TYPE:
		return GENERIC_ALL;
	default: /* it denies, or audits: nothing more is allowed by it */
		return 0;
	}
}

static DWORD
granted_by(ACL *list)
{
	ACL_SIZE_INFORMATION size;
	DWORD mask = 0;

	if (!list ||
	    !GetAclInformation(list, &size, sizeof size, AclSizeInformation)) {
		return GENERIC_ALL;
	}
	for (DWORD i = 0; i < size.AceCount; i++) {
		void *ace;

		mask |= GetAce(list, i, &ace) ? granted(ace) : GENERIC_ALL;
	}
	return mask;
}

void
rights_of(HANDLE file, struct windows_stat *st)
{
	const bool directory = S_ISDIR(st->st_mode);
	PSECURITY_DESCRIPTOR all = NULL;
	DWORD mask = GENERIC_ALL;
	PSID owner = NULL;
	ACL *list = NULL;

	st->st_uid = WINDOWS_OTHER;
	if (GetSecurityInfo(file, SE_FILE_OBJECT,
			    OWNER_SECURITY_INFORMATION |
				    DACL_SECURITY_INFORMATION,
			    &owner, NULL, &list, NULL, &all) == ERROR_SUCCESS) {
		mask = granted_by(list);
	}
	if (owner) {
		st->st_uid = is_user(owner) ? WINDOWS_USER
			: is_system(owner)  ? 0
					    : WINDOWS_OTHER;
	}
	/* No group is anybody's alone. */
	st->st_gid = WINDOWS_OTHER;
	st->st_mode |= directory ? 0700 : 0600;
	st->st_mode |= mask & READS ? 0044 : 0;
	st->st_mode |= mask & (directory ? REPLACES : WRITES) ? 0022 : 0;
	LocalFree(all);
}

static SECURITY_ATTRIBUTES *
make(SECURITY_ATTRIBUTES *made, bool named)
{
	char text[2 * SID_TEXT_MAX + 64];
	PSID user = this_user();
	char *sid;

	made->nLength = sizeof *made;
	if (made->lpSecurityDescriptor) {
		return made;
	}
	if (!user || !ConvertSidToStringSidA(user, &sid)) {
		return NULL;
	}
	snprintf(text, sizeof text,
		 "%s%sD:P(A;OICI;FA;;;%s)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)",
		 named ? "O:" : "", named ? sid : "", sid);
	LocalFree(sid);
	return ConvertStringSecurityDescriptorToSecurityDescriptorA(
		       text, SDDL_REVISION_1, &made->lpSecurityDescriptor, NULL)
		? made
		: NULL;
}

SECURITY_ATTRIBUTES *
rights_private(void)
{
	static SECURITY_ATTRIBUTES made;

	return make(&made, false);
}

SECURITY_ATTRIBUTES *
rights_private_named(void)
{
	static SECURITY_ATTRIBUTES made;

	return make(&made, true);
}
