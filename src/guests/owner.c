#include "guests/owner.h"

const char *
guest_unknown_text(enum guest_unknown unknown)
{
	static const char *const texts[GUEST_UNKNOWNS] = {
		[GUEST_KNOWN] = "known",
		[GUEST_NO_SOCKET] = "no socket has this connection",
		[GUEST_NO_PROCESS] = "no process has its socket",
		[GUEST_CHANGED] = "it changed while it was read",
		[GUEST_LATE] = "there was no time to find it",
		[GUEST_TOO_MANY] = "there are too many to look at",
		[GUEST_STARTING] = "its kernel is being looked for",
		[GUEST_NOT_LINUX] =
			"no Linux of x86-64 that is known runs in it",
		[GUEST_NO_TYPES] = "its kernel has no BTF: give it by btf=",
		[GUEST_AMBIGUOUS] = "it has two kernels: symbols= says which",
		[GUEST_GONE] = "its memory can't be read any more",
	};

	return unknown < GUEST_UNKNOWNS ? texts[unknown] : "?";
}
