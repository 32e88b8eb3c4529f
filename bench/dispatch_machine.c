/* The machine of the dispatch benchmark, and its exits. */
#include "bench/dispatch.h"

#include "vmm/base/lines.h"
#include "vmm/core/exit.h"
#include "vmm/core/machine_device.h"
#include "vmm/core/machine_run.h"
#include "vmm/core/vcpu.h"
#include "vmm/record/exit_parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the regions share, as in dispatch.exits. */
#define PORTS        0x1000u
#define PORTS_SIZE   0x200u
#define ADDRESS      0xd0000000ull
#define ADDRESS_SIZE 0x40000u

/*
 * One exit's page: struct kvm_run, and a page after it the data of a port access. Pages begin at
 * different offsets of a host page, so that they do not compete for the same sets of the cache; a
 * single page that is used repeatedly does not either.
 */
#define RUN_SIZE   (4096 + 64)
#define RUN_STRIDE (2 * 4096 + 3 * 64)

struct dispatch_device {
    struct device device;
    uint64_t regions;
    uint64_t value;
};

static int device_make(struct device *device, struct error *error)
{
    const uint64_t count = ((struct dispatch_device *)device)->regions;
    struct device_claim claims[BUS_SPACES] = {
        {.space = BUS_PIO, .base = PORTS, .size = PORTS_SIZE / count},
        {.space = BUS_MMIO, .base = ADDRESS, .size = ADDRESS_SIZE / count},
    };
    int result = 0;

    for (unsigned i = 0; result == 0 && i < count; i++) {
        for (unsigned space = 0; space < BUS_SPACES; space++) {
            claims[space].index = i;
            claims[space].widest = 8;
            claims[space].name = "dispatch";
        }
        result = device_claim_all(device, claims, BUS_SPACES, error);
        claims[BUS_PIO].base += claims[BUS_PIO].size;
        claims[BUS_MMIO].base += claims[BUS_MMIO].size;
    }
    return result;
}

static uint64_t device_value(struct device *device, const struct device_access *access)
{
    return ((struct dispatch_device *)device)->value + access->offset;
}

static void device_take(struct device *device, const struct device_access *access, uint64_t value)
{
    ((struct dispatch_device *)device)->value = value + access->region;
}

static const struct property properties[] = {
    {.name = "regions",
     .kind = PROPERTY_INTEGER,
     .offset = offsetof(struct dispatch_device, regions),
     .preset = "1",
     .max = BUS_REGIONS,
     .help = "regions on each bus"},
    {0},
};

static const struct device_type dispatch_type = {
    .name = "dispatch",
    .help = "regions to be found",
    .instance_size = sizeof(struct dispatch_device),
    .locking = DEVICE_LOCKED,
    .properties = properties,
    .create = device_make,
    .read = device_value,
    .write = device_take,
};

static int read_exits(struct dispatch *dispatch, struct lines *lines, struct error *error)
{
    struct exit_event event = {0};
    struct vcpu *vcpu = &dispatch->machine.vcpus[0];
    struct cursor line;
    int result;

    while ((result = lines_next(lines, &line, error)) > 0) {
        if (lines->number == 1 && cursor_skip(&line, "exits"))
            continue;
        result = exit_parse_event(&line, &event, error);
        if (result == 0 && (event.kind != EVENT_EXIT || dispatch->count == DISPATCH_EXITS))
            result = lines_refuse(lines, error, "only exits, at most %d", DISPATCH_EXITS);
        if (result < 0)
            break;
        vcpu->run = (void *)((uint8_t *)dispatch->room + dispatch->count * RUN_STRIDE);
        exit_event_fill_run(&event, vcpu);
        dispatch->runs[dispatch->count++] = vcpu->run;
    }
    exit_event_free(&event);
    if (result == 0 && dispatch->count == 0)
        result = error_set(error, -EINVAL, "%s: there are no exits", lines->path);
    return result;
}

static int load(struct dispatch *dispatch, unsigned regions, const char *path, struct error *error)
{
    char text[32] = "regions=";
    struct lines lines;
    int result;

    snprintf(text, sizeof(text), "regions=%u", regions);
    dispatch->room = calloc(DISPATCH_EXITS, RUN_STRIDE);
    if (!dispatch->room)
        return error_set(error, -ENOMEM, "out of memory");
    dispatch->machine.vcpus[0].run_size = RUN_SIZE;
    dispatch->machine.vcpus[0].registers_valid = true;
    result = device_create(&dispatch->machine, &dispatch_type, text, error);
    if (result == 0)
        result = lines_open(&lines, path, error);
    if (result < 0)
        return result;
    result = read_exits(dispatch, &lines, error);
    lines_close(&lines);
    return result;
}

int dispatch_create(struct dispatch *dispatch, unsigned regions, const char *path,
                    struct error *error)
{
    const struct machine_config config = {
        .memory_size = 16 * MIB,
        .vcpu_count = 1,
        .console_fd = -1,
        .console_policy = OUTPUT_FULL,
        .out_dir = "/",
        .message_fd = -1,
    };
    int result;

    memset(dispatch, 0, sizeof(*dispatch));
    result = machine_init(&dispatch->machine, &config, error);
    if (result < 0)
        return result;
    result = load(dispatch, regions, path, error);
    if (result < 0) {
        dispatch_destroy(dispatch);
        return result;
    }
    bus_freeze(&dispatch->machine.bus[BUS_PIO]);
    bus_freeze(&dispatch->machine.bus[BUS_MMIO]);
    return 0;
}

void dispatch_destroy(struct dispatch *dispatch)
{
    dispatch->machine.vcpus[0].run = NULL;
    machine_finish(&dispatch->machine);
    free(dispatch->room);
}
