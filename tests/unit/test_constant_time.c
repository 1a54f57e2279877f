/*
 * Authenticators are computed and compared in a time that tells nothing of
 * the secret.  valgrind follows it: with the key marked as undefined, a
 * branch or an address that depends on it is an error.  Each case is this
 * program again, under valgrind, with the case's name as its argument.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <valgrind/memcheck.h>

#include "protocol/verify.c"

/* The exit status that valgrind gives to a program with an error in it. */
#define LEAKS 9

static struct mac_key key;

static void
make_key(enum mac_suite suite, unsigned extra, const char *realm)
{
	uint8_t secret[MAC_SECRET_MIN] = "sixteen secrets";

	VALGRIND_MAKE_MEM_UNDEFINED(secret, sizeof secret);
	mac_key_init(&key, suite, extra, secret, sizeof secret,
		     (const uint8_t *)realm, strlen(realm));
}

/*
 * A group's frames, the last of each authenticator right or wrong in one
 * bit.  That it is accepted or refused is what anybody may know.
 */
static int
judge(unsigned extra, uint32_t flip)
{
	uint32_t seq[FRAME_MAX] = { 0x12345678, 0x20000a80, 0x4b000000 };
	struct verify_frame frames[FRAME_MAX];
	struct search s = { .frames = frames, .count = FRAME_BASE + extra };
	struct verify tried = { .at = { 0, 1, 2 } };
	uint32_t stands;
	uint64_t tag;

	mac_sign(&key, 22, seq, &tag);
	for (size_t i = 0; i < s.count; i++) {
		frames[i].seq = seq[i];
	}
	/* What a stranger sent is no secret, whatever it is. */
	frames[s.count - 1].seq ^= flip;
	VALGRIND_MAKE_MEM_DEFINED(frames, sizeof frames);
	stands = auth_stands(&s, &tried, seq, extra);
	VALGRIND_MAKE_MEM_DEFINED(&stands, sizeof stands);
	return stands == 1;
}

static int
run_gate_s_way(void)
{
	bool right = true;

	for (unsigned extra = 0; extra <= FRAME_EXTRA_MAX; extra++) {
		make_key(MAC_HMAC_SHA256, extra, "realm");
		right &= judge(extra, 0) == 1;
		for (unsigned bit = 0; bit < 32; bit++) {
			right &= judge(extra, 1u << bit) == 0;
		}
	}
	make_key(MAC_HMAC_MD5, 0, "");
	right &= judge(0, 0) == 1 && judge(0, 1) == 0;
	return right ? 0 : 1;
}

static int
run_bytes(void)
{
	uint8_t a[24] = { 1, 2, 3 };
	uint8_t b[24] = { 1, 2, 4 };
	bool equal;

	VALGRIND_MAKE_MEM_UNDEFINED(a, sizeof a);
	equal = ct_equal(a, b, sizeof a);
	VALGRIND_MAKE_MEM_DEFINED(&equal, sizeof equal);
	return equal ? 1 : 0;
}

/* As memcmp() does: it ends where the first difference is. */
static bool
leaky_equal(const volatile uint32_t *a, const uint32_t *b, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (a[i] != b[i]) {
			return false;
		}
	}
	return true;
}

static int
run_leaky_compare(void)
{
	uint32_t seq[FRAME_MAX] = { 1, 2, 3 };
	/* The marks are no secret, and a difference there none either. */
	const uint32_t guess[2] = { 0xc0000000, 0x80000000 };
	volatile bool equal;

	make_key(MAC_HMAC_SHA256, 1, "");
	mac_sign(&key, 22, seq, NULL);
	equal = leaky_equal(seq + FRAME_SYN3, guess, 2);
	return equal ? 1 : 0;
}

static int
run_leaky_table(void)
{
	static const volatile uint8_t table[256] = { 1 };
	uint32_t seq[FRAME_MAX] = { 1, 2, 3 };
	volatile uint8_t looked_up;

	make_key(MAC_HMAC_MD5, 0, "");
	mac_sign(&key, 22, seq, NULL);
	looked_up = table[seq[FRAME_SYN3] & 0xff];
	(void)looked_up;
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} cases[] = {
	{ "gate", run_gate_s_way },
	{ "bytes", run_bytes },
	{ "leaky-compare", run_leaky_compare },
	{ "leaky-table", run_leaky_table },
};

static const char *self;

static void
under_valgrind(const char *name, int want)
{
	int status;
	pid_t child;

#ifdef __SANITIZE_ADDRESS__
	skip(); /* the two don't go together */
#endif
	if (RUNNING_ON_VALGRIND) {
		skip();
	}
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		execlp("valgrind", "valgrind", "-q", "--error-exitcode=9", self,
		       name, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), want);
}

static void
authenticators_leak_nothing(void **state)
{
	(void)state;
	under_valgrind("gate", 0);
}

static void
compared_bytes_leak_nothing(void **state)
{
	(void)state;
	under_valgrind("bytes", 0);
}

/* What this test is for: it has to see a compare that leaks. */
static void
a_leak_is_seen(void **state)
{
	(void)state;
	under_valgrind("leaky-compare", LEAKS);
	under_valgrind("leaky-table", LEAKS);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(authenticators_leak_nothing),
		cmocka_unit_test(compared_bytes_leak_nothing),
		cmocka_unit_test(a_leak_is_seen),
	};

	for (size_t i = 0; argc > 1 && i < COUNT(cases); i++) {
		if (strcmp(argv[1], cases[i].name) == 0) {
			return cases[i].run();
		}
	}
	self = argv[0];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
