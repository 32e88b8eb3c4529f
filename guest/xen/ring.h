/*
 * The shared ring: <xen/io/ring.h> and the barriers that it needs.
 *
 * The macros do not check what the other side wrote: RING_REQUEST_PROD_OVERFLOW and
 * RING_RESPONSE_PROD_OVERFLOW do, and RING_COPY_REQUEST makes a copy that cannot change.
 */
#ifndef GUEST_XEN_RING_H
#define GUEST_XEN_RING_H

#include "guest/lib/string.h"
#include "guest/xen/interface.h"

/* x86 keeps loads in order, and stores too; only a load may pass an older store. */
#define xen_mb()  __asm__ volatile("lock addl $0, -4(%%rsp)" : : : "memory", "cc")
#define xen_rmb() __asm__ volatile("" : : : "memory")
#define xen_wmb() __asm__ volatile("" : : : "memory")

#include <xen/io/ring.h>

#endif
