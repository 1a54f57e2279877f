#include "keygen/qr_code.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/spawn.h"

/*
 * The largest code has 177 rows and columns: two rows a line, each sign
 * with its colours.
 */
#define OUTPUT_MAX (1u << 20)

void
qr_code_print(const char *line)
{
	/* Standard input: arguments are there for all to read. */
	static const char *const argv[] = { "qrencode", "-t", "ANSIUTF8",
					    "-o",       "-",  NULL };
	char *output = malloc(OUTPUT_MAX);

	if (output &&
	    run_program(argv, line, output, OUTPUT_MAX, NULL, 0) == 0) {
		fputs(output, stdout);
		fflush(stdout);
	}
	free(output);
}
