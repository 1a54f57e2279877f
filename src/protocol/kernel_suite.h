/*
 * By what the programs in the kernel compute the authenticator of a group:
 * they and tap share these numbers.
 *
 * Pure.
 */
#ifndef TAP_PROTOCOL_KERNEL_SUITE_H
#define TAP_PROTOCOL_KERNEL_SUITE_H

enum suite_kernel {
	SUITE_KERNEL_NONE, /* by none: its groups are the receiver's */
	SUITE_KERNEL_MD5,
	SUITE_KERNEL_SHA256,
};

#endif
