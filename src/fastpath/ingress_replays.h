/*
 * The memory of replays that the sieve's program asks: which groups were
 * accepted, by it or by whoever else.  What is not in it is not later than
 * the floor, and never accepted in the kernel.  Instants are frame.h's.
 *
 * For all processes that share the sieve; without effect where it is not
 * open.  All but the switch is for one of them at a time.
 */
#ifndef TAP_FASTPATH_INGRESS_REPLAYS_H
#define TAP_FASTPATH_INGRESS_REPLAYS_H

#include <stdbool.h>
#include <stdint.h>

#include "fastpath/ingress.h"

/*
 * Remember a group that is about to be accepted elsewhere.  False: it is
 * there already.  Where it can't be remembered the floor rises to it.
 */
bool sieve_remember(struct sieve *s, uint64_t tag, uint64_t instant);
/* Leave to others what is not later; a lower one does nothing. */
void sieve_raise_floor(struct sieve *s, uint64_t instant);
/* Forget a group that is not later than the floor. */
void sieve_forget(struct sieve *s, uint64_t tag);
/* Leave to others what was sent before, a time of clock_ms(). */
void sieve_begin(struct sieve *s, uint64_t begin_ms);

/* Whether there is a program that can accept groups, on some device. */
bool sieve_can_accept(const struct sieve *s);
bool sieve_accepts(const struct sieve *s);
/* Accept groups from now on, marking their SYN0 with this bit. */
void sieve_accept(struct sieve *s, uint32_t mark);
/* No more; programs that run now may still do so, until bpf_wait(). */
void sieve_accept_none(struct sieve *s);

#endif
