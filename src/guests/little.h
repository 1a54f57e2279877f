/*
 * Little-endian numbers at a place the caller knows to be large enough.
 *
 * Pure.
 */
#ifndef TAP_GUESTS_LITTLE_H
#define TAP_GUESTS_LITTLE_H

#include <stdint.h>

static inline uint16_t
le16_load(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t
le32_load(const uint8_t *at)
{
	return le16_load(at) | (uint32_t)le16_load(at + 2) << 16;
}

static inline uint64_t
le64_load(const uint8_t *at)
{
	return le32_load(at) | (uint64_t)le32_load(at + 4) << 32;
}

#endif
