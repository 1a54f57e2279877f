/* The compiled flood.bpf.c, written by make; empty where clang is missing. */
#ifndef FLOOD_IMAGE_H
#define FLOOD_IMAGE_H

#include <stddef.h>
#include <stdint.h>

extern const uint8_t flood_image[];
extern const size_t flood_image_size;

#endif
