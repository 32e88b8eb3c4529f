/*
 * The device `edu`: a PCI function to learn driver writing from. It has one of each: registers, a
 * computation, an interrupt, DMA. The layout is that of QEMU's edu; docs/devices.md describes it.
 *
 * Computation and DMA are complete when the write that starts them is: the guest never sees them
 * under way.
 */
#include "guest/abi/edu.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"
#include "vmm/io/pci.h"

#include <string.h>

#define FACTORIAL_ZERO 34 /* for n from here on, n! is a multiple of 2^32 and reads as 0 */

struct edu {
    struct pci_device pci;

    uint32_t liveness, factorial, status, interrupts;
    uint64_t source, destination, count, command;
    uint8_t buffer[EDU_BUFFER_SIZE];
};

static const struct pci_identity edu_identity = {
    .vendor = EDU_VENDOR,
    .device = EDU_DEVICE,
    .revision = 0x10,
    .subclass = 0xff, /* with class 0: no class */
    .interrupts = true,
    .bars = {{.kind = PCI_BAR_MEMORY32, .size = EDU_BAR_SIZE, .widest = 8, .name = "edu"}},
};

static void set_interrupts(struct edu *edu, uint32_t interrupts)
{
    edu->interrupts = interrupts;
    pci_set_interrupt(&edu->pci, interrupts != 0);
}

static void compute_factorial(struct edu *edu, uint32_t number)
{
    edu->factorial = number < FACTORIAL_ZERO ? 1 : 0;
    for (uint32_t factor = 2; factor <= number && number < FACTORIAL_ZERO; factor++)
        edu->factorial *= factor;
    if (edu->status & EDU_STATUS_INTERRUPT)
        set_interrupts(edu, edu->interrupts | EDU_INTERRUPT_FACTORIAL);
}

/* The (count) bytes at the DMA address (address) in the buffer; NULL: not all of them are in it. */
static uint8_t *buffer_at(struct edu *edu, uint64_t address, uint64_t count)
{
    const uint64_t offset =
        address - EDU_BUFFER; /* an address below the buffer wraps to a large offset */

    if (offset > EDU_BUFFER_SIZE || count > EDU_BUFFER_SIZE - offset)
        return NULL;
    return &edu->buffer[offset];
}

static bool transfer(struct edu *edu, bool from_edu)
{
    const struct memory *memory = &edu->pci.device.machine->memory;
    uint8_t *bytes = buffer_at(edu, from_edu ? edu->source : edu->destination, edu->count);

    if (!bytes || !pci_may_dma(&edu->pci))
        return false;
    if (from_edu)
        return memory_write(memory, gpa(edu->destination), bytes, edu->count) == 0;
    return memory_read(memory, gpa(edu->source), bytes, edu->count) == 0;
}

static void run_dma(struct edu *edu, uint64_t command)
{
    if (!(command & EDU_DMA_START))
        return;
    edu->command = command & (EDU_DMA_FROM_EDU | EDU_DMA_INTERRUPT);
    if (!transfer(edu, command & EDU_DMA_FROM_EDU))
        edu->command |= EDU_DMA_FAILED;
    if (command & EDU_DMA_INTERRUPT)
        set_interrupts(edu, edu->interrupts | EDU_INTERRUPT_DMA);
}

/* Is the access of a width that the register at its offset supports? */
static bool width_fits(const struct device_access *access)
{
    return access->size == 4 || (access->size == 8 && access->offset >= EDU_WIDE);
}

static uint64_t edu_read(struct device *device, const struct device_access *access)
{
    const struct edu *edu = (struct edu *)device;

    if (!width_fits(access))
        return UINT64_MAX;
    switch (access->offset) {
    case EDU_IDENTIFICATION:
        return EDU_IDENTITY;
    case EDU_LIVENESS:
        return edu->liveness;
    case EDU_FACTORIAL:
        return edu->factorial;
    case EDU_STATUS:
        return edu->status;
    case EDU_INTERRUPTS:
        return edu->interrupts;
    case EDU_DMA_SOURCE:
        return edu->source;
    case EDU_DMA_DESTINATION:
        return edu->destination;
    case EDU_DMA_COUNT:
        return edu->count;
    case EDU_DMA_COMMAND:
        return edu->command;
    default:
        return UINT64_MAX;
    }
}

static void edu_write(struct device *device, const struct device_access *access, uint64_t value)
{
    struct edu *edu = (struct edu *)device;

    if (!width_fits(access))
        return;
    switch (access->offset) {
    case EDU_LIVENESS:
        edu->liveness = ~(uint32_t)value;
        break;
    case EDU_FACTORIAL:
        compute_factorial(edu, (uint32_t)value);
        break;
    case EDU_STATUS:
        edu->status = (uint32_t)value & EDU_STATUS_INTERRUPT;
        break;
    case EDU_RAISE:
        set_interrupts(edu, edu->interrupts | (uint32_t)value);
        break;
    case EDU_ACKNOWLEDGE:
        set_interrupts(edu, edu->interrupts & ~(uint32_t)value);
        break;
    case EDU_DMA_SOURCE:
        edu->source = value;
        break;
    case EDU_DMA_DESTINATION:
        edu->destination = value;
        break;
    case EDU_DMA_COUNT:
        edu->count = value;
        break;
    case EDU_DMA_COMMAND:
        run_dma(edu, value);
        break;
    }
}

static int edu_create(struct device *device, struct error *error)
{
    return pci_attach((struct pci_device *)device, &device->machine->pci, &edu_identity, error);
}

static void edu_reset(struct device *device)
{
    struct edu *edu = (struct edu *)device;

    edu->liveness = edu->factorial = edu->status = 0;
    edu->source = edu->destination = edu->count = edu->command = 0;
    memset(edu->buffer, 0, sizeof(edu->buffer));
    set_interrupts(edu, 0);
    pci_reset(&edu->pci);
}

/* The interrupt line is high while a reason is pending. */
static int edu_loaded(struct device *device, struct error *error)
{
    const struct edu *edu = (const struct edu *)device;

    if (edu->pci.interrupt != (edu->interrupts != 0))
        return state_refuse(device, "interrupts", error);
    return pci_loaded(device, error);
}

static const struct state_field edu_fields[] = {
    PCI_STATE,
    STATE_FIELD(struct edu, liveness),
    STATE_FIELD(struct edu, factorial),
    STATE_BITS(struct edu, status, EDU_STATUS_INTERRUPT),
    STATE_FIELD(struct edu, interrupts),
    STATE_FIELD(struct edu, source),
    STATE_FIELD(struct edu, destination),
    STATE_FIELD(struct edu, count),
    STATE_BITS(struct edu, command, EDU_DMA_FROM_EDU | EDU_DMA_INTERRUPT | EDU_DMA_FAILED),
    STATE_FIELD(struct edu, buffer),
    {.name = NULL},
};

static const struct device_state edu_state = {
    .version = 1,
    .fields = edu_fields,
    .loaded = edu_loaded,
};

static const struct property edu_properties[] = {PCI_ADDR_PROPERTY, {.name = NULL}};

const struct device_type edu_type = {
    .name = "edu",
    .help = "a PCI function to learn drivers from: registers, interrupts, DMA",
    .instance_size = sizeof(struct edu),
    .locking = DEVICE_LOCKED,
    .properties = edu_properties,
    .state = &edu_state,
    .create = edu_create,
    .read = edu_read,
    .write = edu_write,
    .reset = edu_reset,
};
