/* Finding Xen, and sharing pages with it. */
#include "guest/xen/xen.h"

#include "guest/lib/cpu.h"

#define CPUID_HYPERVISOR (1u << 31) /* leaf 1, ECX */
#define LEAF_STEP        0x100u /* when it offers other interfaces too, Xen's leaves come after theirs */
#define LEAF_END         0x40010000u

uint8_t xen_hypercall_page[XEN_FRAME_SIZE] __attribute__((aligned(XEN_FRAME_SIZE)));

static uint8_t shared_info_page[XEN_FRAME_SIZE] __attribute__((aligned(XEN_FRAME_SIZE)));
struct shared_info *const xen_shared_info = (struct shared_info *)(void *)shared_info_page;

static domid_t own_domid = DOMID_INVALID;

static bool has_signature(struct cpuid leaf)
{
    return leaf.ebx == XEN_CPUID_SIGNATURE_EBX && leaf.ecx == XEN_CPUID_SIGNATURE_ECX &&
           leaf.edx == XEN_CPUID_SIGNATURE_EDX;
}

struct xen_discovery xen_discover(void)
{
    struct xen_discovery found = {.domid = DOMID_INVALID};

    if (!(cpuid(1, 0).ecx & CPUID_HYPERVISOR))
        return found;
    for (uint32_t base = XEN_CPUID_FIRST_LEAF; base < LEAF_END; base += LEAF_STEP) {
        struct cpuid leaf = cpuid(base, 0);

        if (!has_signature(leaf) || leaf.eax < base + 2)
            continue;
        found.found = true;
        found.base = base;
        found.major = (uint16_t)(cpuid(base + 1, 0).eax >> 16);
        found.minor = (uint16_t)cpuid(base + 1, 0).eax;
        found.hypercall_msr = cpuid(base + 2, 0).ebx;
        if (leaf.eax >= base + 4) {
            leaf = cpuid(base + 4, 0);
            found.features = leaf.eax;
            if (leaf.eax & XEN_HVM_CPUID_DOMID_PRESENT)
                found.domid = (domid_t)leaf.ecx;
        }
        break;
    }
    return found;
}

int xen_enter(const struct xen_discovery *found)
{
    own_domid = found->domid;
    msr_write(found->hypercall_msr, (uintptr_t)xen_hypercall_page);
    return xen_place_page(XENMAPSPACE_shared_info, 0, shared_info_page);
}

domid_t xen_domid(void)
{
    return own_domid;
}

unsigned xen_vcpu_id(void)
{
    return cpuid(1, 0).ebx >> 24;
}

int xen_place_page(unsigned space, unsigned long index, void *page)
{
    struct xen_add_to_physmap place = {
        .domid = DOMID_SELF,
        .space = space,
        .idx = index,
        .gpfn = xen_frame(page),
    };

    return (int)HYPERVISOR_memory_op(XENMEM_add_to_physmap, &place);
}
