/*
 * File descriptors that may not be open, and eventfds that wake a thread which polls.
 */
#ifndef VMM_BASE_DESCRIPTOR_H
#define VMM_BASE_DESCRIPTOR_H

#include <stdint.h>

/* Close *fd unless it is -1, and set it to -1. */
void descriptor_close(int *fd);

/* Make the eventfd readable until event_clear(). Does nothing if it is -1. */
void event_raise(int event);

/* Read what made it readable. */
void event_clear(int event);

/* Returns how often a non-blocking eventfd was raised since the last call, and clears it; 0 for -1. */
uint64_t event_read(int event);

#endif
