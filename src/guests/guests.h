/*
 * Virtual machines of QEMU on this host, looked into from outside: which
 * process and which user of a guest has a connection.  There is no agent in
 * the guest.  Its RAM is read, never written, by a process for each guest
 * that has nothing else: no network, no files, and one descriptor.
 *
 * What a guest's kernel says of itself is believed: who has that kernel's
 * rights in the guest can say anything, of that guest alone.
 */
#ifndef TAP_GUESTS_GUESTS_H
#define TAP_GUESTS_GUESTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/why.h"
#include "conf/client_conf.h"
#include "guests/owner.h"
#include "guests/reader.h"

/* A guest's reader. */
struct guest_reader {
	pid_t process; /* or 0 */
	int fd;        /* to ask it; or -1.  Readable: it has an answer */
	/* RAM that is a file: which one. */
	dev_t device;
	ino_t inode;
};

/*
 * Find the guest's RAM, with the rights that the caller has now, and start
 * its reader, which at first looks for the guest's kernel: for a second or two
 * for each GiB; until then it answers GUEST_STARTING.  fd may be handed to
 * another process, and asked there.  Files of symbols and of types are read
 * here.  It has no key of conf's, which may be NULL.  0; -1 for what the
 * configuration is to blame (exit status 2), or -errno: the system refused (3);
 * with the reason in why.
 */
int guest_start(const struct client_guest *guest, struct client_conf *conf,
		struct guest_reader *reader, char why[WHY_MAX]);
/* End it, if there is one; what does not end in a second is left to itself. */
void guest_stop(struct guest_reader *reader);
/*
 * Whether it has ended: the guest was, or the reader met with an error; both
 * are over for good, and guest_start() begins anew.
 */
bool guest_has_ended(struct guest_reader *reader);
/* Whether its RAM is in another file of the same name by now, or in none. */
bool guest_has_moved(const struct client_guest *guest,
		     const struct guest_reader *reader);

/*
 * Ask who has a connection; `id` comes back with the answer.  It does not
 * wait.  0 or -errno: -EAGAIN where too much is asked already, -EPIPE where
 * the reader has ended.
 */
int guest_ask(int fd, uint64_t id, const struct guest_connection *connection);
/*
 * The next answer, without waiting.  0, or -errno: -EAGAIN where there is none
 * yet, -EPIPE where the reader has ended.  Answers come in the order of the
 * questions.  Nothing in it goes beyond its bounds, whatever the reader says.
 */
int guest_answer(int fd, uint64_t *id, struct guest_owner *owner);

/*
 * For who has time: ask, and wait for the answer, for so long at the most; a
 * guest that is being looked into is waited for, too.  0 or -errno: -ETIME.
 */
int guest_who(int fd, const struct guest_connection *connection,
	      unsigned most_ms, struct guest_owner *owner);
/* What is known of it. */
int guest_about(int fd, unsigned most_ms, struct reader_about *about);
/*
 * Each socket of TCP that a process of it has open.  0, or -errno, or what
 * each() returned that was not 0; *unknown: why they are not all of them.
 */
int guest_sockets(int fd, unsigned most_ms,
		  int (*each)(void *of, const struct reader_socket *socket),
		  void *of, enum guest_unknown *unknown);

#endif
