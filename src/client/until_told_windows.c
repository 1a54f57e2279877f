#include "client/until_told.h"

#include "base/why.h"
#include "daemon/log.h"
#include "os/wpcap.h"
#include "tap.h"

/* A window that is closed takes the process with it after five seconds. */
#define END_WAIT_MS 4000

/* A device that has gone is looked for so often. */
#define REOPEN_MS 2000

static struct {
	HANDLE told; /* to end */
	struct outbound *outbound;
	struct backend_pcap *backend;
} at_work;

static BOOL WINAPI
note_event(DWORD event)
{
	SetEvent(at_work.told);
	if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) {
		/* The process is ended when this returns. */
		Sleep(END_WAIT_MS);
	}
	return TRUE;
}

int
until_told_prepare(void)
{
	at_work.told = CreateEventW(NULL, TRUE, FALSE, NULL);
	if (!at_work.told || !SetConsoleCtrlHandler(note_event, TRUE)) {
		log_say(LOG_LEVEL_ERROR, "events: error %lu", GetLastError());
		return TAP_SYSTEM;
	}
	wpcap_enter();
	return TAP_OK;
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
