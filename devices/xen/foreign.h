/*
 * Foreign pages: pages of another domain in a machine's guest-physical space.
 *
 * Each is a KVM memory slot of its own, one page long, that aliases the granter's host memory. It
 * is not RAM of the mapper: struct memory does not contain it, so devices, hypercalls and grants
 * cannot reach it. A read-only page discards writes: each is an MMIO exit that no device decodes.
 *
 * KVM accesses the host memory as long as the slot exists: do not free it before.
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

/* (machine) has no foreign pages; its devices may be created later. */
void foreign_init(struct foreign *foreign, struct machine *machine);
void foreign_finish(struct foreign *foreign);

/*
 * The map callback of struct xen_domain; (opaque) is the struct foreign. May be called while vCPUs
 * run, from any thread. -EINVAL: not a page address, or reserved by KVM; -EBUSY: RAM, a device or a
 * foreign page is there; -ENOSPC: too many pages; -EOPNOTSUPP: no read-only slots; when unmapping,
 * -ENOENT: there is no such page.
 */
int foreign_map(void *opaque, uint64_t address, void *host, bool readonly);

#endif
