/* SPDX-License-Identifier: ISC */
/*
 * In a guest: has connections, in the ways that a process can have them.
 * usage: talker WAY USER ADDRESS PORT [COUNT]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void
check(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
}

static socklen_t
place(struct sockaddr_storage *at, int family, const char *address, int port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)at;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)at;

	memset(at, 0, sizeof *at);
	at->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		v4->sin_port = htons((uint16_t)port);
		check(inet_pton(family, address, &v4->sin_addr) - 1, address);
		return sizeof *v4;
	}
	v6->sin6_port = htons((uint16_t)port);
	check(inet_pton(family, address, &v6->sin6_addr) - 1, address);
	return sizeof *v6;
}

/* Nobody answers there: it stays in SYN_SENT. */
static int
begin(const char *address, int port)
{
	const int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct sockaddr_storage at;
	const socklen_t size = place(&at, family, address, port);

	check(fd, "socket");
	if (connect(fd, (struct sockaddr *)&at, size) < 0 &&
	    errno != EINPROGRESS) {
		check(-1, "connect");
	}
	return fd;
}

/* Both ends of a connection, and the listener. */
static void
pair(int port)
{
	const int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_storage at;
	const socklen_t size = place(&at, AF_INET, "127.0.0.1", port);

	check(bind(listener, (struct sockaddr *)&at, size), "bind");
	check(listen(listener, 1), "listen");
	begin("127.0.0.1", port);
	check(accept(listener, NULL, NULL), "accept");
}

static void
own_network(void)
{
	struct ifreq lo = { .ifr_name = "lo" };
	const int fd = socket(AF_INET, SOCK_DGRAM, 0);

	check(unshare(CLONE_NEWNET), "unshare");
	close(fd);
	const int here = socket(AF_INET, SOCK_DGRAM, 0);

	lo.ifr_flags = IFF_UP;
	check(ioctl(here, SIOCSIFFLAGS, &lo), "lo");
	close(here);
}

static void *
wait_for_ever(void *unused)
{
	(void)unused;
	for (;;) {
		pause();
	}
	return NULL;
}

/* Processes come and go, with the files of this one. */
static void
churn(void)
{
	for (;;) {
		const pid_t child = fork();

		if (child == 0) {
			_exit(0);
		}
		waitpid(child, NULL, 0);
		usleep(10000);
	}
}

int
main(int argc, char **argv)
{
	const struct rlimit files = { 20000, 20000 };
	const char *way = argc > 4 ? argv[1] : "";
	const int port = argc > 4 ? atoi(argv[4]) : 0;
	const int count = argc > 5 ? atoi(argv[5]) : 1;
	pthread_t thread;

	if (strcmp(way, "net") == 0) {
		own_network();
	}
	setrlimit(RLIMIT_NOFILE, &files);
	if (argc > 4) {
		check(setgid((gid_t)atoi(argv[2])), "setgid");
		check(setuid((uid_t)atoi(argv[2])), "setuid");
	}
	if (strcmp(way, "pair") == 0 || strcmp(way, "net") == 0) {
		pair(port);
	} else if (strcmp(way, "churn") == 0) {
		churn();
	} else {
		for (int i = 0; i < count; i++) {
			begin(argv[3], port);
		}
	}
	if (strcmp(way, "share") == 0) {
		check(fork(), "fork");
	} else if (strcmp(way, "orphan") == 0) {
		pthread_create(&thread, NULL, wait_for_ever, NULL);
		pthread_exit(NULL);
	}
	wait_for_ever(NULL);
	return 0;
}
