/* SPDX-License-Identifier: ISC */
/*
 * Devices and addresses as rtnetlink tells of them: names that end, and
 * addresses of one of two families.
 */
#include "fuzz.h"

#include "fuzz/netlink_fake.h"

#include "os/netdev.c"

static int
check_device(void *context, const struct device *device)
{
	CHECK(memchr(device->name, '\0', sizeof device->name) != NULL);
	++*(unsigned *)context;
	return 0;
}

static int
check_address(void *context, uint32_t device, const struct packet_addr *addr)
{
	static const uint8_t none[16];

	(void)device;
	CHECK(addr->family == 4 || addr->family == 6);
	CHECK(addr->family == 6 || memcmp(addr->bytes + 4, none, 12) == 0);
	++*(unsigned *)context;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned devices = 0, addresses = 0, messages = 0;
	const struct asked asked_devices = { .device = check_device,
					     .context = &devices };
	const struct asked asked_addresses = { .address = check_address,
					       .context = &addresses };
	struct netlink_reply reply;
	size_t at = 0;

	while (netlink_next(data, size, &at, &reply)) {
		struct asked d = asked_devices, a = asked_addresses;

		messages++;
		CHECK(take_link(&d, &reply) == 0);
		CHECK(take_address(&a, &reply) == 0);
	}
	/* No message is both. */
	CHECK(devices + addresses <= messages);
	return 0;
}
