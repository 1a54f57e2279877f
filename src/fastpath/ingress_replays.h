/*
 * The memory of replays that the ingress program's program asks: which groups
 * were accepted, by it or by whoever else.  What is not in it is not later than
 * the floor, and never accepted in the kernel.  Instants are frame.h's.
 *
 * For all processes that share the ingress program; without effect where it is
 * not open.  All but the switch is for one of them at a time.
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
bool ingress_remember(struct ingress *s, uint64_t tag, uint64_t instant);
/* Leave to others what is not later; a lower one does nothing. */
void ingress_raise_floor(struct ingress *s, uint64_t instant);
/* Remember groups while nothing is accepted, as ingress_remember() does. */
void ingress_remember_many(struct ingress *s, const uint64_t *tags,
			   const uint64_t *instants, size_t count);
/* Forget a group that is not later than the floor; soon, with others. */
void ingress_forget(struct ingress *s, uint64_t tag);
/* Set right what whoever shares it may have written. */
void ingress_restore(struct ingress *s);
/*
 * In the process that reads what the program tells: go on where the last
 * one stopped.  False: where that was is not known, and some of it is lost.
 */
bool ingress_resume(struct ingress *s);
/*
 * Begin, while nothing is accepted and all that was is read, to remember:
 * what is to be remembered has to be told anew.  What was sent before, a time
 * of clock_ms(), is left to others.
 */
void ingress_begin(struct ingress *s, uint64_t begin_ms);

/* Whether there is a program that can accept groups, on some device. */
bool ingress_can_accept(const struct ingress *s);
bool ingress_accepts(const struct ingress *s);
/* Accept groups from now on, marking their SYN0 with this bit. */
void ingress_accept(struct ingress *s, uint32_t mark);
/* No more; programs that run now may still do so, until bpf_wait(). */
void ingress_accept_none(struct ingress *s);

#endif
