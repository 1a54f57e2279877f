#include "os/pcap.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/why.h"
#include "base/bytes.h"
#include "os/linktype.h"
#include "os/output_file.h"

/*
 * As much as a frame of Ethernet has.  The ring has slots of this size:
 * a larger one would leave fewer of them.
 */
#define SNAPLEN 2048
#define RING (4 * 1024 * 1024) /* two thousand packets */

/* Where an SLL2 header has the device's index. */
#define SLL2_DEVICE 4

static int
error_of(int rc)
{
	switch (rc) {
	case PCAP_ERROR_PERM_DENIED:
		return -EPERM;
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return -ENODEV;
	case PCAP_ERROR_IFACE_NOT_UP:
		return -ENETDOWN;
	default:
		return -EIO;
	}
}

static int
fail(struct cap *cap, const char *device, char *why, int rc, const char *what)
{
	const char *more = pcap_geterr(cap->pcap);

	why_set(why, -1, "%s: %s", device, *more ? more : what);
	cap_close(cap);
	return error_of(rc);
}

static int
set_filter(struct cap *cap, const char *filter)
{
	struct bpf_program program;
	int rc = pcap_compile(cap->pcap, &program, filter, 1,
			      PCAP_NETMASK_UNKNOWN);

	if (rc == 0) {
		rc = pcap_setfilter(cap->pcap, &program);
		pcap_freecode(&program);
	}
	return rc;
}

static int
take_type(struct cap *cap, const char *device, char *why)
{
	cap->type = pcap_datalink(cap->pcap);
	if (linktype_known(cap->type)) {
		return 0;
	}
	why_set(why, -1, "%s: link type %d is not known", device, cap->type);
	cap_close(cap);
	return -EPROTONOSUPPORT;
}

int
cap_open_file(struct cap *cap, const char *path, char *why)
{
	char errors[PCAP_ERRBUF_SIZE] = "";
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
	int saved = errno;

	*cap = (struct cap){ .fd = -1, .file = true };
	if (!file) {
		return why_errno(why, -saved, path);
	}
	errno = 0;
	cap->pcap = pcap_fopen_offline_with_tstamp_precision(
		file, PCAP_TSTAMP_PRECISION_NANO, errors);
	if (!cap->pcap) {
		saved = errno;
		fclose(file);
		return why_set(why, saved == ENOMEM ? -ENOMEM : -EBADMSG,
			       "%s: %s", path, errors);
	}
	cap->type = pcap_datalink(cap->pcap);
	return 0;
}

int
cap_open(struct cap *cap, const char *device, const char *filter, char *why)
{
	char errors[PCAP_ERRBUF_SIZE] = "";
	int rc;

	*cap = (struct cap){ .fd = -1 };
	cap->pcap = pcap_create(device, errors);
	if (!cap->pcap) {
		return why_set(why, -EIO, "%s: %s", device, errors);
	}
	pcap_set_snaplen(cap->pcap, SNAPLEN);
	pcap_set_buffer_size(cap->pcap, RING);
	pcap_set_immediate_mode(cap->pcap, 1);
	/* Fall back to microseconds if the device cannot do nanoseconds. */
	pcap_set_tstamp_precision(cap->pcap, PCAP_TSTAMP_PRECISION_NANO);
	rc = pcap_activate(cap->pcap);
	if (rc < 0) {
		return fail(cap, device, why, rc, pcap_statustostr(rc));
	}
	/* SLL2 has the device's index; old libpcaps do not know it. */
	if (strcmp(device, "any") == 0) {
		pcap_set_datalink(cap->pcap, DLT_LINUX_SLL2);
	}
	rc = take_type(cap, device, why);
	if (rc < 0) {
		return rc;
	}
	if (set_filter(cap, filter) < 0 ||
	    pcap_setnonblock(cap->pcap, 1, errors) < 0) {
		return fail(cap, device, why, PCAP_ERROR, errors);
	}
	cap->fd = pcap_get_selectable_fd(cap->pcap);
	return 0;
}

const char *
cap_why(const struct cap *cap)
{
	return pcap_geterr(cap->pcap);
}

void
cap_close(struct cap *cap)
{
	if (cap->pcap) {
		pcap_close(cap->pcap);
	}
	cap->pcap = NULL;
	cap->fd = -1;
}

int
cap_next(struct cap *cap, struct cap_packet *packet)
{
	uint64_t scale = pcap_get_tstamp_precision(cap->pcap) ==
			PCAP_TSTAMP_PRECISION_NANO
		? 1
		: 1000;

	while (cap->file || cap->turn++ < CAP_TURN_MAX) {
		struct pcap_pkthdr *header;
		const uint8_t *frame;
		ptrdiff_t skip;
		int rc = pcap_next_ex(cap->pcap, &header, &frame);

		if (rc <= 0) {
			cap->turn = 0;
			cap->more = false;
			return rc == 0 || rc == PCAP_ERROR_BREAK ? 0 : -EIO;
		}
		skip = cap->file && !linktype_known(cap->type)
			? linktype_search(frame, header->caplen)
			: linktype_ip(cap->type, frame, header->caplen);
		if (skip < 0) {
			continue;
		}
		packet->ip = frame + skip;
		packet->len = header->caplen - (size_t)skip;
		/* A file's lengths cannot be trusted. */
		packet->wire_len =
			(header->len > header->caplen ? header->len
						      : header->caplen) -
			(size_t)skip;
		packet->device = cap->type == LINKTYPE_LINUX_SLL2
			? be32_load(frame + SLL2_DEVICE)
			: 0;
		packet->ns = (uint64_t)header->ts.tv_sec * 1000000000u +
			(uint64_t)header->ts.tv_usec * scale;
		return 1;
	}
	cap->turn = 0;
	cap->more = true;
	return 0;
}

unsigned
cap_lost(struct cap *cap)
{
	struct pcap_stat stat;

	return pcap_stats(cap->pcap, &stat) == 0 ? stat.ps_drop : 0;
}

/* Open it ourselves: libpcap takes "-" for standard output. */
static pcap_dumper_t *
open_dumper(pcap_t *pcap, const char *path, char *why)
{
	int fd = output_file_open(path);
	FILE *stream = fd < 0 ? NULL : fdopen(fd, "wb");
	pcap_dumper_t *dumper;

	if (!stream) {
		why_set(why, -1, "%s: %s", path,
			output_file_error(fd < 0 ? fd : -errno));
		if (fd >= 0) {
			close(fd);
		}
		return NULL;
	}
	dumper = pcap_dump_fopen(pcap, stream);
	if (!dumper) {
		why_set(why, -1, "%s: %s", path, pcap_geterr(pcap));
		fclose(stream);
	}
	return dumper;
}

int
cap_file_open(struct cap_file *file, const char *path, char *why)
{
	*file = (struct cap_file){ .path = path };
	file->pcap = pcap_open_dead_with_tstamp_precision(
		DLT_RAW, SNAPLEN, PCAP_TSTAMP_PRECISION_NANO);
	if (!file->pcap) {
		return why_set(why, -ENOMEM, "out of memory");
	}
	file->dumper = open_dumper(file->pcap, path, why);
	if (!file->dumper) {
		cap_file_close(file);
		return -EIO;
	}
	return 0;
}

/* The errno of the first write that failed. */
static int
look_at(struct cap_file *file, bool failed)
{
	if (!failed || file->error < 0) {
		return 0;
	}
	file->error = errno > 0 ? -errno : -EIO;
	return file->error;
}

int
cap_file_put(struct cap_file *file, const struct cap_packet *packet)
{
	struct pcap_pkthdr header = {
		.ts.tv_sec = (time_t)(packet->ns / 1000000000u),
		.ts.tv_usec = (suseconds_t)(packet->ns % 1000000000u),
		.caplen = (bpf_u_int32)packet->len,
		.len = (bpf_u_int32)packet->wire_len,
	};

	if (!file->dumper || file->error < 0) {
		return 0;
	}
	errno = 0;
	pcap_dump((uint8_t *)file->dumper, &header, packet->ip);
	return look_at(file, ferror(pcap_dump_file(file->dumper)));
}

int
cap_file_flush(struct cap_file *file)
{
	if (!file->dumper || file->error < 0) {
		return 0;
	}
	errno = 0;
	return look_at(file, pcap_dump_flush(file->dumper) < 0);
}

int
cap_file_close(struct cap_file *file)
{
	int rc;

	cap_file_flush(file);
	rc = file->error;
	if (file->dumper) {
		pcap_dump_close(file->dumper);
	}
	if (file->pcap) {
		pcap_close(file->pcap);
	}
	*file = (struct cap_file){ .path = NULL };
	return rc;
}
