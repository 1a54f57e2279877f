/*
 * Where the door is pinned, so that it needs no process: a directory of bpffs,
 * with its link and its map of accepted connections.
 */
#ifndef TAP_FASTPATH_DOOR_PIN_H
#define TAP_FASTPATH_DOOR_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOOR_PATH_MAX 128u

#define DOOR_PIN_LINK "link"
#define DOOR_PIN_ACCEPTED "accepted"

/*
 * The directory of a queue's door.  It is named for the network namespace,
 * too: others that see it may have a server with the same queue.
 */
void door_pin_path(char path[DOOR_PATH_MAX], uint16_t queue);
/* Whether bpffs is mounted there. */
bool door_can_pin(void);
/*
 * Whether what is pinned there stays when all of our processes go: another one
 * has it mounted, too, and not just a container's, which may go as a whole and
 * leave a network namespace of others.
 */
bool door_pins_outlive(void);
/*
 * Pin something there, in the place of what has the name.  0 or -errno, as
 * below: -EPERM where others may have made the directory.
 */
int door_pin(const char *path, int fd, const char *name);
/* What is pinned there, or -errno. */
int door_get_pinned(const char *path, const char *name);

/*
 * End the door that is pinned for a queue of this network namespace, whoever
 * holds it, and take it away.  0, -ENOENT or another -errno.
 */
int door_remove(uint16_t queue);
/* The queues whose doors are pinned; returns how many, `max` at the most. */
size_t door_pinned(uint16_t *queues, size_t max);

#endif
