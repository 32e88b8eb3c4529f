/* What a machine of the API's is made of: as its config says. */
#include "api/handle.h"
#include "devices/types.h"

#include <stddef.h>
#include <string.h>

#define MEMORY_PRESET (64 * MIB)

/* What every machine has, unless the config says off. */
static int plan_own_devices(const struct minivmm_config *config, struct machine_plan *plan,
                            struct error *error)
{
    const struct {
        const char *type, *properties;
    } devices[] = {
        {"serial", NULL},
        {"debugcon", NULL},
        {"debug-exit", config->debug_exit},
        {"ptlcall", config->ptlcall},
        {"pci-host", NULL},
        {"cmos", NULL},
        {"i8042", NULL},
        {"port92", NULL},
        {"post", NULL},
        {"fw_cfg", NULL},
    };
    int result = 0;

    for (size_t i = 0; result == 0 && i < sizeof(devices) / sizeof(devices[0]); i++) {
        if (devices[i].properties && strcmp(devices[i].properties, "off") == 0)
            continue;
        result = machine_plan_add_device(plan, devices[i].type, devices[i].properties, error);
    }
    return result;
}

static unsigned parts_given(const struct minivmm_config *config)
{
    const bool devices = config->device_count || config->ptlcall || config->debug_exit;

    return (config->memory_size ? MACHINE_PLAN_MEMORY : 0) |
           (config->vcpu_count ? MACHINE_PLAN_CPUS : 0) |
           (config->irqchip ? MACHINE_PLAN_IRQCHIP : 0) | (devices ? MACHINE_PLAN_DEVICE_LIST : 0);
}

int api_plan_config(const struct minivmm_config *config, struct machine_plan *plan, unsigned *parts,
                    struct error *error)
{
    int result = plan_own_devices(config, plan, error);

    plan->types = device_types;
    plan->memory_size = config->memory_size ? config->memory_size : MEMORY_PRESET;
    plan->vcpu_count = config->vcpu_count ? config->vcpu_count : 1;
    plan->irqchip = config->irqchip;
    *parts = parts_given(config);
    if (result == 0 && config->world)
        result = machine_plan_add_device(plan, "xen", NULL, error);
    for (unsigned i = 0; result == 0 && i < config->device_count; i++)
        result = machine_plan_add_device(plan, config->devices[i], NULL, error);
    return result;
}
