/* Counts each frame and drops it; see drop.c. */
#include <linux/bpf.h>
#include <stdint.h>

static void *(*map_lookup)(const void *,
			   const void *) = (void *)BPF_FUNC_map_lookup_elem;

extern const char count_map;

__attribute__((section("xdp"), used)) int
drop(struct xdp_md *ctx)
{
	uint32_t zero = 0;
	uint64_t *count = map_lookup(&count_map, &zero);

	(void)ctx;
	if (count) {
		++*count;
	}
	return XDP_DROP;
}
