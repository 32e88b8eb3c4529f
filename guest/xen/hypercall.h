/*
 * Hypercalls, through the page that xen_init() placed: stub (number) is 32 bytes at number * 32.
 *
 * Each returns Xen's result: not negative, or a negative error of <xen/errno.h>. Pointers are
 * addresses of the caller, and only ring 0 may call.
 */
#ifndef GUEST_XEN_HYPERCALL_H
#define GUEST_XEN_HYPERCALL_H

#include "guest/xen/interface.h"

#define HYPERCALL_STUB_SIZE 32u

extern uint8_t xen_hypercall_page[XEN_FRAME_SIZE];

/* Make any hypercall. Of the registers only RAX changes, but any memory may. */
static inline long hypercall(unsigned number, uint64_t arg1, uint64_t arg2, uint64_t arg3,
                             uint64_t arg4, uint64_t arg5)
{
    const uint8_t *stub = xen_hypercall_page + number * HYPERCALL_STUB_SIZE;
    register uint64_t r10 __asm__("r10") = arg4;
    register uint64_t r8 __asm__("r8") = arg5;
    long result;

    __asm__ volatile("call *%1"
                     : "=a"(result), "+r"(stub), "+D"(arg1), "+S"(arg2), "+d"(arg3), "+r"(r10),
                       "+r"(r8)
                     :
                     : "rcx", "r9", "r11", "memory", "cc");
    return result;
}

static inline long HYPERVISOR_memory_op(unsigned op, void *argument)
{
    return hypercall(__HYPERVISOR_memory_op, op, (uintptr_t)argument, 0, 0, 0);
}

static inline long HYPERVISOR_xen_version(unsigned op, void *argument)
{
    return hypercall(__HYPERVISOR_xen_version, op, (uintptr_t)argument, 0, 0, 0);
}

static inline long HYPERVISOR_console_io(unsigned op, unsigned count, char *text)
{
    return hypercall(__HYPERVISOR_console_io, op, count, (uintptr_t)text, 0, 0);
}

static inline long HYPERVISOR_grant_table_op(unsigned op, void *list, unsigned count)
{
    return hypercall(__HYPERVISOR_grant_table_op, op, (uintptr_t)list, count, 0, 0);
}

static inline long HYPERVISOR_vcpu_op(unsigned op, unsigned vcpu, void *argument)
{
    return hypercall(__HYPERVISOR_vcpu_op, op, vcpu, (uintptr_t)argument, 0, 0);
}

static inline long HYPERVISOR_sched_op(unsigned op, void *argument)
{
    return hypercall(__HYPERVISOR_sched_op, op, (uintptr_t)argument, 0, 0, 0);
}

static inline long HYPERVISOR_event_channel_op(unsigned op, void *argument)
{
    return hypercall(__HYPERVISOR_event_channel_op, op, (uintptr_t)argument, 0, 0, 0);
}

static inline long HYPERVISOR_hvm_op(unsigned op, void *argument)
{
    return hypercall(__HYPERVISOR_hvm_op, op, (uintptr_t)argument, 0, 0, 0);
}

#endif
