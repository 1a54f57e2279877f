/* What the service manager hears, and whom nothing is said to. */
#include "unit/files_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/sd_notify.h"

static int manager;
static char dir[] = "/tmp/tap-notify.XXXXXX";
static struct sockaddr_un place;

static int
setup(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(dir));
	place = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(place.sun_path, sizeof place.sun_path, "%s/manager", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(place.sun_path);
	rmdir(dir);
	strcpy(strrchr(dir, '.') + 1, "XXXXXX");
	return 0;
}

static void
listen_at(socklen_t len)
{
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(manager >= 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&place, len), 0);
}

static void
hears(const char *text)
{
	char got[64] = "";
	size_t fds = count_fds();

	notify_manager(text);
	assert_int_equal(count_fds(), fds);
	assert_int_equal(recv(manager, got, sizeof got - 1, MSG_DONTWAIT),
			 strlen(text));
	assert_string_equal(got, text);
}

static void
by_a_path(void **state)
{
	(void)state;
	listen_at(sizeof place);
	setenv("NOTIFY_SOCKET", place.sun_path, 1);
	hears("READY=1");
	hears("STOPPING=1");
	close(manager);
	/* It is gone: that is no error, and nothing stays open. */
	notify_manager("READY=1");
}

static void
by_an_abstract_name(void **state)
{
	char name[sizeof place.sun_path];

	(void)state;
	snprintf(name, sizeof name, "@tap-notify-%ld", (long)getpid());
	memcpy(place.sun_path, name, strlen(name));
	place.sun_path[0] = '\0';
	listen_at((socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			      strlen(name)));
	setenv("NOTIFY_SOCKET", name, 1);
	hears("RELOADING=1");
	close(manager);
}

static void
nobody_elsewhere(void **state)
{
	char longer[sizeof place.sun_path + 2];
	char got;

	(void)state;
	listen_at(sizeof place);
	unsetenv("NOTIFY_SOCKET");
	notify_manager("READY=1");
	setenv("NOTIFY_SOCKET", "", 1);
	notify_manager("READY=1");
	/* Another kind of address, which is not for files. */
	setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
	notify_manager("READY=1");
	memset(longer, '/', sizeof longer);
	memcpy(longer, place.sun_path, strlen(place.sun_path));
	longer[sizeof longer - 1] = '\0';
	setenv("NOTIFY_SOCKET", longer, 1);
	notify_manager("READY=1");
	assert_int_equal(recv(manager, &got, 1, MSG_DONTWAIT), -1);
	close(manager);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(by_a_path),
		TEST(by_an_abstract_name),
		TEST(nobody_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
