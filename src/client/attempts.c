#include "client/attempts.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "conf/value.h"
#include "measure/icmp_text.h"
#include "measure/reply.h"
#include "os/clock.h"

#define ADDRESS_MAX 64u
#define SECOND_NS 1000000000u

/*
 * SYN/ACKs, resets, and ICMP's errors.  Offsets into IPv6 are those behind
 * its plain header: with others in between, nothing is seen.
 */
#define FILTER                                                                 \
	"tcp[13] & 4 != 0 or tcp[13] & 18 = 18 or "                            \
	"icmp[0] = 3 or icmp[0] = 11 or icmp[0] = 12 or "                      \
	"(ip6[6] = 6 and (ip6[53] & 4 != 0 or ip6[53] & 18 = 18)) or "         \
	"(ip6[6] = 58 and ip6[40] < 128)"

void
attempts_open(struct attempts *a, bool one_command)
{
	memset(a, 0, sizeof *a);
	a->on = true;
	a->one = one_command;
	cap_open(&a->cap, "any", FILTER, a->why);
}

void
attempts_close(struct attempts *a)
{
	if (a->on) {
		cap_close(&a->cap);
	}
	a->on = false;
}

static const char *
address_text(char out[ADDRESS_MAX], const struct packet_addr *addr)
{
	inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes, out,
		  ADDRESS_MAX);
	return out;
}

static void
put_heard(struct text *t, const struct attempts *a, const struct attempt *at)
{
	char router[ADDRESS_MAX];

	switch (at->heard) {
	case ATTEMPT_CONNECTED:
		text_put(t,
			 "a SYN/ACK, which this host did not take: its own "
			 "firewall may drop it");
		break;
	case ATTEMPT_RESET:
		text_put(t,
			 "a reset: nothing listens there, or it was not "
			 "admitted");
		break;
	case ATTEMPT_NUMBER:
		text_put(t,
			 "a SYN/ACK for a number that was not sent: something "
			 "on the way rewrites them");
		break;
	case ATTEMPT_ICMP:
		text_put(t,
			 "ICMP from %s: ", address_text(router, &at->router));
		icmp_text(t, at->router.family, at->type, at->code);
		break;
	default:
		text_put(t, a->cap.fd < 0 ? "not known: %s" : "nothing",
			 a->why);
	}
}

/* One command's other connections to the same place have the same to say. */
static bool
was_told(const struct attempts *a, const struct attempt *at)
{
	bool told = at->told;

	for (size_t i = 0; a->one && i < ATTEMPTS_MAX; i++) {
		told |= a->at[i].told && a->at[i].dport == at->dport &&
			packet_addr_equal(&a->at[i].dst, &at->dst);
	}
	return told;
}

/* The four lines. */
static void
tell(struct attempts *a, struct attempt *at)
{
	const bool v6 = at->dst.family == 6;
	char address[ADDRESS_MAX], when[VALUE_TIME_MAX], heard[256];
	struct text t = text_over(heard, sizeof heard);

	if (was_told(a, at) || !log_limit_allows(&a->limit, clock_ms())) {
		return;
	}
	at->told = true;
	address_text(address, &at->dst);
	value_time_text(when, at->first_ns / SECOND_NS << 8);
	put_heard(&t, a, at);
	log_say(LOG_LEVEL_WARNING,
		"no connection to %s%s%s:%u: %u group%s sent by key %u, the "
		"first at %s",
		v6 ? "[" : "", address, v6 ? "]" : "", at->dport, at->groups,
		text_s(at->groups), at->key_no, when);
	log_say(LOG_LEVEL_WARNING, "this host's clock: %s",
		clock_is_synchronised()
			? "synchronised"
			: "not synchronised, as far as the kernel knows");
	log_say(LOG_LEVEL_WARNING, "came back: %s", heard);
	log_say(LOG_LEVEL_WARNING,
		"next: tap probe-path %s; and ask for the reason in the "
		"server's log",
		address);
}

static struct attempt *
find(struct attempts *a, const struct packet_addr *dst, uint16_t dport,
     uint16_t sport)
{
	for (size_t i = 0; i < ATTEMPTS_MAX; i++) {
		struct attempt *at = &a->at[i];

		if (at->sport == sport && at->dport == dport &&
		    packet_addr_equal(&at->dst, dst)) {
			return at;
		}
	}
	return NULL;
}

void
attempts_note(struct attempts *a, const struct packet *syn, uint16_t key_no)
{
	struct attempt *at;

	if (!a->on) {
		return;
	}
	at = find(a, &syn->dst, syn->dport, syn->sport);
	if (!at || at->isn != syn->seq) {
		at = at ? at : &a->at[a->next++ % ATTEMPTS_MAX];
		*at = (struct attempt){
			.dst = syn->dst,
			.sport = syn->sport,
			.dport = syn->dport,
			.isn = syn->seq,
			.key_no = key_no,
			.first_ns = clock_ns(),
		};
	}
	at->groups++;
	if (at->groups >= ATTEMPTS_TIMES) {
		tell(a, at);
	}
}

/* Our end may have had another address, before it was translated. */
static void
hear_tcp(struct attempts *a, const struct answer *answer)
{
	struct attempt *at = find(a, &answer->flow.src, answer->flow.sport,
				  answer->flow.dport);

	if (!at || at->heard == ATTEMPT_CONNECTED) {
		return;
	}
	if (answer->flags & PACKET_RST) {
		at->heard = ATTEMPT_RESET;
	} else if (answer->ack != at->isn + 1) {
		at->heard = ATTEMPT_NUMBER;
	} else {
		at->heard = ATTEMPT_CONNECTED;
		a->connected = true;
		return;
	}
	/* One command's may have another address to try. */
	if (!a->one) {
		tell(a, at);
	}
}

void
attempts_hear(struct attempts *a, const uint8_t *bytes, size_t len,
	      size_t wire_len)
{
	struct answer answer;
	struct attempt *at;

	if (answer_parse(&answer, bytes, len, wire_len) < 0) {
		return;
	}
	if (answer.kind == ANSWER_TCP) {
		hear_tcp(a, &answer);
	} else if (answer.kind == ANSWER_ICMP &&
		   answer.quoted_kind == ANSWER_TCP) {
		at = find(a, &answer.quoted.dst, answer.quoted.dport,
			  answer.quoted.sport);
		if (at && at->heard == ATTEMPT_NOTHING) {
			at->heard = ATTEMPT_ICMP;
			at->router = answer.flow.src;
			at->type = answer.type;
			at->code = answer.code;
		}
	}
}

void
attempts_serve(struct attempts *a)
{
	struct cap_packet packet;

	while (a->on && a->cap.fd >= 0 && cap_next(&a->cap, &packet) > 0) {
		attempts_hear(a, packet.ip, packet.len, packet.wire_len);
	}
}

void
attempts_end(struct attempts *a)
{
	attempts_serve(a);
	for (size_t i = 0; a->on && a->one && !a->connected && i < ATTEMPTS_MAX;
	     i++) {
		if (a->at[i].groups > 0) {
			tell(a, &a->at[i]);
		}
	}
}
