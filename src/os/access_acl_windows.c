#include "os/access_acl.h"

const char access_acl_private[] =
	"icacls FILE /inheritance:r /grant:r %USERNAME%:F";
const char access_acl_no_write[] =
	"icacls FILE shows who, /remove takes it from them";

/* The mode is made of it: see windows/rights.h. */
bool
access_acl_has(const char *path)
{
	(void)path;
	return true;
}
