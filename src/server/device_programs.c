#include "server/device_programs.h"

#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "fastpath/bpf_netns.h"
#include "fastpath/ingress_load.h"
#include "os/netdev.h"

#define TCX_INGRESS 46u /* of enum bpf_attach_type */
#define NAMES_MAX 128u

struct found {
	char *out;
	size_t size, used, count;
};

static void
add_program(struct found *f, uint32_t id)
{
	char name[BPF_NAME_MAX];

	bpf_program_name(id, name);
	if (strcmp(name, INGRESS_NAME) == 0) {
		return;
	}
	f->count++;
	if (f->used + BPF_NAME_MAX + 2 < f->size) {
		f->used += (size_t)snprintf(f->out + f->used, f->size - f->used,
					    "%s%s", f->used ? ", " : "", name);
	}
}

static int
take_device(void *context, const struct device *device)
{
	uint32_t ids[BPF_NETNS_PROGRAMS_MAX];
	const int count = bpf_device_programs(device->index, TCX_INGRESS, ids);

	for (int i = 0; i < count; i++) {
		add_program(context, ids[i]);
	}
	return 0;
}

size_t
device_programs(const struct acl *acl, char *out, size_t size)
{
	struct found found = { .out = out, .size = size };
	size_t i = 0;

	while (i < acl->rules_count && acl->rules[i].type == ACL_LOCAL) {
		i++;
	}
	if (i < acl->rules_count) {
		(void)devices_each(take_device, &found);
	}
	if (found.count == 0) {
		snprintf(out, size, "none");
	}
	return found.count;
}

void
device_programs_log(const struct acl *acl)
{
	char names[NAMES_MAX];

	if (device_programs(acl, names, sizeof names) > 0) {
		log_say(LOG_LEVEL_WARNING,
			"programs at devices may take packets past the "
			"firewall: %s",
			names);
	}
}
