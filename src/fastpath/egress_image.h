/* The compiled egress.bpf.c, written by make; empty where clang is missing. */
#ifndef TAP_FASTPATH_EGRESS_IMAGE_H
#define TAP_FASTPATH_EGRESS_IMAGE_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t egress_image[];
extern const size_t egress_image_size;

#endif
