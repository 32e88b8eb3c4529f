/*
 * What the files of the host's side have of each other.
 */
#ifndef VMM_HOST_HOST_PARTS_H
#define VMM_HOST_HOST_PARTS_H

#include "vmm/host/host.h"

struct console;

/* All machines end as if interrupted, or go on if they wait. The lock is held. */
void host_end_machines(struct host *host);
void host_go_on(struct host *host);

/* Begin with stdin, which becomes raw if it is a terminal in whose foreground we are; and leave it as it was. */
void host_prepare_input(struct host *host);
void host_restore_input(const struct host *host);

/* Read what there is, and hand over what (console), which may be NULL, has room for. */
void host_read_input(struct host *host);
void host_hand_over_input(struct host *host, struct console *console);

#endif
