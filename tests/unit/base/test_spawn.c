#include "unit/files_support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned limit_ms = 60000;

#define SPAWN_LIMIT_MS limit_ms
#include "base/spawn.c"

#define BIG (4u << 20)

static char out[256], errors[256];

static int
run_argv(const char *const *argv, const char *input)
{
	memset(out, 'x', sizeof out);
	memset(errors, 'x', sizeof errors);
	return run_program(argv, input, out, sizeof out, errors, sizeof errors);
}

static int
run_sh(const char *command, const char *input)
{
	const char *const argv[] = { "sh", "-c", command, NULL };

	return run_argv(argv, input);
}

static void
write_program(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static void
takes_output_and_errors(void **state)
{
	(void)state;
	assert_int_equal(run_sh("echo a; echo b >&2; printf c", NULL), 0);
	assert_string_equal(out, "a\nc");
	assert_string_equal(errors, "b\n");
	assert_int_equal(run_sh("exit 7", NULL), 7);
	assert_string_equal(out, "");
	assert_string_equal(errors, "");
	assert_int_equal(run_sh("kill -9 $$", NULL), 128 + SIGKILL);
	assert_int_equal(run_sh("kill -15 $$", NULL), 128 + SIGTERM);
}

/* A program that is in no place of the system's. */
static void
looks_where_it_is_told(void **state)
{
	static const char *const tool[] = { "no-such-tool", NULL };
	char elsewhere[] = "/tmp/tap-spawn-XXXXXX", first[64], path[256];

	(void)state;
	assert_non_null(mkdtemp(elsewhere));
	snprintf(first, sizeof first, "%s/sh", elsewhere);
	snprintf(path, sizeof path, "%s/no-such-tool", elsewhere);
	write_program(path, "#!/bin/sh\necho \"$PATH\"\n");
	write_program(first, "#!/bin/sh\necho mine\n");
	assert_int_equal(run_argv(tool, NULL), RUN_NOT_FOUND);
	/* By PATH, after those of the system; and by nothing of where we are.
	 */
	snprintf(path, sizeof path, "bin::.:%s:", elsewhere);
	setenv("PATH", path, 1);
	assert_int_equal(run_argv(tool, NULL), 0);
	assert_string_equal(out, SYSTEM_PLACES "\n");
	assert_int_equal(run_sh("exit 7", NULL), 7);
	setenv("PATH", "/usr/bin", 1);
	assert_int_equal(run_argv(tool, NULL), RUN_NOT_FOUND);
	/* What was chosen comes first. */
	spawn_set_places(elsewhere);
	assert_int_equal(run_argv(tool, NULL), 0);
	snprintf(path, sizeof path, "%s:" SYSTEM_PLACES "\n", elsewhere);
	assert_string_equal(out, path);
	assert_int_equal(run_sh("exit 7", NULL), 0);
	assert_non_null(strstr(out, "mine"));
	spawn_set_places("");
	snprintf(path, sizeof path, "%s/no-such-tool", elsewhere);
	unlink(path);
	unlink(first);
	rmdir(elsewhere);
}

static void
gives_input(void **state)
{
	(void)state;
	assert_int_equal(run_sh("cat", "one\ntwo"), 0);
	assert_string_equal(out, "one\ntwo");
	/* None is an empty one. */
	assert_int_equal(run_sh("cat; echo end", NULL), 0);
	assert_string_equal(out, "end\n");
	assert_int_equal(run_sh("cat; echo end", ""), 0);
	assert_string_equal(out, "end\n");
}

static void
passes_arguments_untouched(void **state)
{
	const char *const argv[] = { "printf", "%s|", "a b", "$HOME", "`id`",
				     "*",      "",    ";",   NULL };

	(void)state;
	assert_int_equal(run_argv(argv, NULL), 0);
	assert_string_equal(out, "a b|$HOME|`id`|*||;|");
}

static void
knows_what_is_not_there(void **state)
{
	const char *const missing[] = { "no-such-program-of-tap", NULL };
	const char *const empty[] = { "", NULL };

	(void)state;
	assert_int_equal(run_argv(missing, "input"), RUN_NOT_FOUND);
	assert_string_equal(out, "");
	assert_int_equal(run_argv(empty, NULL), RUN_NOT_FOUND);
}

static void
moves_much_both_ways(void **state)
{
	const char *const argv[] = { "tee", "/dev/stderr", NULL };
	char *input = malloc(BIG + 1);
	char *output = malloc(BIG + 1);
	char *complaints = malloc(BIG + 1);

	(void)state;
	assert_true(input && output && complaints);
	for (size_t i = 0; i < BIG; i++) {
		input[i] = (char)('a' + i % 23);
	}
	input[BIG] = '\0';
	assert_int_equal(
		run_program(argv, input, output, BIG + 1, complaints, BIG + 1),
		0);
	assert_true(strcmp(input, output) == 0);
	assert_true(strcmp(input, complaints) == 0);
	free(input);
	free(output);
	free(complaints);
}

static void
cuts_output_to_its_room(void **state)
{
	const char *const argv[] = { "head", "-c", "1000000", "/dev/zero",
				     NULL };
	char room[10];

	(void)state;
	memset(room, 'x', sizeof room);
	assert_int_equal(run_program(argv, NULL, room, 5, NULL, 0), 0);
	assert_memory_equal(room, "\0\0\0\0\0xxxxx", sizeof room);
	room[0] = 'x';
	assert_int_equal(run_program(argv, NULL, room, 1, room + 5, 1), 0);
	assert_string_equal(room, "");
	assert_string_equal(room + 5, "");
	assert_int_equal(run_program(argv, NULL, NULL, 0, NULL, 0), 0);
	/* Exactly as much as there is room for. */
	assert_int_equal(run_sh("printf %255s x", NULL), 0);
	assert_int_equal(strlen(out), 255);
	assert_int_equal(run_sh("printf %256s x", NULL), 0);
	assert_int_equal(strlen(out), 255);
}

/* It does not read its input: that is no harm, and no signal. */
static void
outlives_one_that_ends_early(void **state)
{
	char *input = malloc(BIG + 1);

	(void)state;
	assert_non_null(input);
	memset(input, 'x', BIG);
	input[BIG] = '\0';
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(run_sh("exit 3", input), 3);
	assert_int_equal(run_sh("head -c 1; exec <&-; echo b", input), 0);
	assert_string_equal(out, "xb\n");
	assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_DFL);
	free(input);
}

/* The surroundings are the program's own, not the caller's. */
static void
gives_a_clean_environment(void **state)
{
	sigset_t set, old;
	int fd;

	(void)state;
	setenv("LD_PRELOAD_OF_TAP", "1", 1);
	setenv("PATH", "/nonexistent", 1);
	assert_int_equal(run_sh("env -u PWD -u _ -u SHLVL -u OLDPWD", NULL), 0);
	assert_string_equal(out,
			    "PATH=/usr/sbin:/sbin:/usr/bin:/bin:"
			    "/usr/local/sbin\nLC_ALL=C\n");
	/* None of our descriptors, and no signal blocked or ignored. */
	fd = fcntl(0, F_DUPFD_CLOEXEC, 77);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	assert_int_equal(
		run_sh("ls -1 /proc/$$/fd; grep SigBlk /proc/self/status; "
		       "kill -13 $$",
		       NULL),
		128 + SIGPIPE);
	sigprocmask(SIG_SETMASK, &old, NULL);
	close(fd);
	assert_memory_equal(out, "0\n1\n", 4);
	assert_non_null(strstr(out, "SigBlk:\t0000000000000000"));
	assert_null(strstr(out, "\n77\n"));
}

/* Whoever starts tap may ignore SIGCHLD, and so does tap, then. */
static void
knows_the_status_where_children_are_ignored(void **state)
{
	(void)state;
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(run_sh("exit 5", NULL), 5);
	assert_ptr_equal(signal(SIGCHLD, SIG_DFL), SIG_IGN);
}

static volatile sig_atomic_t alarms;

static void
on_alarm(int number)
{
	alarms += number == SIGALRM;
}

static void
goes_on_after_signals(void **state)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	struct itimerval never = { { 0, 0 }, { 0, 0 } };

	(void)state;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	assert_int_equal(run_sh("read a; sleep 0.2; echo $a; exit 4", "x\n"),
			 4);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_string_equal(out, "x\n");
	assert_true(alarms > 0);
}

/* The test of one that has lost its standard descriptors; an exit status. */
static int
run_without(int first, int last)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		for (int fd = first; fd <= last; fd++) {
			close(fd);
		}
		status = run_sh("cat; echo b >&2", "a");
		_exit(status == 0 && strcmp(out, "a") == 0 &&
				      strcmp(errors, "b\n") == 0
			      ? 0
			      : 1);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void
does_without_standard_descriptors(void **state)
{
	(void)state;
	for (int first = 0; first <= 2; first++) {
		for (int last = first; last <= 2; last++) {
			assert_int_equal(run_without(first, last), 0);
		}
	}
}

static void
leaves_no_descriptor(void **state)
{
	const char *const missing[] = { "no-such-program-of-tap", NULL };
	size_t before = count_fds();

	(void)state;
	for (int i = 0; i < 20; i++) {
		run_sh("cat", "x");
		run_argv(missing, "x");
	}
	assert_int_equal(count_fds(), before);
}

/* Who was not ended by then was waited for: on a busy machine all is slow. */
#define HANGS_MS 60000u

/* How long a command ran, in ms, with this limit; its status. */
static int
run_limited(const char *command, unsigned limit, uint64_t *took)
{
	const uint64_t begun = now_ms();
	int status;

	limit_ms = limit;
	status = run_sh(command, NULL);
	limit_ms = 60000;
	*took = now_ms() - begun;
	return status;
}

static void
ends_one_that_hangs(void **state)
{
	static const char *const hanging[] = {
		"sleep 600",                /* with its output open, */
		"exec >&- 2>&-; sleep 600", /* or closed, */
		"trap '' TERM INT HUP; sleep 600 & wait", /* or a child's */
		"kill -STOP $$",
	};
	uint64_t took;

	(void)state;
	for (size_t i = 0; i < LENGTH(hanging); i++) {
		assert_int_equal(run_limited(hanging[i], 300, &took), -ETIME);
		assert_true(took >= 300 && took < HANGS_MS);
		/* Whoever comes next is not given as long again. */
		assert_int_equal(run_limited(hanging[i], HANGS_MS, &took),
				 -ETIME);
		assert_true(took >= 300 && took < HANGS_MS);
		assert_int_equal(run_sh("exit 3", NULL), 3);
	}
	/* What is one of a whole group goes with it, once it has begun. */
	for (unsigned limit = 300; limit < HANGS_MS; limit *= 2) {
		assert_int_equal(
			run_limited("echo $$; sleep 600 & wait", limit, &took),
			-ETIME);
		if (atoi(out) > 1) {
			break;
		}
		assert_int_equal(run_sh("", NULL), 0);
	}
	assert_true(atoi(out) > 1);
	for (int i = 0; i < 100 && kill(-atoi(out), 0) == 0; i++) {
		usleep(50000);
	}
	assert_int_equal(kill(-atoi(out), 0), -1);
	assert_int_equal(run_sh("", NULL), 0);
}

static int served_fd, served;

static bool
serve(void *context)
{
	char c;

	assert_ptr_equal(context, &served);
	assert_int_equal(read(served_fd, &c, 1), 1);
	served++;
	return c != 'x';
}

static void
serves_others_meanwhile(void **state)
{
	struct spawn_watch watch = { .fd = { -1, -1, -1 },
				     .serve = serve,
				     .context = &served };
	int ends[2];
	uint64_t took;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	watch.fd[1] = served_fd = ends[0];
	spawn_set_watch(&watch);
	assert_int_equal(write(ends[1], "abc", 3), 3);
	assert_int_equal(run_sh("sleep 0.3; exit 5", NULL), 5);
	assert_int_equal(served, 3);
	/* Also when it has nothing more to say. */
	assert_int_equal(write(ends[1], "d", 1), 1);
	assert_int_equal(run_sh("exec >&- 2>&-; sleep 0.3; exit 6", NULL), 6);
	assert_int_equal(served, 4);
	/* Who is served may want it to end. */
	assert_int_equal(write(ends[1], "ex", 2), 2);
	assert_int_equal(run_limited("sleep 600", 60000, &took), -ECANCELED);
	assert_true(took < HANGS_MS);
	assert_int_equal(served, 6);
	spawn_set_watch(NULL);
	assert_int_equal(write(ends[1], "f", 1), 1);
	assert_int_equal(run_sh("exit 7", NULL), 7);
	assert_int_equal(served, 6);
	close(ends[0]);
	close(ends[1]);
}

static bool
count(void *context)
{
	++*(int *)context;
	return true;
}

/* Whoever hangs up is heard once. */
static void
serves_no_end_without_end(void **state)
{
	struct spawn_watch watch = { .fd = { -1, -1, -1 },
				     .serve = count,
				     .context = &served };
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[1]);
	watch.fd[2] = ends[0];
	served = 0;
	spawn_set_watch(&watch);
	assert_int_equal(run_sh("sleep 0.2; exit 5", NULL), 5);
	spawn_set_watch(NULL);
	assert_int_equal(served, 1);
	close(ends[0]);
}

static int
open_descriptors(void *context)
{
	int first = dup(0);

	/* Nothing above the standard ones was open. */
	return first == *(int *)context ? 42 : 1;
}

static int
hang(void *context)
{
	(void)context;
	while (pause() < 0) {
	}
	return 0;
}

static void
runs_functions(void **state)
{
	int wanted = 3, result = 0;
	int kept = dup(0);
	pid_t process;
	uint64_t begun = now_ms();

	(void)state;
	assert_true(kept >= 3);
	assert_int_equal(run_function(open_descriptors, &wanted, 60000), 42);
	assert_int_equal(run_function(hang, NULL, 200), -ETIME);
	assert_true(now_ms() - begun < HANGS_MS);
	process = spawn_function(hang, NULL);
	assert_true(process > 0);
	assert_false(spawn_ended(process, &result));
	kill(process, SIGKILL);
	while (!spawn_ended(process, &result)) {
		poll(NULL, 0, 1);
	}
	assert_int_equal(result, -1);
	close(kept);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_output_and_errors),
		cmocka_unit_test(looks_where_it_is_told),
		cmocka_unit_test(gives_input),
		cmocka_unit_test(passes_arguments_untouched),
		cmocka_unit_test(knows_what_is_not_there),
		cmocka_unit_test(moves_much_both_ways),
		cmocka_unit_test(cuts_output_to_its_room),
		cmocka_unit_test(outlives_one_that_ends_early),
		cmocka_unit_test(gives_a_clean_environment),
		cmocka_unit_test(knows_the_status_where_children_are_ignored),
		cmocka_unit_test(goes_on_after_signals),
		cmocka_unit_test(does_without_standard_descriptors),
		cmocka_unit_test(ends_one_that_hangs),
		cmocka_unit_test(serves_others_meanwhile),
		cmocka_unit_test(serves_no_end_without_end),
		cmocka_unit_test(runs_functions),
		cmocka_unit_test(leaves_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
