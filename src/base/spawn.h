/*
 * Run a program: fixed arguments, no shell, its input from memory, its
 * output to memory.
 */
#ifndef TAP_BASE_SPAWN_H
#define TAP_BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SPAWN_PLACES_MAX 256u
#define RUN_NOT_FOUND 127 /* the status where there is no such program */

/*
 * How long run_program() lets a program run: above what the firewall's
 * tools wait for each other's lock (--wait=10).  Then it is killed, with
 * all of its process group.  After one that hung the next one gets less,
 * until one ends by itself: many calls don't add up to minutes.
 */
#ifndef SPAWN_LIMIT_MS /* shorter in a test */
#define SPAWN_LIMIT_MS 20000u
#endif
#define SPAWN_LIMIT_AGAIN_MS (SPAWN_LIMIT_MS / 10)

/*
 * Run argv[0], a path that begins with / or a name that is found where
 * spawn_set_places() says, in the system's own directories, or in those of
 * PATH: in this order, as whoever starts us may choose the last (who has not
 * the rights that we have does not).  input (may be NULL) becomes its standard
 * input; what it prints goes to output, what it complains of to errors: both
 * cut to size and ended by NUL, or NULL.  Returns its exit status, 128 + the
 * signal that ended it, RUN_NOT_FOUND, or -errno:
 * -ETIME where its time was up, -ECANCELED where whoever was served
 * meanwhile wanted it to end.
 */
int run_program(const char *const *argv, const char *input, char *output,
		size_t output_size, char *errors, size_t errors_size);
/*
 * Directories to look in first, as PATH has them, each from / on, in less than
 * SPAWN_PLACES_MAX bytes.
 */
void spawn_set_places(const char *places);
/*
 * The same for a program that is to end when tap does, or when the
 * terminal interrupts both; it has all the time that it wants.
 */
int run_attached(const char *const *argv, const char *input, char *output,
		 size_t output_size, char *errors, size_t errors_size);

/*
 * Run a function in a process of its own, which ends with this one, has
 * nothing open but 0 to 2, and can't be waited for by mistake: for what may
 * wait for a file system that hangs.  Its process, or -errno.
 */
pid_t spawn_function(int (*function)(void *context), void *context);
/* The same, with these open, too. */
pid_t spawn_function_with(int (*function)(void *context), void *context,
			  const int *kept, size_t count);
/* Close all descriptors but 0 to 2 and these; those below 0 are none. */
void spawn_close_others(const int *kept, size_t count);
/*
 * Whether it has ended, and with what (its low 8 bits); -1 where that is not
 * known.  Once it has, it is forgotten.
 */
bool spawn_ended(pid_t process, int *result);
/*
 * Run it and wait, for so long at the most, serving whoever is watched: its
 * result, -ETIME, -ECANCELED or another -errno.
 */
int run_function(int (*function)(void *context), void *context,
		 unsigned wait_ms);

#define SPAWN_WATCHED 3

/* What is served while a program runs. */
struct spawn_watch {
	int fd[SPAWN_WATCHED]; /* to be readable, or below 0 */
	/* One of them is.  False: end the program, and begin no other. */
	bool (*serve)(void *context);
	void *context;
};

/* From now on, in this process; NULL: nothing. */
void spawn_set_watch(const struct spawn_watch *watch);

#endif
