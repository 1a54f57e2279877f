/*
 * One carried connection: the client's socket, one to the real service, and
 * one to the decoy, which hears what the client says and is not heard.  At a
 * switch the decoy answers, from where the real service stopped, and that is
 * reset.  What the service says goes by a pipe (splice(2)); what a client
 * says is copied, since two have to hear it.
 */
#ifndef TAP_SWITCHING_SESSION_H
#define TAP_SWITCHING_SESSION_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "switching/carrier_line.h"
#include "switching/pipes.h"
#include "switching/session_end.h"
#include "switching/turn.h"

#define SESSION_CHUNK 65536u /* of a client's or a decoy's bytes, at a time */
/*
 * Who answered has ended, the client does not, and nothing moves any more.  One
 * who only has no more to say may wait for an answer as long as it takes.
 */
#define SESSION_HALF_CLOSED_MS 300000u
/* For sockets from the monitor. */
#define SESSION_SOCKETS_MS 10000u

enum session_mode {
	SESSION_NEW,      /* sockets are still to come from the monitor */
	SESSION_MIRRORED, /* the real service answers */
	SESSION_WAITING,  /* switched, and the decoy is behind */
	SESSION_SWITCHED, /* the decoy answers */
	SESSION_OVER,     /* to be freed */
};

struct session {
	struct session *next, *before; /* of all */
	struct session *same_hash;     /* these are the carrier's, and: */
	bool buried;
	struct carrier_note note;
	enum session_mode mode;
	struct session_end client, real, decoy;
	struct pipe_ends pipe; /* what the service said, on its way */
	size_t in_pipe;
	struct turn turn;
	uint64_t active_ms;
	uint64_t until_ms; /* SESSION_WAITING: so long at the most */
	uint64_t alert_us; /* when it was switched */
	bool answered;     /* by the decoy, since */
};

/* What sessions share. */
struct session_host {
	int epoll;
	struct pipes pipes;
	struct carrier_counts *counts;
	uint8_t *buffer; /* SESSION_CHUNK */
	uint64_t now_ms;
	void *context;
	/* A socket of that family, made in advance; or -EAGAIN: not yet. */
	int (*socket)(void *context, unsigned family);
	/* Whether a client has a connection from this port. */
	bool (*port_is_used)(void *context, const struct packet_addr *addr,
			     uint16_t port);
	uint32_t (*random)(void *context);
};

/*
 * A connection that was accepted, and what is known of it; the session has the
 * descriptor from now on.  NULL where memory is out; then it is reset.
 */
struct session *session_new(struct session_host *h, int fd,
			    const struct carrier_note *note);
/* Sockets have come: begin, if they are enough. */
void session_begin(struct session_host *h, struct session *s);
/* epoll has something to tell of one of its ends. */
void session_event(struct session_host *h, struct session_end *end,
		   uint32_t events);
/* Its time may be up. */
void session_tick(struct session_host *h, struct session *s);

enum session_answer { SESSION_WAS_NOT, SESSION_WAS_SWITCHED, SESSION_WAS_CUT };
/* An alarm: switch it; where it has no decoy any more, cut it. */
enum session_answer session_switch(struct session_host *h, struct session *s,
				   const char *reason);
/* End it, with a reset to all. */
void session_cut(struct session_host *h, struct session *s);
/* Free one that is SESSION_OVER, and in no list. */
void session_free(struct session *s);

#endif
