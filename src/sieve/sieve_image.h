/* The compiled sieve.bpf.c, written by make; empty where clang is missing. */
#ifndef TAP_SIEVE_IMAGE_H
#define TAP_SIEVE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t sieve_image[];
extern const size_t sieve_image_size;

#endif
