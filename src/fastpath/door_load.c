#include "fastpath/door_load.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>

#include "fastpath/bpf.h"
#include "fastpath/door_host.h"
#include "fastpath/door_program.h"
#include "fastpath/door_tables.h"

void
door_version_init(struct door_version *v)
{
	*v = (struct door_version){ .program = -1, .devices = -1 };
}

void
door_version_free(struct door_version *v)
{
	bpf_close(&v->program);
	bpf_close(&v->devices);
	free(v->keys);
	free(v->names);
	free(v->bare);
	door_version_init(v);
}

static int
make_array(const void *values, size_t value, size_t count)
{
	const struct bpf_map made = { BPF_MAP_TYPE_ARRAY, 4, (uint32_t)value,
				      (uint32_t)count, BPF_F_MMAPABLE };
	int map = bpf_map_make(&made);
	int rc = map < 0 ? map : bpf_map_write(map, values, count * value);

	if (rc < 0) {
		bpf_close(&map);
		return rc;
	}
	return map;
}

/* What is to be known beside the program. */
static void
take_tables(struct door_version *v, struct door_tables *t)
{
	v->keys = t->keys;
	v->names = t->devices;
	v->names_count = t->devices_count;
	v->without = t->without;
	v->without_port = t->without_port;
	v->without_why = t->without_why;
	v->bare = t->bare;
	t->bare = NULL;
	t->keys = NULL;
	t->devices = NULL;
}

/* It holds what it needs of the maps. */
static int
load(const struct door_version *v, const struct door_shared *shared,
     const struct door_tables *t)
{
	static struct bpf_insn insns[DOOR_INSNS_MAX];
	struct door_maps maps = {
		.ports = make_array(t->ports, sizeof *t->ports, 65536),
		.lists = make_array(t->lists, sizeof *t->lists, t->lists_count),
		.accepted = shared->accepted,
		.own = shared->own,
		.counts = shared->counts,
		.carrier = shared->carrier,
		.devices = v->devices,
	};
	size_t count;
	int rc = maps.ports < 0 ? maps.ports : maps.lists;

	if (rc >= 0) {
		count = door_program(insns, &maps, t->rules_most, v->by_device);
		rc = bpf_insns_load(insns, count, BPF_PROG_TYPE_SK_LOOKUP,
				    BPF_SK_LOOKUP, DOOR_NAME);
	}
	bpf_close(&maps.ports);
	bpf_close(&maps.lists);
	return rc;
}

static int
load_for(struct door_version *v, const struct door_shared *shared,
	 const struct door_conf *conf, bool by_device)
{
	struct door_tables tables;

	door_version_init(v);
	if (door_tables_make(&tables, conf->acl, conf->loopback_open,
			     by_device) < 0) {
		return -ENOMEM;
	}
	v->by_device = by_device;
	v->loopback_open = conf->loopback_open;
	v->devices = door_host_devices_map();
	v->program = v->devices < 0 ? v->devices : load(v, shared, &tables);
	take_tables(v, &tables);
	door_tables_free(&tables);
	return v->program < 0 ? v->program : 0;
}

int
door_load(struct door_version *v, const struct door_shared *shared,
	  const struct door_conf *conf)
{
	int rc = load_for(v, shared, conf, true);

	/* Kernels before 5.17 refuse a program that asks for the device. */
	if (rc == -EACCES || rc == -EINVAL) {
		door_version_free(v);
		rc = load_for(v, shared, conf, false);
	}
	if (rc < 0) {
		door_version_free(v);
		return rc;
	}
	door_host_update_devices(v->devices, v->names, v->names_count);
	return 0;
}
