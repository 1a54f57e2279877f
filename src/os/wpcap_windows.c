#include "os/wpcap.h"

#include <iphlpapi.h>
#include <pcap.h>
#include <stdbool.h>

#include "os/linktype.h"
#include "os/own_syn.h"
#include "windows/text.h"

#define MISSING                                                                \
	"Npcap is missing: install it (https://npcap.com), with which "        \
	"packets are seen and sent"
/*
 * In immediate mode a frame is there at once, and this is for nothing but to
 * look up now and then; without it, frames are gathered for so long.
 */
#define LOOK_UP_MS 1000
#define GATHER_MS 1

/*
 * What is called as it is, and what is called otherwise: type, name,
 * parameters, arguments.
 */
#define CALLS(X)                                                               \
	X(int, pcap_activate, (pcap_t * p), (p))                               \
	X(char *, pcap_geterr, (pcap_t * p), (p))                              \
	X(const char *, pcap_statustostr, (int rc), (rc))                      \
	X(int, pcap_datalink, (pcap_t * p), (p))                               \
	X(const char *, pcap_datalink_val_to_name, (int type), (type))         \
	X(int, pcap_set_snaplen, (pcap_t * p, int size), (p, size))            \
	X(int, pcap_set_promisc, (pcap_t * p, int on), (p, on))                \
	X(int, pcap_compile,                                                   \
	  (pcap_t * p, struct bpf_program * code, const char *text,            \
	   int optimize, bpf_u_int32 mask),                                    \
	  (p, code, text, optimize, mask))                                     \
	X(int, pcap_setfilter, (pcap_t * p, struct bpf_program * code),        \
	  (p, code))                                                           \
	X(void, pcap_freecode, (struct bpf_program * code), (code))            \
	X(void, pcap_freealldevs, (pcap_if_t * all), (all))

#define OWN_CALLS(X)                                                           \
	X(pcap_t *, pcap_create, (const char *name, char *error), )            \
	X(void, pcap_close, (pcap_t * p), )                                    \
	X(int, pcap_findalldevs, (pcap_if_t * *all, char *error), )            \
	X(int, pcap_set_timeout, (pcap_t * p, int ms), )                       \
	X(int, pcap_sendpacket, (pcap_t * p, const u_char *bytes, int len), )  \
	X(int, pcap_next_ex,                                                   \
	  (pcap_t * p, struct pcap_pkthdr * *header, const u_char **bytes), )

#define POINTER(type, name, parameters, arguments) type(*name) parameters;
static struct {
	CALLS(POINTER)
	OWN_CALLS(POINTER)
	int (*pcap_set_immediate_mode)(pcap_t *p, int on); /* or NULL */
} real;

#define FORWARD(type, name, parameters, arguments)                             \
	type name parameters                                                   \
	{                                                                      \
		return real.name arguments;                                    \
	}
CALLS(FORWARD)

static SRWLOCK entered = SRWLOCK_INIT;
static bool ends;

void
wpcap_enter(void)
{
	AcquireSRWLockExclusive(&entered);
}

void
wpcap_leave(void)
{
	ReleaseSRWLockExclusive(&entered);
}

void
wpcap_end(void)
{
	wpcap_enter();
	ends = true;
}

/*
 * Npcap's own folder, or where it stands in for WinPcap; from no other, least
 * of all the one that this program lies or was started in.  Its other half,
 * packet.dll, lies beside it.
 */
static HMODULE
load_library(void)
{
	static const wchar_t *const names[] = { L"\\Npcap\\wpcap.dll",
						L"\\wpcap.dll" };
	HMODULE library = NULL;

	for (size_t i = 0; !library && i < sizeof names / sizeof names[0];
	     i++) {
		wchar_t path[MAX_PATH + 32];
		UINT len = GetSystemDirectoryW(path, MAX_PATH);

		if (len > 0 && len < MAX_PATH) {
			wcscpy(path + len, names[i]);
			library = LoadLibraryExW(
				path, NULL,
				LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR |
					LOAD_LIBRARY_SEARCH_SYSTEM32);
		}
	}
	return library;
}

static bool
load(char *error)
{
	static HMODULE library;
	bool whole = true;

	if (library) {
		return true;
	}
	library = load_library();
	if (!library) {
		snprintf(error, PCAP_ERRBUF_SIZE, "%s", MISSING);
		return false;
	}
#define FIND(type, name, parameters, arguments)                                \
	real.name = (void *)GetProcAddress(library, #name);                    \
	whole &= real.name != NULL;
	CALLS(FIND)
	OWN_CALLS(FIND)
	real.pcap_set_immediate_mode =
		(void *)GetProcAddress(library, "pcap_set_immediate_mode");
	if (!whole) {
		snprintf(error, PCAP_ERRBUF_SIZE,
			 "wpcap.dll is older than Npcap: %s", MISSING);
		FreeLibrary(library);
		library = NULL;
	}
	return whole;
}

/* The caller's to free, or NULL. */
static IP_ADAPTER_ADDRESSES *
adapters(void)
{
	IP_ADAPTER_ADDRESSES *all = NULL;
	ULONG size = 0;

	if (GetAdaptersAddresses(AF_UNSPEC, 0, NULL, NULL, &size) ==
	    ERROR_BUFFER_OVERFLOW) {
		all = malloc(size);
	}
	if (all &&
	    GetAdaptersAddresses(AF_UNSPEC, 0, NULL, all, &size) != NO_ERROR) {
		free(all);
		all = NULL;
	}
	return all;
}

#define NPF "\\Device\\NPF_"

/* Whether an adapter is that of a device of Npcap's. */
static bool
is_device(const IP_ADAPTER_ADDRESSES *adapter, const char *device)
{
	return strncmp(device, NPF, strlen(NPF)) == 0 &&
		strcmp(device + strlen(NPF), adapter->AdapterName) == 0;
}

pcap_t *
pcap_create(const char *name, char *error)
{
	IP_ADAPTER_ADDRESSES *all;
	char device[128];
	pcap_t *made;

	if (!load(error)) {
		return NULL;
	}
	snprintf(device, sizeof device, "%s", name);
	all = adapters();
	for (const IP_ADAPTER_ADDRESSES *at = all; at; at = at->Next) {
		char *friendly = text_utf8(at->FriendlyName);

		if (friendly && strcmp(friendly, name) == 0) {
			snprintf(device, sizeof device, NPF "%s",
				 at->AdapterName);
		}
		free(friendly);
	}
	free(all);
	made = real.pcap_create(device, error);
	if (made) {
		real.pcap_set_timeout(made,
				      real.pcap_set_immediate_mode ? LOOK_UP_MS
								   : GATHER_MS);
	}
	return made;
}

int
pcap_findalldevs(pcap_if_t **devices, char *error)
{
	IP_ADAPTER_ADDRESSES *all;

	if (!load(error)) {
		return -1;
	}
	if (real.pcap_findalldevs(devices, error) != 0) {
		return -1;
	}
	all = adapters();
	for (pcap_if_t *device = *devices; device; device = device->next) {
		for (const IP_ADAPTER_ADDRESSES *at = all; at; at = at->Next) {
			char *friendly = text_utf8(at->FriendlyName);

			if (friendly && is_device(at, device->name) &&
			    strlen(friendly) <= strlen(device->name)) {
				strcpy(device->name, friendly);
			}
			free(friendly);
		}
	}
	free(all);
	return 0;
}

int
pcap_set_immediate_mode(pcap_t *p, int on)
{
	return real.pcap_set_immediate_mode
		? real.pcap_set_immediate_mode(p, on)
		: 0;
}

int
pcap_setdirection(pcap_t *p, pcap_direction_t direction)
{
	(void)p;
	return direction == PCAP_D_OUT ? 0 : -1;
}

/* A thread waits. */
int
pcap_setnonblock(pcap_t *p, int on, char *error)
{
	(void)p;
	(void)on;
	(void)error;
	return 0;
}

int
pcap_get_selectable_fd(pcap_t *p)
{
	(void)p;
	return -1;
}

int
pcap_inject(pcap_t *p, const void *bytes, size_t len)
{
	errno = 0;
	return real.pcap_sendpacket(p, bytes, (int)len) == 0 ? (int)len : -1;
}

void
pcap_close(pcap_t *p)
{
	if (!ends) {
		real.pcap_close(p);
	}
}

static bool
is_own(pcap_t *p, const struct pcap_pkthdr *header, const uint8_t *bytes)
{
	const ptrdiff_t at =
		linktype_ip(real.pcap_datalink(p), bytes, header->caplen);
	struct packet packet;

	return at >= 0 &&
		packet_parse(&packet, bytes + at, header->caplen - (size_t)at,
			     header->len - (size_t)at) == PACKET_OK &&
		own_syn(&packet);
}

int
pcap_next_ex(pcap_t *p, struct pcap_pkthdr **header, const u_char **bytes)
{
	int rc;

	do {
		wpcap_leave();
		rc = real.pcap_next_ex(p, header, bytes);
		wpcap_enter();
	} while (rc == 1 && !is_own(p, *header, *bytes));
	return rc;
}
