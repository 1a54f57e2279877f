/* The compiled drop.bpf.c, written by make; empty where clang is missing. */
#ifndef DROP_IMAGE_H
#define DROP_IMAGE_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t drop_image[];
extern const size_t drop_image_size;

#endif
