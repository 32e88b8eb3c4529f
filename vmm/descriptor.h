/*
 * File descriptors that may not be open, and eventfds that wake a thread which polls.
 */
#ifndef VMM_DESCRIPTOR_H
#define VMM_DESCRIPTOR_H

/* Close *fd, unless it is -1, which it is afterwards. */
void descriptor_close(int *fd);

/* Make the eventfd readable until event_clear(); -1: nobody waits, and nothing is done. */
void event_raise(int event);

/* Read what made it readable. */
void event_clear(int event);

#endif
