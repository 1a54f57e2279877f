#include "client/until_told.h"

#include "base/why.h"
#include "client/pipe.h"
#include "daemon/log.h"
#include "daemon/stats.h"
#include "os/clock.h"
#include "os/wpcap.h"
#include "tap.h"

/* A window that is closed takes the process with it after five seconds. */
#define END_WAIT_MS 4000

/* A device that has gone is looked for so often. */
#define REOPEN_MS 2000

static struct {
	HANDLE told; /* to end */
	uint64_t since;
	struct outbound *outbound;
	struct backend_pcap *backend;
} at_work;

void
until_told_tell(void)
{
	SetEvent(at_work.told);
}

static BOOL WINAPI
note_event(DWORD event)
{
	if (event == CTRL_LOGOFF_EVENT) {
		return TRUE; /* of somebody, and a service stays */
	}
	until_told_tell();
	if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) {
		/* The process is ended when this returns. */
		Sleep(END_WAIT_MS);
	}
	return TRUE;
}

static void
put_devices(struct text *alarm, struct text *names)
{
	const struct wire *wire = &at_work.backend->wire;

	for (size_t i = 0; i < wire->count; i++) {
		const struct wire_device *device = &wire->devices[i];

		text_put(names, "%s%s", names->len > 0 ? ", " : "",
			 device->name);
		if (device->failed) {
			text_put(alarm, "%s%s is gone, or down",
				 alarm->len > 0 ? "; " : "", device->name);
		}
	}
}

static void
answer(enum pipe_request request, struct text *out)
{
	static struct stats s;
	static char room[2][WIRE_DEVICES_MAX * (WIRE_NAME_MAX + 32)];
	struct text alarm = text_over(room[0], sizeof room[0]);
	struct text names = text_over(room[1], sizeof room[1]);

	wpcap_enter();
	put_devices(&alarm, &names);
	stat_begin(&s, "client", alarm.out,
		   (clock_ms() - at_work.since) / 1000);
	stat_text(&s, "backend", "backend", "pcap");
	stat_text(&s, "devices", "devices", names.out);
	stat_level(&s, "rules", "rules", at_work.outbound->conf->rules_count,
		   "");
	outbound_stats(at_work.outbound->counters, &s);
	stat_count(&s, "log_lost", "log lines lost", log_lost(), "");
	wpcap_leave();
	stat_write(out, &s, request == PIPE_STATUS_JSON);
}

int
until_told_prepare(void)
{
	if (at_work.told) {
		return TAP_OK;
	}
	at_work.told = CreateEventW(NULL, TRUE, FALSE, NULL);
	if (!at_work.told || !SetConsoleCtrlHandler(note_event, TRUE)) {
		log_say(LOG_LEVEL_ERROR, "events: error %lu", GetLastError());
		return TAP_SYSTEM;
	}
	at_work.since = clock_ms();
	/* Who asks waits until all is ready. */
	wpcap_enter();
	return pipe_open(answer, until_told_tell) ? TAP_OK : TAP_SYSTEM;
}

/* As Wi-Fi that is switched off, and on again. */
static void
wait_for(struct wire_device *device)
{
	char why[WHY_MAX];

	log_say(LOG_LEVEL_WARNING,
		"%s: it is gone, or down; waiting for it to come back",
		device->name);
	while (!wire_reopen(device, why)) {
		wpcap_leave();
		Sleep(REOPEN_MS);
		wpcap_enter();
	}
	log_say(LOG_LEVEL_INFO, "%s: it is there again", device->name);
}

static DWORD WINAPI
serve_device(void *of)
{
	struct wire_device *device = of;

	wpcap_enter();
	for (;;) {
		/* Reserve source ports now, while no SYN waits for them. */
		ports_refill(&at_work.outbound->ports);
		log_flush();
		log_gather();
		if (!backend_pcap_serve_device(at_work.backend, device)) {
			wait_for(device);
		}
	}
	return 0;
}

int
until_told_serve(struct outbound *outbound, struct backend_pcap *backend)
{
	at_work.outbound = outbound;
	at_work.backend = backend;
	for (size_t i = 0; i < backend->wire.count; i++) {
		HANDLE thread =
			CreateThread(NULL, 0, serve_device,
				     &backend->wire.devices[i], 0, NULL);

		if (!thread) {
			log_say(LOG_LEVEL_ERROR, "thread: error %lu",
				GetLastError());
			return TAP_SYSTEM;
		}
		CloseHandle(thread);
	}
	wpcap_leave();
	WaitForSingleObject(at_work.told, INFINITE);
	/* The threads wait for this one from now on, or in libpcap. */
	wpcap_end();
	return TAP_OK;
}
