/*
 * The socket by which a running daemon is asked: datagrams on an
 * abstract Unix socket, which lives in the network namespace as the
 * daemon's rules do, and is gone when the daemon is.  A request is one
 * byte; only root and the daemon's own user get an answer, and only
 * theirs is believed.
 */
#ifndef TAP_DAEMON_CONTROL_H
#define TAP_DAEMON_CONTROL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CONTROL_REPLY_MAX 65536u

enum control_request {
	CONTROL_STATUS_TEXT = 't',
	CONTROL_STATUS_JSON = 'j',
	CONTROL_CONFIRM = 'c', /* the server's --confirm-now */
};

/* Who has asked. */
struct control_peer {
	struct sockaddr_un addr;
	socklen_t len;
	int pid;
};

/* Listen as, say, "tap-server-5040".  A descriptor, or -errno. */
int control_listen(const char *name);
/*
 * The next request, without waiting: the byte, 0 where there is none,
 * or -errno.  What others send is thrown away; where they have sent
 * much, some of it, and 0 is returned.
 */
int control_receive(int fd, struct control_peer *peer);
void control_reply(int fd, const struct control_peer *peer, const char *text,
		   size_t len);

/*
 * Ask the daemon of that name and wait for its answer, which is ended
 * by NUL in out (CONTROL_REPLY_MAX).  0; -ECONNREFUSED: nobody there;
 * -ETIMEDOUT; or another -errno.
 */
int control_ask(const char *name, enum control_request request, char *out);

/* Send SIGHUP to that daemon: its process number, or as above. */
int control_reload(const char *name);

#endif
