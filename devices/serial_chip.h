/*
 * The 16550A itself: its registers, its receiver and its interrupts. National Semiconductor's data
 * sheet PC16550D describes it.
 *
 * No byte takes time here: output is sent at once, and input waits in the console, as if on the
 * wire, until the guest reads it. So the receive FIFO holds loopback bytes only, and a driver that
 * clears it at start loses no input; the trigger level counts waiting input as received. Only
 * loopback can overrun the receiver.
 *
 * The owner serialises the calls for one chip.
 */
#ifndef DEVICES_SERIAL_CHIP_H
#define DEVICES_SERIAL_CHIP_H

#include "vmm/core/machine_device.h"
#include "vmm/io/console.h"

#include <stdbool.h>
#include <stdint.h>

#define SERIAL_PORTS 8
#define SERIAL_FIFO  16 /* bytes */

/* Offsets; the meaning of 0 to 2 depends on the direction and on LCR's divisor bit. */
enum serial_register {
    SERIAL_DATA,
    SERIAL_IER,
    SERIAL_IIR,
    SERIAL_LCR,
    SERIAL_MCR,
    SERIAL_LSR,
    SERIAL_MSR,
    SERIAL_SCR,
    SERIAL_FCR = SERIAL_IIR,
    SERIAL_DIVISOR_LOW = SERIAL_DATA,
    SERIAL_DIVISOR_HIGH = SERIAL_IER,
};

#define SERIAL_LSR_RECEIVED 0x01

struct serial_chip {
    struct console *wire; /* where input comes from; NULL: no input */
    uint8_t ier, lcr, mcr, scr;
    uint8_t divisor[2]; /* low, high */
    uint8_t msr_deltas; /* since the guest last read MSR */
    bool fifo_enabled;
    bool empty_event; /* THR became empty since the guest last read IIR */
    bool overrun;     /* since the guest last read LSR */
    unsigned trigger; /* this many received bytes raise an interrupt */
    uint8_t received[SERIAL_FIFO];
    unsigned first, count; /* of received bytes, a ring */
};

/* The state of (instance), which has a struct serial_chip (chip); for its table. */
#define SERIAL_CHIP_STATE(instance)                                                                \
    STATE_FIELD(instance, chip.ier), STATE_FIELD(instance, chip.lcr),                              \
        STATE_FIELD(instance, chip.mcr), STATE_FIELD(instance, chip.scr),                          \
        STATE_FIELD(instance, chip.divisor), STATE_FIELD(instance, chip.msr_deltas),               \
        STATE_FIELD(instance, chip.fifo_enabled), STATE_FIELD(instance, chip.empty_event),         \
        STATE_FIELD(instance, chip.overrun), STATE_FIELD(instance, chip.trigger),                  \
        STATE_FIELD(instance, chip.received), STATE_FIELD(instance, chip.first),                   \
        STATE_FIELD(instance, chip.count)

/* Reset all but (wire). */
void serial_chip_reset(struct serial_chip *chip);

uint8_t serial_chip_read(struct serial_chip *chip, unsigned offset);
void serial_chip_write(struct serial_chip *chip, unsigned offset, uint8_t value);

/*
 * Would a write to (offset) go out on the wire? Then the owner does not write but calls
 * begin_send(), sends the byte, and calls end_send().
 */
bool serial_chip_sends(const struct serial_chip *chip, unsigned offset);
void serial_chip_begin_send(struct serial_chip *chip);
void serial_chip_end_send(struct serial_chip *chip);

/* Is the interrupt line high? */
bool serial_chip_interrupts(const struct serial_chip *chip);

/* The invalid field of a chip that was loaded from a checkpoint, or NULL if all are valid. */
const char *serial_chip_impossible(const struct serial_chip *chip);

#endif
