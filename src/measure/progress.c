#include "measure/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "os/clock.h"

#define AFTER_MS 2000u
#define EVERY_MS 200u

void
progress_begin(struct progress *p)
{
	*p = (struct progress){ .started = clock_ms() };
}

uint64_t
progress_ms(const struct progress *p)
{
	return clock_ms() - p->started;
}

bool
progress_due(struct progress *p)
{
	uint64_t now = clock_ms();

	if (!isatty(STDERR_FILENO) || now < p->started + AFTER_MS ||
	    now < p->shown + EVERY_MS) {
		return false;
	}
	p->shown = now;
	return true;
}

void
progress_show(struct progress *p, const char *format, ...)
{
	va_list args;

	if (!isatty(STDERR_FILENO)) {
		return;
	}
	p->line = true;
	fputs("\r\033[K", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fflush(stderr);
}

void
progress_clear(struct progress *p)
{
	if (p->line) {
		fprintf(stderr, "\r\033[K");
		fflush(stderr);
	}
	p->line = false;
}
