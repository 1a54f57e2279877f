/*
 * Run a program: fixed arguments, no shell, its input from memory, its
 * output to memory.
 */
#ifndef TAP_BASE_SPAWN_H
#define TAP_BASE_SPAWN_H

#include <stddef.h>

#define RUN_NOT_FOUND 127 /* the status where there is no such program */

/*
 * Run argv[0], found in the system's own directories (not in PATH, which
 * the caller's environment could choose).  input (may be NULL) becomes
 * its standard input; what it prints goes to output, what it complains
 * of to errors: both cut to size and ended by NUL, or NULL.  Returns its
 * exit status, 128 + the signal that ended it, RUN_NOT_FOUND, or -errno.
 */
int run_program(const char *const *argv, const char *input, char *output,
		size_t output_size, char *errors, size_t errors_size);
/*
 * The same for a program that is to end when tap does, or when the
 * terminal interrupts both.
 */
int run_attached(const char *const *argv, const char *input, char *output,
		 size_t output_size, char *errors, size_t errors_size);

#endif
