/* The compiled bound.bpf.c, written by make; empty where clang is missing. */
#ifndef BOUND_IMAGE_H
#define BOUND_IMAGE_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t bound_image[];
extern const size_t bound_image_size;

#endif
