/*
 * File descriptors that may not be open, and eventfds that wake a thread which polls.
 */
#ifndef VMM_BASE_DESCRIPTOR_H
#define VMM_BASE_DESCRIPTOR_H

#include <stdint.h>

/* Close *fd, unless it is -1, which it is afterwards. */
void descriptor_close(int *fd);

/* Make the eventfd readable until event_clear(); -1: nobody waits, and nothing is done. */
void event_raise(int event);

/* Read what made it readable. */
void event_clear(int event);

/* How often an eventfd that does not block was raised since this was asked last; of -1: 0. */
uint64_t event_read(int event);

#endif
