/*
 * One block of MD5 and of SHA-256 for programs in the kernel, which can't
 * call a library: all loops are unrolled, so that every index is known to
 * the kernel's verifier.  Everything else uses mac.h.
 */
#ifndef TAP_FASTPATH_BPF_HASH_H
#define TAP_FASTPATH_BPF_HASH_H

#include <stdint.h>

#include "base/inline.h"

static inline_always uint32_t
rotate_left(uint32_t x, uint32_t bits)
{
	return x << bits | x >> (32 - bits);
}

/* Of this, to rotate is to shift, which BPF can; the lower half counts. */
static inline_always uint64_t
twice(uint32_t x)
{
	return (uint64_t)x << 32 | x;
}

/*
 * Both take their words where the program has room: were they not
 * volatile, the compiler would keep them all on its small stack.
 */

/* FIPS 180-4, 6.2.2; w is used up. */
static inline_always void
sha256(volatile uint32_t *state, volatile uint32_t *w)
{
	static const uint32_t k[64] = {
		0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b,
		0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
		0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7,
		0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
		0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152,
		0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
		0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
		0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
		0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
		0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
		0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
		0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
		0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
	};
	uint32_t v[8];

#pragma clang loop unroll(full)
	for (int i = 0; i < 8; i++) {
		v[i] = state[i];
	}
#pragma clang loop unroll(full)
	for (int i = 0; i < 64; i++) {
		uint32_t *a = &v[(64 - i) & 7], *b = &v[(65 - i) & 7];
		uint32_t *c = &v[(66 - i) & 7], *d = &v[(67 - i) & 7];
		uint32_t *e = &v[(68 - i) & 7], *f = &v[(69 - i) & 7];
		uint32_t *g = &v[(70 - i) & 7], *h = &v[(71 - i) & 7];
		uint64_t aa = twice(*a), ee = twice(*e);

		if (i >= 16) {
			uint32_t x = w[(i + 1) & 15], y = w[(i + 14) & 15];
			uint64_t xx = twice(x), yy = twice(y);

			w[i & 15] += w[(i + 9) & 15] +
				((uint32_t)(xx >> 7 ^ xx >> 18) ^ x >> 3) +
				((uint32_t)(yy >> 17 ^ yy >> 19) ^ y >> 10);
		}
		*h += (uint32_t)(ee >> 6 ^ ee >> 11 ^ ee >> 25) +
			(*g ^ (*e & (*f ^ *g))) + k[i] + w[i & 15];
		*d += *h;
		*h += (uint32_t)(aa >> 2 ^ aa >> 13 ^ aa >> 22) +
			((*a & *b) | (*c & (*a | *b)));
		/* A round after the other: else they would fill the stack. */
		__asm__ volatile("" : "+r"(*d), "+r"(*h));
	}
#pragma clang loop unroll(full)
	for (int i = 0; i < 8; i++) {
		state[i] += v[i];
	}
}

/* RFC 1321. */
static inline_always void
md5(volatile uint32_t *state, const volatile uint32_t *w)
{
	static const uint32_t k[64] = {
		0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf,
		0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af,
		0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e,
		0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa,
		0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6,
		0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
		0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122,
		0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
		0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039,
		0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97,
		0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d,
		0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
		0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
	};
	static const uint8_t turn[4][4] = { { 7, 12, 17, 22 },
					    { 5, 9, 14, 20 },
					    { 4, 11, 16, 23 },
					    { 6, 10, 15, 21 } };
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];

#pragma clang loop unroll(full)
	for (int i = 0; i < 64; i++) {
		uint32_t f, at, next;

		if (i < 16) {
			f = d ^ (b & (c ^ d));
			at = i;
		} else if (i < 32) {
			f = c ^ (d & (b ^ c));
			at = 5 * i + 1;
		} else if (i < 48) {
			f = b ^ c ^ d;
			at = 3 * i + 5;
		} else {
			f = c ^ (b | ~d);
			at = 7 * i;
		}
		next = b +
			rotate_left(a + f + k[i] + w[at & 15],
				    turn[i / 16][i % 4]);
		a = d;
		d = c;
		c = b;
		b = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
}

#endif
