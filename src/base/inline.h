/*
 * For what the programs in the kernel and tap compile from one source: those
 * programs have no functions to call.
 *
 * Pure.
 */
#ifndef TAP_BASE_INLINE_H
#define TAP_BASE_INLINE_H

#define inline_always inline __attribute__((always_inline))

#endif
