#include "guests/layout.h"

#include <string.h>

#include "guests/little.h"

static const struct field {
	const char *structure, *path;
	uint16_t size; /* 0: any */
	uint8_t part;
	bool needed;
} fields[LAYOUT_FIELDS] = {
#define NEED(name, part, structure, path, size)                                \
	[LAYOUT_##name] = { structure, path, size, LAYOUT_PART_##part, true },
#define MAY(name, part, structure, path, size)                                 \
	[LAYOUT_##name] = { structure, path, size, LAYOUT_PART_##part, false },
	LAYOUT(NEED, MAY)
#undef NEED
#undef MAY
};

static bool
take(struct layout *layout, enum layout_field no,
     const struct btf_member *member)
{
	const struct field *field = &fields[no];
	uint32_t *begin = &layout->begin[field->part];
	uint32_t *end = &layout->end[field->part];
	const uint32_t size = field->size;

	if (member->offset > LAYOUT_OFFSET_MAX ||
	    (size != 0 && member->size != size)) {
		return false;
	}
	layout->offset[no] = member->offset;
	if (*end == 0 || member->offset < *begin) {
		*begin = member->offset;
	}
	if (member->offset + size > *end) {
		*end = member->offset + size;
	}
	return *end - *begin <= LAYOUT_SPAN_MAX;
}

bool
layout_from(struct layout *layout, const struct btf *btf, const char **missing)
{
	struct btf_member member;

	memset(layout, 0, sizeof *layout);
	for (unsigned i = 0; i < LAYOUT_FIELDS; i++) {
		layout->offset[i] = LAYOUT_NONE;
		*missing = fields[i].path;
		if (!btf_member(btf, fields[i].structure, fields[i].path,
				&member)) {
			if (fields[i].needed) {
				return false;
			}
			continue;
		}
		if (!take(layout, (enum layout_field)i, &member)) {
			return false;
		}
		if (i == LAYOUT_NET_DEATH_ROW) {
			layout->death_row_behind = member.pointer;
		}
	}
	layout->bucket = btf_size(btf, "inet_bind_hashbucket");
	*missing = "owners";
	return layout->bucket >= 8 && layout->bucket <= 4096 &&
		(layout->offset[LAYOUT_PORT_OWNERS] != LAYOUT_NONE ||
		 (layout->offset[LAYOUT_PORT_ADDRESSES] != LAYOUT_NONE &&
		  layout->offset[LAYOUT_ADDRESS_OWNERS] != LAYOUT_NONE &&
		  layout->offset[LAYOUT_ADDRESS_NODE] != LAYOUT_NONE));
}

int
layout_read(const struct layout *layout, const struct paging *p,
	    enum layout_part part, uint64_t address, struct layout_view *view)
{
	view->layout = layout;
	view->begin = layout->begin[part];
	return paging_read(p, address + view->begin, view->bytes,
			   layout->end[part] - view->begin);
}

int
layout_read_physical(const struct layout *layout, const struct paging *p,
		     enum layout_part part, uint64_t physical,
		     struct layout_view *view)
{
	view->layout = layout;
	view->begin = layout->begin[part];
	return p->ram.read(p->ram.of, physical + view->begin, view->bytes,
			   layout->end[part] - view->begin);
}

const uint8_t *
layout_bytes(const struct layout_view *view, enum layout_field field)
{
	static const uint8_t none[16];
	const uint32_t offset = view->layout->offset[field];

	return offset == LAYOUT_NONE ? none
				     : view->bytes + (offset - view->begin);
}

uint16_t
layout_u16(const struct layout_view *view, enum layout_field field)
{
	return le16_load(layout_bytes(view, field));
}

uint32_t
layout_u32(const struct layout_view *view, enum layout_field field)
{
	return le32_load(layout_bytes(view, field));
}

uint64_t
layout_u64(const struct layout_view *view, enum layout_field field)
{
	return le64_load(layout_bytes(view, field));
}
