/* SPDX-License-Identifier: ISC
 *
 * Records SYNs on their way out, and sends them again as they were: what an
 * eavesdropper does.  For the emulated machine, which has no other program
 * that could.
 *
 * usage: again record DEVICE PORT COUNT FILE
 *        again send DEVICE FILE
 *        again acks DEVICE FILE
 *
 * The last one sends ACKs like the first SYN there, of no connection, from many
 * ports and without end.
 *
 * FILE is there, and empty, when recording has begun; it is whole when the
 * program ends.
 */
#include <arpa/inet.h>
#include <err.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_MAX 2048u /* of Ethernet, and more */
#define ETHER_HEADER 14u
#define IPV4_HEADER 20u /* without options, which nobody sends here */
#define TCP_AT (ETHER_HEADER + IPV4_HEADER)
#define TCP_HEADER 20u
#define PROTOCOL_TCP 6u
#define FLAGS_AT 13u
#define FLAGS_MASK 0x17u /* ACK, RST, SYN, FIN */
#define FLAG_SYN 0x02u
#define FLAG_ACK 0x10u
#define ACK_PORTS 10000u /* from which ACKs are sent, */
#define FIRST_PORT 20000u
#define BURST 50u /* so many at a time, */
#define PAUSE_US 5000

static int
open_device(const char *name)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));

	if (fd < 0 || at.sll_ifindex == 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof at) < 0) {
		err(3, "%s", name);
	}
	return fd;
}

static bool
is_syn(const uint8_t *frame, size_t len, unsigned port)
{
	const uint8_t *tcp = frame + TCP_AT;

	return len >= TCP_AT + TCP_HEADER && frame[12] == 8 && frame[13] == 0 &&
		frame[ETHER_HEADER] == 0x45 &&
		frame[ETHER_HEADER + 9] == PROTOCOL_TCP &&
		(unsigned)(tcp[2] << 8 | tcp[3]) == port &&
		(tcp[FLAGS_AT] & FLAGS_MASK) == FLAG_SYN;
}

static void
record(int fd, unsigned port, unsigned long count, FILE *file)
{
	uint8_t frame[FRAME_MAX];

	while (count > 0) {
		ssize_t got = recv(fd, frame, sizeof frame, 0);
		uint16_t len = (uint16_t)got;

		if (got < 0) {
			err(3, "recv");
		}
		if (!is_syn(frame, len, port)) {
			continue;
		}
		if (fwrite(&len, sizeof len, 1, file) != 1 ||
		    fwrite(frame, len, 1, file) != 1) {
			err(3, "write");
		}
		count--;
	}
}

static void
send_all(int fd, FILE *file)
{
	uint8_t frame[FRAME_MAX];
	uint16_t len;

	while (fread(&len, sizeof len, 1, file) == 1) {
		if (len > sizeof frame || fread(frame, len, 1, file) != 1) {
			errx(2, "the file is cut short");
		}
		if (send(fd, frame, len, 0) != len) {
			err(3, "send");
		}
	}
}

static _Noreturn void
send_acks(int fd, FILE *file)
{
	uint8_t frame[FRAME_MAX];
	uint16_t len;

	if (fread(&len, sizeof len, 1, file) != 1 || len > sizeof frame ||
	    fread(frame, len, 1, file) != 1) {
		errx(2, "the file is cut short");
	}
	frame[TCP_AT + FLAGS_AT] = FLAG_ACK;
	for (unsigned i = 0;; i++) {
		const unsigned port = FIRST_PORT + i % ACK_PORTS;

		frame[TCP_AT] = (uint8_t)(port >> 8);
		frame[TCP_AT + 1] = (uint8_t)port;
		/* A full line is no reason to stop. */
		(void)send(fd, frame, len, 0);
		if (i % BURST == 0) {
			usleep(PAUSE_US);
		}
	}
}

int
main(int argc, char **argv)
{
	bool records = argc == 6 && strcmp(argv[1], "record") == 0;
	bool floods = argc == 4 && strcmp(argv[1], "acks") == 0;
	const char *path = argv[argc - 1];
	FILE *file;
	int fd;

	if (!records && !floods &&
	    (argc != 4 || strcmp(argv[1], "send") != 0)) {
		errx(2,
		     "usage: again record DEVICE PORT COUNT FILE | "
		     "again send|acks DEVICE FILE");
	}
	fd = open_device(argv[2]);
	file = fopen(path, records ? "w" : "r");
	if (!file) {
		err(3, "%s", path);
	}
	if (records) {
		record(fd, (unsigned)strtoul(argv[3], NULL, 10),
		       strtoul(argv[4], NULL, 10), file);
	} else if (floods) {
		send_acks(fd, file);
	} else {
		send_all(fd, file);
	}
	return fclose(file) == 0 ? 0 : 3;
}
