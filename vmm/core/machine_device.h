/*
 * The devices of a machine: how they are made, and how a device claims its addresses.
 *
 * A device's source file includes this header; it includes struct device, the buses, the state tables
 * and the timers.
 */
#ifndef VMM_CORE_MACHINE_DEVICE_H
#define VMM_CORE_MACHINE_DEVICE_H

#include "vmm/base/error.h"
#include "vmm/io/bus.h"
#include "vmm/io/device.h"
#include "vmm/io/device_state.h"
#include "vmm/io/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct machine;

/*
 * Make an instance of (type) with the property list (text), which may be NULL, and append it to the
 * machine's devices. The machine owns it. On failure nothing is left of it.
 */
int device_create(struct machine *machine, const struct device_type *type, const char *text,
                  struct error *error);
void device_destroy(struct device *device);

/* Bring the device to its state after create(), its timers cancelled. No vCPU and no timer thread runs. */
void device_reset(struct device *device);

/* A range of addresses that a device decodes, as its region (index). */
struct device_claim {
    enum bus_space space;
    unsigned index;
    uint64_t base, size;
    unsigned widest; /* bytes; wider accesses are split */
    bool registers;  /* read() or write() uses access->vcpu's registers */
    bool whole;      /* one op for each access: never split */
    const char *name;
};

/* For create(). -EBUSY: RAM or another device has an address of the range; else as bus_add(). */
int device_claim(struct device *device, const struct device_claim *claim, struct error *error);

/* Makes (count) claims; stops at the first that fails. */
int device_claim_all(struct device *device, const struct device_claim *claims, unsigned count,
                     struct error *error);

#endif
