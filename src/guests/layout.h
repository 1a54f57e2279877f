/*
 * Where the members of a kernel's structures lie that are looked at, and a
 * structure that is read as a whole.
 *
 * Pure.
 */
#ifndef TAP_GUESTS_LAYOUT_H
#define TAP_GUESTS_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guests/btf.h"
#include "guests/paging.h"

/* From the first of the members looked at to the end of the last. */
#define LAYOUT_SPAN_MAX 6144u
/* struct net is the largest, with some KiB. */
#define LAYOUT_OFFSET_MAX 65536u

/* NEED is what all kernels have; MAY, only some. */
#define LAYOUT(NEED, MAY)                                                      \
	NEED(TASK_NEXT, TASK, "task_struct", "tasks.next", 8)                  \
	NEED(TASK_PREV, TASK, "task_struct", "tasks.prev", 8)                  \
	NEED(TASK_MM, TASK, "task_struct", "mm", 8)                            \
	NEED(TASK_PID, TASK, "task_struct", "pid", 4)                          \
	NEED(TASK_TGID, TASK, "task_struct", "tgid", 4)                        \
	NEED(TASK_PARENT, TASK, "task_struct", "real_parent", 8)               \
	NEED(TASK_LEADER, TASK, "task_struct", "group_leader", 8)              \
	NEED(TASK_START, TASK, "task_struct", "start_time", 8)                 \
	NEED(TASK_CRED, TASK, "task_struct", "cred", 8)                        \
	NEED(TASK_COMM, TASK, "task_struct", "comm", 16)                       \
	NEED(TASK_FILES, TASK, "task_struct", "files", 8)                      \
	NEED(TASK_NSPROXY, TASK, "task_struct", "nsproxy", 8)                  \
	NEED(TASK_SIGNAL, TASK, "task_struct", "signal", 8)                    \
	NEED(TASK_SWITCHES, TASK, "task_struct", "nivcsw", 8)                  \
	MAY(TASK_CFS, TASK, "task_struct", "se.cfs_rq", 8)                     \
	MAY(CFS_RQ, CFS, "cfs_rq", "rq", 8)                                    \
	MAY(RQ_CLOCK, RQ, "rq", "clock", 8)                                    \
	NEED(TASK_THREAD, TASK, "task_struct", "thread_node.next", 8)          \
	NEED(SIGNAL_THREADS, SIGNAL, "signal_struct", "thread_head.next", 8)   \
	NEED(CRED_EUID, CRED, "cred", "euid", 4)                               \
	NEED(MM_PGD, MM, "mm_struct", "pgd", 8)                                \
	NEED(MM_EXE, MM, "mm_struct", "exe_file", 8)                           \
	NEED(FILES_COUNT, FILES, "files_struct", "count", 4)                   \
	NEED(FILES_FDT, FILES, "files_struct", "fdt", 8)                       \
	NEED(FDT_MAX, FDT, "fdtable", "max_fds", 4)                            \
	NEED(FDT_FD, FDT, "fdtable", "fd", 8)                                  \
	NEED(FILE_PRIVATE, FILE, "file", "private_data", 8)                    \
	NEED(FILE_INODE, FILE, "file", "f_inode", 8)                           \
	NEED(FILE_MOUNT, FILE, "file", "f_path.mnt", 8)                        \
	NEED(FILE_DENTRY, FILE, "file", "f_path.dentry", 8)                    \
	NEED(FILE_CRED, FILE, "file", "f_cred", 8)                             \
	MAY(FILE_COUNT, FILE, "file", "f_count", 8)                            \
	MAY(FILE_REF, FILE, "file", "f_ref.refcnt", 8)                         \
	NEED(INODE_MODE, INODE, "inode", "i_mode", 2)                          \
	NEED(SOCKET_FILE, SOCKET, "socket", "file", 8)                         \
	NEED(SOCKET_SOCK, SOCKET, "socket", "sk", 8)                           \
	NEED(SOCK_DST, SOCK, "sock", "__sk_common.skc_daddr", 4)               \
	NEED(SOCK_SRC, SOCK, "sock", "__sk_common.skc_rcv_saddr", 4)           \
	NEED(SOCK_DPORT, SOCK, "sock", "__sk_common.skc_dport", 2)             \
	NEED(SOCK_SPORT, SOCK, "sock", "__sk_common.skc_num", 2)               \
	NEED(SOCK_FAMILY, SOCK, "sock", "__sk_common.skc_family", 2)           \
	NEED(SOCK_STATE, SOCK, "sock", "__sk_common.skc_state", 1)             \
	NEED(SOCK_NODE, SOCK, "sock", "__sk_common.skc_bind_node.next", 8)     \
	MAY(SOCK_DST6, SOCK, "sock", "__sk_common.skc_v6_daddr", 16)           \
	MAY(SOCK_SRC6, SOCK, "sock", "__sk_common.skc_v6_rcv_saddr", 16)       \
	NEED(SOCK_SOCKET, SOCK, "sock", "sk_socket", 8)                        \
	NEED(SOCK_UID, SOCK, "sock", "sk_uid", 4)                              \
	NEED(SOCK_TYPE, SOCK, "sock", "sk_type", 2)                            \
	NEED(SOCK_PROTOCOL, SOCK, "sock", "sk_protocol", 2)                    \
	NEED(NSPROXY_NET, NSPROXY, "nsproxy", "net_ns", 8)                     \
	NEED(NSPROXY_UTS, NSPROXY, "nsproxy", "uts_ns", 8)                     \
	NEED(UTS_RELEASE, UTS, "uts_namespace", "name.release", 65)            \
	NEED(NET_LIST, NET, "net", "list.next", 8)                             \
	NEED(NET_MIX, NET_MIX, "net", "hash_mix", 4)                           \
	NEED(NET_DEATH_ROW, NET_DEATH_ROW, "net", "ipv4.tcp_death_row", 0)     \
	NEED(DEATH_ROW_HASHES, DEATH_ROW, "inet_timewait_death_row",           \
	     "hashinfo", 8)                                                    \
	NEED(HASHES_BIND, HASHES, "inet_hashinfo", "bhash", 8)                 \
	NEED(HASHES_BIND_SIZE, HASHES, "inet_hashinfo", "bhash_size", 4)       \
	NEED(BIND_CHAIN, BIND, "inet_bind_hashbucket", "chain.first", 8)       \
	NEED(PORT_NUMBER, PORT, "inet_bind_bucket", "port", 2)                 \
	NEED(PORT_NODE, PORT, "inet_bind_bucket", "node.next", 8)              \
	MAY(PORT_OWNERS, PORT, "inet_bind_bucket", "owners.first", 8)          \
	MAY(PORT_ADDRESSES, PORT, "inet_bind_bucket", "bhash2.first", 8)       \
	MAY(ADDRESS_OWNERS, ADDRESS, "inet_bind2_bucket", "owners.first", 8)   \
	MAY(ADDRESS_NODE, ADDRESS, "inet_bind2_bucket", "bhash_node.next", 8)  \
	NEED(DENTRY_NAME, DENTRY, "dentry", "d_name.name", 8)                  \
	NEED(DENTRY_LEN, DENTRY, "dentry", "d_name.len", 4)                    \
	NEED(DENTRY_PARENT, DENTRY, "dentry", "d_parent", 8)                   \
	NEED(DENTRY_HASHED, DENTRY, "dentry", "d_hash.pprev", 8)               \
	NEED(MOUNT_MNT, MOUNT, "mount", "mnt", 0)                              \
	NEED(MOUNT_ROOT, MOUNT, "mount", "mnt.mnt_root", 8)                    \
	NEED(MOUNT_PARENT, MOUNT, "mount", "mnt_parent", 8)                    \
	NEED(MOUNT_POINT, MOUNT, "mount", "mnt_mountpoint", 8)

#define LAYOUT_FIELD(name, part, structure, path, size) LAYOUT_##name,
enum layout_field { LAYOUT(LAYOUT_FIELD, LAYOUT_FIELD) LAYOUT_FIELDS };
#undef LAYOUT_FIELD

/* Members that are read together. */
enum layout_part {
	LAYOUT_PART_TASK,
	LAYOUT_PART_CFS,
	LAYOUT_PART_RQ,
	LAYOUT_PART_SIGNAL,
	LAYOUT_PART_CRED,
	LAYOUT_PART_MM,
	LAYOUT_PART_FILES,
	LAYOUT_PART_FDT,
	LAYOUT_PART_FILE,
	LAYOUT_PART_INODE,
	LAYOUT_PART_SOCKET,
	LAYOUT_PART_SOCK,
	LAYOUT_PART_NSPROXY,
	LAYOUT_PART_UTS,
	LAYOUT_PART_NET,
	LAYOUT_PART_NET_MIX,
	LAYOUT_PART_NET_DEATH_ROW,
	LAYOUT_PART_DEATH_ROW,
	LAYOUT_PART_HASHES,
	LAYOUT_PART_BIND,
	LAYOUT_PART_PORT,
	LAYOUT_PART_ADDRESS,
	LAYOUT_PART_DENTRY,
	LAYOUT_PART_MOUNT,
	LAYOUT_PARTS
};

#define LAYOUT_NONE UINT32_MAX

struct layout {
	uint32_t offset[LAYOUT_FIELDS]; /* or LAYOUT_NONE */
	uint32_t begin[LAYOUT_PARTS], end[LAYOUT_PARTS];
	uint32_t bucket;       /* size of an inet_bind_hashbucket */
	bool death_row_behind; /* the net has a pointer to it */
};

/* False: it is no kernel's whose sockets can be found; then which is missing.
 */
bool layout_from(struct layout *layout, const struct btf *btf,
		 const char **missing);

/* A part that was read. */
struct layout_view {
	const struct layout *layout;
	uint32_t begin;
	uint8_t bytes[LAYOUT_SPAN_MAX];
};

int layout_read(const struct layout *layout, const struct paging *p,
		enum layout_part part, uint64_t address,
		struct layout_view *view);
/* The same at a physical address. */
int layout_read_physical(const struct layout *layout, const struct paging *p,
			 enum layout_part part, uint64_t physical,
			 struct layout_view *view);
/* A member of that part; zeros where this kernel has none. */
const uint8_t *layout_bytes(const struct layout_view *view,
			    enum layout_field field);
uint16_t layout_u16(const struct layout_view *view, enum layout_field field);
uint32_t layout_u32(const struct layout_view *view, enum layout_field field);
uint64_t layout_u64(const struct layout_view *view, enum layout_field field);

#endif
