/*
 * Programs of a network namespace, and the file system that keeps maps and
 * links without any process (bpffs).  Functions return a descriptor, which
 * is close-on-exec, or 0, or -errno.
 */
#ifndef TAP_FASTPATH_BPF_NETNS_H
#define TAP_FASTPATH_BPF_NETNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The inode number of this process's; 0 where it can't be known. */
uint64_t bpf_netns(void);

/* Attach a program to it (Linux 5.8), at an enum bpf_attach_type. */
int bpf_netns_link(int program, uint32_t attach);
/*
 * Put another one in its place, with no moment without either.  -ENOLINK: the
 * link was ended, by whomever, and there is no way back for it.
 */
int bpf_link_replace(int link, int program);
/* End it at once, whoever still holds it (Linux 5.9). */
int bpf_link_end(int link);
/* Whether a link is to this network namespace, at that place. */
bool bpf_link_is_here(int link, uint32_t attach);

/* The kernel has room for so many at one place. */
#define BPF_NETNS_PROGRAMS_MAX 64u
#define BPF_NAME_MAX 16u
/* The numbers of the programs that are attached there.  How many, or -errno. */
int bpf_netns_programs(uint32_t attach, uint32_t ids[BPF_NETNS_PROGRAMS_MAX]);
/* Those at a place of a device, likewise. */
int bpf_device_programs(uint32_t device, uint32_t attach,
			uint32_t ids[BPF_NETNS_PROGRAMS_MAX]);
/* The numbers of a link, and of the program that it attaches; 0: unknown. */
uint32_t bpf_link_id(int link);
uint32_t bpf_link_program(int link);
/* The number of a program that is loaded; likewise. */
uint32_t bpf_program_id(int program);
/* A program's name, or "id 12" where it has none or that may not be known. */
void bpf_program_name(uint32_t id, char name[BPF_NAME_MAX]);

/* Whether a directory is of that file system. */
bool bpf_can_pin(const char *directory);
/* Keep a map or link there under a name, which must be new. */
int bpf_pin(int fd, const char *path);
/* What is kept under a name. */
int bpf_pinned(const char *path);

#endif
