/*
 * Foreign pages: pages of another domain's that a machine has in its guest-physical space.
 *
 * Each is a memory slot of KVM's of its own, one page long, that aliases the host memory of the
 * granter. It is no RAM of the mapper's: struct memory does not know of it, so a device, a hypercall
 * and a grant cannot reach it. A readonly page discards writes: each is an MMIO exit, and no device
 * decodes it.
 *
 * KVM looks at the host memory as long as the slot is there: it must not be freed before.
 */
#ifndef DEVICES_XEN_FOREIGN_H
#define DEVICES_XEN_FOREIGN_H

#include "devices/xen/grant.h"
#include "vmm/core/machine.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define FOREIGN_PAGES GRANT_HANDLES /* as many as can be mapped by handle */

struct foreign {
    struct machine *machine;
    pthread_mutex_t lock;
    struct {
        bool used;
        uint64_t address;
    } pages[FOREIGN_PAGES]; /* in slot MEMORY_SLOTS + index */
};

/* (machine), whose devices may come later, has no foreign pages. */
void foreign_init(struct foreign *foreign, struct machine *machine);
void foreign_destroy(struct foreign *foreign);

/*
 * The map callback of struct xen_domain; (opaque) is the struct foreign: while vCPUs run, from any
 * thread. -EINVAL: no page address, or one of KVM's own; -EBUSY: RAM, a device or a foreign page is
 * there; -ENOSPC: too many pages; -EOPNOTSUPP: no readonly slots; to take away: -ENOENT.
 */
int foreign_map(void *opaque, uint64_t address, void *host, bool readonly);

#endif
