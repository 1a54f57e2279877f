#include "daemon/log_sink.h"

#include "base/bytes.h"

/* What is not written by then is lost, when the process ends. */
#define CLOSE_WAIT_MS 1000u

/* A console whose text is being selected takes nothing: a thread waits. */
static struct {
	SRWLOCK lock;
	CONDITION_VARIABLE filled, empty;
	bool threaded;
	char text[LOG_SINK_SIZE];
	size_t len;
	size_t busy; /* of these, what the thread is writing */
	uint64_t lost, told;
} sink = { .lock = SRWLOCK_INIT };

/* False: it does not go. */
static bool
put_all(const char *text, size_t len)
{
	HANDLE out = GetStdHandle(STD_ERROR_HANDLE);
	DWORD done;

	while (len > 0) {
		if (!WriteFile(out, text, (DWORD)len, &done, NULL) ||
		    done == 0) {
			return false;
		}
		text += done;
		len -= done;
	}
	return true;
}

static DWORD WINAPI
write_lines(void *unused)
{
	char text[LOG_SINK_SIZE];

	(void)unused;
	AcquireSRWLockExclusive(&sink.lock);
	for (;;) {
		bool done;

		while (sink.len == 0) {
			WakeAllConditionVariable(&sink.empty);
			SleepConditionVariableSRW(&sink.filled, &sink.lock,
						  INFINITE, 0);
		}
		sink.busy = sink.len;
		memcpy(text, sink.text, sink.busy);
		ReleaseSRWLockExclusive(&sink.lock);
		done = put_all(text, sink.busy);
		AcquireSRWLockExclusive(&sink.lock);
		sink.lost += done ? 0 : bytes_count(text, sink.busy, '\n');
		sink.len -= sink.busy;
		memmove(sink.text, sink.text + sink.busy, sink.len);
		sink.busy = 0;
	}
	return 0;
}

void
log_sink_never_wait(void)
{
	HANDLE thread;

	if (sink.threaded) {
		return;
	}
	thread = CreateThread(NULL, 0, write_lines, NULL, 0, NULL);
	if (thread) {
		CloseHandle(thread);
		sink.threaded = true;
	}
}

/* Nothing is forked here. */
void
log_sink_leave(uint64_t *lost)
{
	(void)lost;
}

void
log_sink_put(const char *line, size_t len)
{
	AcquireSRWLockExclusive(&sink.lock);
	if (!sink.threaded) {
		sink.lost += !put_all(line, len);
	} else if (len > sizeof sink.text - sink.len) {
		sink.lost++;
	} else {
		memcpy(sink.text + sink.len, line, len);
		sink.len += len;
		WakeConditionVariable(&sink.filled);
	}
	ReleaseSRWLockExclusive(&sink.lock);
}

void
log_sink_gather(void)
{
}

bool
log_sink_flush(void)
{
	bool clear;

	AcquireSRWLockShared(&sink.lock);
	clear = sink.len == 0;
	ReleaseSRWLockShared(&sink.lock);
	return clear;
}

bool
log_sink_is_clear(void)
{
	return log_sink_flush();
}

void
log_sink_close(void)
{
	const ULONGLONG end = GetTickCount64() + CLOSE_WAIT_MS;
	ULONGLONG now;

	AcquireSRWLockExclusive(&sink.lock);
	while (sink.len > 0 && (now = GetTickCount64()) < end) {
		SleepConditionVariableSRW(&sink.empty, &sink.lock,
					  (DWORD)(end - now), 0);
	}
	ReleaseSRWLockExclusive(&sink.lock);
}

uint64_t
log_sink_lost(void)
{
	uint64_t lost;

	AcquireSRWLockShared(&sink.lock);
	lost = sink.lost;
	ReleaseSRWLockShared(&sink.lock);
	return lost;
}

uint64_t
log_sink_untold(void)
{
	return log_sink_lost() - sink.told;
}

void
log_sink_told(uint64_t lost)
{
	sink.told += lost;
}

/* There are no others. */
void
log_sink_note_others(uint64_t lost)
{
	(void)lost;
}
