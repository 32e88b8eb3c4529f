/*
 * Hypercalls as such: finding Xen, invalid hypercalls, who may call, and case 30: pointers to
 * memory that cannot be read or written, completely or from the next page on.
 */
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/exception.h"
#include "guest/lib/guest.h"
#include "guest/xen/gnttab.h"
#include "guest/xen/linux.h"
#include "guest/xen/start.h"
#include "guest/xen/xen.h"

#define UNKNOWN  99u
#define CALL_END 64u

/*
 * RAM, a boundary of the 2 MiB pages that the boot contract maps with: the page after it is
 * unmapped.
 */
#define BOUNDARY       0x800000ul
#define NO_RAM         0xd0000000ul
#define NOT_AN_ADDRESS 0x8000000000000000ul
#define HIGH_FRAME     0xfffffffff000ul

#define PAGE_PRESENT 1ul
#define TABLE_BITS   0xffffffffff000ul
#define LARGE_SHIFT  21

static void check_discovery(void)
{
    struct xen_discovery found = xen_discover();

    check_group("discovery");
    check("found", found.found);
    check_equal("the first leaf", found.base, XEN_CPUID_FIRST_LEAF);
    check_equal("the MSR", found.hypercall_msr, 0x40000000);
    check_equal("major version", found.major, 4);
    check_equal("features",
                found.features & (XEN_HVM_CPUID_DOMID_PRESENT | XEN_HVM_CPUID_UPCALL_VECTOR),
                XEN_HVM_CPUID_DOMID_PRESENT | XEN_HVM_CPUID_UPCALL_VECTOR);
    check("a domid", found.domid < 2);
    if (found.features & XEN_HVM_CPUID_VCPU_ID_PRESENT)
        check_equal("the vCPU's id", cpuid(found.base + 4, 0).ebx, xen_vcpu_id());
}

static void check_version(void)
{
    struct xen_discovery found = xen_discover();

    check_equal("the version by a call", (uint64_t)HYPERVISOR_xen_version(XENVER_version, NULL),
                (uint64_t)found.major << 16 | found.minor);
}

static void set_hypercall_page(void *address)
{
    msr_write(XEN_CPUID_FIRST_LEAF, *(const uint64_t *)address);
}

static void check_page(void)
{
    static const uint64_t bad[] = {NO_RAM, HIGH_FRAME};
    uint64_t address = (uintptr_t)xen_hypercall_page | 1;
    struct exception caught;

    check_group("hypercall page");
    check_equal("a stub moves its number to EAX", xen_hypercall_page[17 * HYPERCALL_STUB_SIZE + 1],
                17);
    check("low bits are refused", exception_catch(set_hypercall_page, &address, &caught));
    check_equal("by #GP", caught.vector, EXCEPTION_GP);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        address = bad[i];
        check("no RAM is refused", exception_catch(set_hypercall_page, &address, &caught));
        check_equal("by #GP", caught.vector, EXCEPTION_GP);
    }
}

static uint64_t ask_version(void *unused)
{
    (void)unused;
    return (uint64_t)HYPERVISOR_xen_version(XENVER_version, NULL);
}

/* A call whose pointer is argument (pointer), 1 or 2 after the operation. */
struct call {
    const char *name;
    uint8_t number, op, pointer;
    uint8_t other; /* the argument other than the pointer */
    uint8_t size;  /* size of the structure it points to */
};

#define EVENT(name, type)                                                                          \
    {                                                                                              \
#name, __HYPERVISOR_event_channel_op, EVTCHNOP_##name, 1, 0, sizeof(struct evtchn_##type)  \
    }
#define GRANT(name, type)                                                                          \
    {                                                                                              \
#name, __HYPERVISOR_grant_table_op, GNTTABOP_##name, 1, 1, sizeof(struct gnttab_##type)    \
    }

static const struct call calls[] = {
    {"add_to_physmap", __HYPERVISOR_memory_op, XENMEM_add_to_physmap, 1, 0,
     sizeof(struct xen_add_to_physmap)},
    {"memory_map", __HYPERVISOR_memory_op, XENMEM_memory_map, 1, 0, sizeof(struct xen_memory_map)},
    {"extraversion", __HYPERVISOR_xen_version, XENVER_extraversion, 1, 0,
     sizeof(xen_extraversion_t)},
    {"get_features", __HYPERVISOR_xen_version, XENVER_get_features, 1, 0,
     sizeof(struct xen_feature_info)},
    {"console write", __HYPERVISOR_console_io, CONSOLEIO_write, 2, 16, 16},
    {"shutdown", __HYPERVISOR_sched_op, SCHEDOP_shutdown, 1, 0, sizeof(struct sched_shutdown)},
    {"poll", __HYPERVISOR_sched_op, SCHEDOP_poll, 1, 0, sizeof(struct sched_poll)},
    {"register_vcpu_info", __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 2, 0,
     sizeof(struct vcpu_register_vcpu_info)},
    {"set_param", __HYPERVISOR_hvm_op, HVMOP_set_param, 1, 0, sizeof(struct xen_hvm_param)},
    {"get_param", __HYPERVISOR_hvm_op, HVMOP_get_param, 1, 0, sizeof(struct xen_hvm_param)},
    {"set_evtchn_upcall_vector", __HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, 1, 0,
     sizeof(struct xen_hvm_evtchn_upcall_vector)},
    EVENT(bind_interdomain, bind_interdomain),
    EVENT(bind_virq, bind_virq),
    EVENT(close, close),
    EVENT(send, send),
    EVENT(status, status),
    EVENT(alloc_unbound, alloc_unbound),
    EVENT(bind_ipi, bind_ipi),
    EVENT(bind_vcpu, bind_vcpu),
    EVENT(unmask, unmask),
    EVENT(reset, reset),
    GRANT(map_grant_ref, map_grant_ref),
    GRANT(unmap_grant_ref, unmap_grant_ref),
    GRANT(setup_table, setup_table),
    GRANT(copy, copy),
    GRANT(query_size, query_size),
    GRANT(set_version, set_version),
    GRANT(get_version, get_version),
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

static long call_with(const struct call *call, uint64_t address)
{
    if (call->pointer == 1)
        return hypercall(call->number, call->op, address, call->other, 0, 0);
    return hypercall(call->number, call->op, call->other, address, 0, 0);
}

static void check_unknown(void)
{
    uint64_t nothing[8] = {0};
    struct sched_poll poll = {.nr_ports = ~0u};

    check_group("no such call");
    for (unsigned number = 0; number < CALL_END; number++) {
        bool known = false;

        for (unsigned i = 0; i < CALLS; i++)
            known |= calls[i].number == number;
        if (!known)
            check_result("another number", hypercall(number, 0, 0, 0, 0, 0), -XEN_ENOSYS);
    }
    for (unsigned i = 0; i < CALLS; i++) {
        struct call unknown = calls[i];

        unknown.op = UNKNOWN;
        if (i == 0 || calls[i].number != calls[i - 1].number)
            check_result(calls[i].name, call_with(&unknown, (uintptr_t)nothing), -XEN_ENOSYS);
    }

    check_group("counts");
    set_xen_guest_handle(poll.ports, NULL);
    check("maps without end", HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, nothing, ~0u) < 0);
    check("ports without end", HYPERVISOR_sched_op(SCHEDOP_poll, &poll) < 0);
    check_result("no maps", HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, NULL, 0), 0);
}

/* The entry that maps BOUNDARY. */
static volatile uint64_t *boundary_entry(void)
{
    uint64_t *table = (uint64_t *)(cr3_read() & TABLE_BITS);

    table = (uint64_t *)(table[0] & TABLE_BITS);
    table = (uint64_t *)(table[0] & TABLE_BITS);
    return &table[BOUNDARY >> LARGE_SHIFT];
}

static void map_boundary(bool present)
{
    volatile uint64_t *entry = boundary_entry();

    *entry = present ? *entry | PAGE_PRESENT : *entry & ~PAGE_PRESENT;
    cr3_write(cr3_read());
}

static void check_pointers(void)
{
    map_boundary(false);
    for (unsigned i = 0; i < CALLS; i++) {
        const struct call *call = &calls[i];

        check_group(call->name);
        check_result("not mapped", call_with(call, BOUNDARY), -XEN_EFAULT);
        check_result("from the next page on not mapped", call_with(call, BOUNDARY - call->size / 2),
                     -XEN_EFAULT);
        check_result("no RAM", call_with(call, NO_RAM), -XEN_EFAULT);
        check_result("not canonical", call_with(call, NOT_AN_ADDRESS), -XEN_EFAULT);
        check_result("the last byte there is", call_with(call, ~0ul), -XEN_EFAULT);
    }
    map_boundary(true);
}

/* A structure with one half on the next page. */
static void check_boundary(void)
{
    struct gnttab_map_grant_ref *map = (void *)(BOUNDARY - sizeof(*map) / 2);
    unsigned long page = __get_free_pages(GFP_KERNEL, 0);
    void *here = alloc_vm_area(PAGE_SIZE)->addr;
    int ref = gnttab_grant_foreign_access(xen_domid(), virt_to_mfn(page), 0);

    check_group("30 across a page boundary");
    gnttab_set_map_op(map, (uintptr_t)here, GNTMAP_host_map, (grant_ref_t)ref, xen_domid());
    check_result("the call", HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, map, 1), 0);
    check_result("its result, on the next page", map->status, GNTST_okay);
    check_result("unmapped", gnttab_unmap(here, map->handle), GNTST_okay);
    map_boundary(false);
    check_result("the next page is not mapped",
                 HYPERVISOR_grant_table_op(GNTTABOP_map_grant_ref, map, 1), -XEN_EFAULT);
    map_boundary(true);
    check_result("nothing was mapped", gnttab_end_foreign_access((grant_ref_t)ref, 0, page), 0);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    exceptions_init();
    check_discovery();
    check_result("a domain", xen_init(), 0);
    check_version();
    check_page();
    check_group("ring 3");
    check_result("may not call", (int64_t)ring3_call(ask_version, NULL), -XEN_EPERM);
    check_unknown();
    check_boundary();
    check_pointers();
    return check_summary();
}
