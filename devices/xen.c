/*
 * The device `xen`: what makes a machine with a domain look like a Xen guest. CPUID leaves name an
 * MSR; writing it fills the page of hypercall stubs; the stubs write to a port.
 */
#include "devices/xen/hypercall.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"

#include <errno.h>
#include <xen/arch-x86/cpuid.h>

#define LEAVES     5u
#define CPUID_BASE 0x40000000u
#define PAGES      1u /* of hypercalls */

struct xen {
    struct device device;
};

static const struct property xen_properties[] = {{.name = NULL}};

static int offer_leaves(struct machine *machine, struct error *error)
{
    const struct kvm_cpuid_entry2 leaves[LEAVES] = {
        {.eax = CPUID_BASE + LEAVES - 1,
         .ebx = XEN_CPUID_SIGNATURE_EBX,
         .ecx = XEN_CPUID_SIGNATURE_ECX,
         .edx = XEN_CPUID_SIGNATURE_EDX},
        {.eax = XEN_VERSION},
        {.eax = PAGES, .ebx = XEN_HYPERCALL_MSR},
        {.eax = 0}, /* of time: shared_info keeps no time */
        /* x86_set_cpuid() fills in the id for each vCPU. */
        {.eax = XEN_HVM_CPUID_VCPU_ID_PRESENT | XEN_HVM_CPUID_DOMID_PRESENT |
                XEN_HVM_CPUID_UPCALL_VECTOR,
         .ecx = xen_domain_of(machine)->domid},
    };
    int result = 0;

    for (uint32_t i = 0; result == 0 && i < LEAVES; i++) {
        struct kvm_cpuid_entry2 leaf = leaves[i];

        leaf.function = CPUID_BASE + i;
        result = machine_offer_cpuid(machine, &leaf, error);
    }
    return result;
}

/* The MSR is write-only; as under Xen, it reads as zero. */
static int read_msr(struct device *device, uint32_t index, uint64_t *value)
{
    (void)device;
    (void)index;
    *value = 0;
    return 0;
}

static int write_msr(struct device *device, uint32_t index, uint64_t value)
{
    (void)index;
    return xen_fill_hypercall_page(xen_domain_of(device->machine), value);
}

static int claim_msr(struct device *device, struct error *error)
{
    static const struct msr_ops ops = {.read = read_msr, .write = write_msr};
    const struct msr_claim claim = {
        .first = XEN_HYPERCALL_MSR,
        .last = XEN_HYPERCALL_MSR,
        .device = device,
        .ops = &ops,
    };

    return msr_claim_add(&device->machine->msrs, &claim, error);
}

static int xen_create(struct device *device, struct error *error)
{
    const struct device_claim port = {
        .space = BUS_PIO,
        .base = XEN_HYPERCALL_PORT,
        .size = 1,
        .widest = 1,
        .registers = true,
        .name = "xen hypercalls",
    };
    struct machine *machine = device->machine;
    int result;

    if (!xen_domain_of(machine))
        return error_set(error, -EINVAL,
                         "device xen: this machine is no domain; make it one with --domain");
    if (machine->journal)
        return error_set(error, -EOPNOTSUPP,
                         "device xen: a domain's exits depend on its peer; do not record them");
    result = device_claim(device, &port, error);
    if (result == 0)
        result = offer_leaves(machine, error);
    if (result == 0)
        result = claim_msr(device, error);
    machine->irqs.needed |= result == 0;
    return result;
}

static uint64_t xen_read(struct device *device, const struct device_access *access)
{
    (void)device;
    (void)access;
    return UINT64_MAX;
}

static void xen_write(struct device *device, const struct device_access *access, uint64_t value)
{
    (void)value;
    xen_hypercall(xen_domain_of(device->machine), access->vcpu);
}

const struct device_type xen_type = {
    .name = "xen",
    .help = "Xen's hypercalls, for a machine that is a domain",
    .instance_size = sizeof(struct xen),
    .locking = DEVICE_LOCK_FREE, /* a domain has its own locks, and some calls wait */
    .needs = HOST_NEED(HOST_MEMORY_SLOT),
    .properties = xen_properties,
    .create = xen_create,
    .read = xen_read,
    .write = xen_write,
};
