/*
 * Others of the same user, who could trace this process and read its
 * memory.
 */
#ifndef TAP_BASE_UNDUMPABLE_H
#define TAP_BASE_UNDUMPABLE_H

/* Refuse them from now on, as far as the system lets a process do so. */
void undumpable_refuse(void);

#endif
