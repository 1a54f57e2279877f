/* The compiled ingress program.bpf.c, written by make; empty where clang is
 * missing. */
#ifndef TAP_FASTPATH_INGRESS_IMAGE_H
#define TAP_FASTPATH_INGRESS_IMAGE_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t ingress_image[];
extern const size_t ingress_image_size;

#endif
