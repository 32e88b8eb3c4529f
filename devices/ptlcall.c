/*
 * The device `ptlcall`: the trigger page and the port at fixed addresses, and the CPUID leaf that
 * reports them. docs/ptlcall.md describes the protocol.
 */
#include "devices/ptlcall.h"

#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"

#define TRIGGER_MAX ((1ULL << 47) - 1) /* the highest address that can be mapped to itself */
#define PORT_MAX    (BUS_PIO_LAST + 1 - PTLCALL_PORTS)

static void ptlcall_write(struct device *device, const struct device_access *access, uint64_t value)
{
    static const char *const vias[PTLCALL_REGIONS] = {"mmio", "port"};

    (void)value;
    ptlcall_store(&((struct ptlcall_device *)device)->ptlcall, access, vias);
}

static int claim_regions(struct ptlcall_device *ptlcall, struct error *error)
{
    const struct device_claim claims[] = {
        {
            .space = BUS_MMIO,
            .index = PTLCALL_REGION_TRIGGER,
            .base = ptlcall->trigger & ~(uint64_t)PAGE_MASK,
            .size = PAGE_SIZE,
            .widest = 8,
            .registers = true,
            .whole = true,
            .name = "ptlcall trigger",
        },
        {
            .space = BUS_PIO,
            .index = PTLCALL_REGION_PORT,
            .base = ptlcall->port,
            .size = PTLCALL_PORTS,
            .widest = 4,
            .registers = true,
            .whole = true,
            .name = "ptlcall port",
        },
    };

    return device_claim_all(&ptlcall->device, claims, sizeof(claims) / sizeof(claims[0]), error);
}

static int offer_leaf(struct ptlcall_device *ptlcall, struct error *error)
{
    const struct kvm_cpuid_entry2 leaf = {
        .function = PTLCALL_CPUID_LEAF,
        .eax = PTLCALL_CPUID_FOUND,
        .ebx = PTLCALL_BY_MMIO | PTLCALL_BY_PORT,
        .ecx = (uint32_t)ptlcall->trigger,
        .edx = (uint32_t)(ptlcall->trigger >> 32) | (uint32_t)ptlcall->port << 16,
    };

    return machine_offer_cpuid(ptlcall->device.machine, &leaf, error);
}

static int ptlcall_create(struct device *device, struct error *error)
{
    struct ptlcall_device *ptlcall = (struct ptlcall_device *)device;
    int result = claim_regions(ptlcall, error);

    if (result == 0)
        result = offer_leaf(ptlcall, error);
    if (result == 0)
        result = ptlcall_open(&ptlcall->ptlcall, device->machine, NULL, error);
    return result;
}

static void ptlcall_reset(struct device *device)
{
    ptlcall_clear(&((struct ptlcall_device *)device)->ptlcall);
}

static int ptlcall_finish(struct device *device, struct error *error)
{
    return ptlcall_finish_log(&((struct ptlcall_device *)device)->ptlcall, error);
}

static void ptlcall_destroy(struct device *device)
{
    ptlcall_close(&((struct ptlcall_device *)device)->ptlcall);
}

static const struct property ptlcall_properties[] = {
    {
        .name = "mmio",
        .kind = PROPERTY_INTEGER,
        .offset = offsetof(struct ptlcall_device, trigger),
        .preset = "0x8fffff000",
        .max = TRIGGER_MAX,
        .help = "address of the trigger word; its whole page is the trigger",
    },
    {
        .name = "port",
        .kind = PROPERTY_INTEGER,
        .offset = offsetof(struct ptlcall_device, port),
        .preset = "0xe0",
        .max = PORT_MAX,
        .help = "I/O port of a call",
    },
    PTLCALL_LOG_PROPERTY(struct ptlcall_device),
    {.name = NULL},
};

static const struct state_field ptlcall_fields[] = {
    PTLCALL_STATE(struct ptlcall_device),
    {.name = NULL},
};

static int ptlcall_loaded(struct device *device, struct error *error)
{
    (void)error;
    ptlcall_resume(&((struct ptlcall_device *)device)->ptlcall);
    return 0;
}

static const struct device_state ptlcall_state = {
    .version = 1,
    .fields = ptlcall_fields,
    .loaded = ptlcall_loaded,
};

const struct device_type ptlcall_type = {
    .name = "ptlcall",
    .help = "MARSSx86's hypercalls: a trigger page and a port",
    .instance_size = sizeof(struct ptlcall_device),
    .locking = DEVICE_LOCKED,
    .needs = HOST_NEED(HOST_WRITE_FILE) | HOST_NEED(HOST_OUT_FILE) | HOST_NEED(HOST_CHECKPOINT),
    .properties = ptlcall_properties,
    .state = &ptlcall_state,
    .create = ptlcall_create,
    .read = ptlcall_load,
    .write = ptlcall_write,
    .reset = ptlcall_reset,
    .finish = ptlcall_finish,
    .destroy = ptlcall_destroy,
};
