#include "unit/files_support.h"

#include <stdio.h>
#include <string.h>

#include "conf/client_conf.h"
#include "conf/server_conf.h"
#include "conf/server_files.h"

#define RULE                                                                   \
	"RULE:dst_port=80, key_no=10, key=0xA1949A68393EA4B339FB8A597C38DBC9\n"

static char err[CONF_ERROR_MAX];

static struct client_conf *
read_text(const char *text)
{
	struct client_conf *conf;
	struct conf_file file;

	memset(err, 0, sizeof err);
	assert_int_equal(
		conf_open_text(&file, "c.conf", text, strlen(text), err), 0);
	conf = client_conf_read(&file, err);
	conf_close(&file);
	return conf;
}

/* More digits than there is room for are no number of a process's. */
static void
a_number_has_no_zeros_before_it(void **state)
{
	char text[1024];
	struct client_conf *conf;

	(void)state;
	snprintf(text, sizeof text, "GUEST:name=a, pid=%0700d\n" RULE, 4711);
	conf = read_text(text);
	if (!conf) {
		fail_msg("%s", err);
	}
	assert_string_equal(conf->guests.at[0].pid, "4711");
	assert_string_equal(conf->guests.at[0].memory, "");
	client_conf_free(conf);
}

static void
keys_are_forgotten(void **state)
{
	struct client_conf *conf = read_text(RULE RULE);
	const struct mac_key none = { 0 };

	(void)state;
	assert_non_null(conf);
	client_conf_forget(conf);
	for (size_t i = 0; i < 2; i++) {
		assert_memory_equal(&conf->rules[i].key.mac, &none,
				    sizeof none);
	}
	client_conf_free(conf);
}

static void
guests_are_read(void **state)
{
	struct client_conf *conf = read_text(
		"queue=20\n"
		"GUEST:name=web1, pid=/run/qemu/web1.pid, dev=vnet3\n" RULE
		"GUEST:name=db.2, qmp=/run/db, btf=/boot/btf, "
		"symbols=/boot/System.map\n"
		"GUEST:name=3, memory=/dev/shm/3\n"
		"GUEST:name=four, pid=4711\n");
	const struct client_guest *guest;

	(void)state;
	if (!conf) {
		fail_msg("%s", err);
	}
	assert_int_equal(conf->guests.count, 4);
	assert_int_equal(conf->rules_count, 1);
	guest = guest_conf_find(&conf->guests, "web1");
	assert_string_equal(guest->pid, "/run/qemu/web1.pid");
	assert_string_equal(guest->dev, "vnet3");
	assert_int_equal(guest->line, 2);
	guest = guest_conf_find(&conf->guests, "db.2");
	assert_string_equal(guest->qmp, "/run/db");
	assert_string_equal(guest->btf, "/boot/btf");
	assert_string_equal(guest->symbols, "/boot/System.map");
	assert_string_equal(guest->dev, "");
	assert_string_equal(guest_conf_find(&conf->guests, "3")->memory,
			    "/dev/shm/3");
	assert_string_equal(guest_conf_find(&conf->guests, "four")->pid,
			    "4711");
	assert_null(guest_conf_find(&conf->guests, "web"));
	client_conf_free(conf);
}

static void
bad_guests_are_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "GUEST:pid=1\n", "name is missing" },
		{ "GUEST:name=a\n", "one of pid, qmp and memory" },
		{ "GUEST:name=a, pid=1, qmp=/q\n",
		  "one of pid, qmp and memory" },
		{ "GUEST:name=a b, pid=1\n", "a guest's name has" },
		{ "GUEST:name=-a, pid=1\n", "a guest's name has" },
		{ "GUEST:name=a/b, pid=1\n", "a guest's name has" },
		{ "GUEST:name=a, pid=0\n", "pid" },
		{ "GUEST:name=a, pid=99999999999\n", "pid" },
		{ "GUEST:name=a, pid=x\n", "no path from / on" },
		{ "GUEST:name=a, memory=ram\n", "no path from / on" },
		{ "GUEST:name=a, pid=1, dst_port=80\n", "dst_port" },
		{ "GUEST:name=a, pid=1\nGUEST:name=a, pid=2\n",
		  "'a' already, in line 1" },
		{ "GUEST:name=a, pid=1, dev=v\nGUEST:name=b, pid=2, dev=v\n",
		  "v is the device of guest 'a'" },
		{ "name=a\n", "name" },
		{ "GUEST:name=a, pid=1\n", "no rule in it" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char text[512];

		snprintf(text, sizeof text, "%s%s", bad[i].text,
			 strstr(bad[i].says, "no rule") ? "" : RULE);
		assert_null(read_text(text));
		if (!strstr(err, bad[i].says)) {
			fail_msg("%s: %s", bad[i].text, err);
		}
	}
}

/* Where there are none, such a line is nothing else either. */
static void
a_server_has_no_guests(void **state)
{
	static const char text[] = "GUEST:name=a, pid=1\nRULE:dst_port=80\n";
	struct server_conf *conf = server_conf_new();
	struct conf_file file;

	(void)state;
	assert_non_null(conf);
	assert_int_equal(
		conf_open_text(&file, "s.conf", text, strlen(text), err), 0);
	assert_true(server_conf_read(conf, &file, err) < 0);
	conf_close(&file);
	server_conf_free(conf);
	assert_non_null(strstr(err, "a guest has no place here"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guests_are_read),
		cmocka_unit_test(a_number_has_no_zeros_before_it),
		cmocka_unit_test(keys_are_forgotten),
		cmocka_unit_test(bad_guests_are_refused),
		cmocka_unit_test(a_server_has_no_guests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
