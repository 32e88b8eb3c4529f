#include "devices/serial_chip.h"

#include <stddef.h>
#include <string.h>

#define IER_RECEIVED 0x01
#define IER_EMPTY    0x02
#define IER_LINE     0x04
#define IER_MODEM    0x08
#define IER_BITS     0x0f

#define IIR_MODEM    0x00
#define IIR_NONE     0x01
#define IIR_EMPTY    0x02
#define IIR_RECEIVED 0x04
#define IIR_LINE     0x06
#define IIR_TIMEOUT  0x0c /* bytes below the trigger level are received, and no more arrive */
#define IIR_FIFO     0xc0

#define FCR_ENABLE         0x01
#define FCR_CLEAR_RECEIVED 0x02
#define FCR_TRIGGER_SHIFT  6

#define LCR_DIVISOR 0x80 /* DLAB: offsets 0 and 1 are the divisor */

#define MCR_DTR      0x01
#define MCR_RTS      0x02
#define MCR_OUT1     0x04
#define MCR_OUT2     0x08 /* on PCs: enables the interrupt line */
#define MCR_LOOPBACK 0x10
#define MCR_BITS     0x1f

#define LSR_OVERRUN 0x02
#define LSR_SENT    0x60 /* THRE, TEMT */

#define MSR_CTS         0x10
#define MSR_DSR         0x20
#define MSR_RI          0x40
#define MSR_DCD         0x80
#define MSR_DELTA_BITS  0x0f
#define MSR_DELTA_SHIFT 4 /* from a modem line to the bit that reports its change */

static const uint8_t triggers[] = {1, 4, 8, 14}; /* by the bits of FCR */

static void clear_received(struct serial_chip *chip)
{
    chip->first = 0;
    chip->count = 0;
}

void serial_chip_reset(struct serial_chip *chip)
{
    *chip = (struct serial_chip){
        .wire = chip->wire,
        .divisor = {1, 0}, /* 115200 baud; a driver may divide by it */
        .trigger = 1,
    };
}

static bool loops_back(const struct serial_chip *chip)
{
    return chip->mcr & MCR_LOOPBACK;
}

/*
 * The number of bytes to read, up to the FIFO's size. Loopback disconnects the receiver from the
 * wire.
 */
static size_t received(const struct serial_chip *chip)
{
    if (loops_back(chip) || !chip->wire)
        return chip->count;
    return chip->count + console_waiting(chip->wire);
}

/* The most urgent reason of the enabled ones, as IIR encodes it. */
static uint8_t cause(const struct serial_chip *chip)
{
    size_t count = chip->ier & IER_RECEIVED ? received(chip) : 0;

    if ((chip->ier & IER_LINE) && chip->overrun)
        return IIR_LINE;
    if (count)
        return count >= chip->trigger ? IIR_RECEIVED : IIR_TIMEOUT;
    if ((chip->ier & IER_EMPTY) && chip->empty_event)
        return IIR_EMPTY;
    if ((chip->ier & IER_MODEM) && chip->msr_deltas)
        return IIR_MODEM;
    return IIR_NONE;
}

/* In loopback the chip's outputs are disconnected, so OUT2 does not enable the line. */
bool serial_chip_interrupts(const struct serial_chip *chip)
{
    return (chip->mcr & (MCR_OUT2 | MCR_LOOPBACK)) == MCR_OUT2 && cause(chip) != IIR_NONE;
}

bool serial_chip_sends(const struct serial_chip *chip, unsigned offset)
{
    return offset == SERIAL_DATA && !(chip->lcr & LCR_DIVISOR) && !loops_back(chip);
}

void serial_chip_begin_send(struct serial_chip *chip)
{
    chip->empty_event = false;
}

void serial_chip_end_send(struct serial_chip *chip)
{
    chip->empty_event = true;
}

static unsigned depth(const struct serial_chip *chip)
{
    return chip->fifo_enabled ? SERIAL_FIFO : 1;
}

/* Without the FIFO a new byte overwrites an unread one; with the FIFO the new byte is lost. */
static void loop_back(struct serial_chip *chip, uint8_t byte)
{
    chip->empty_event = true;
    if (chip->count == depth(chip)) {
        chip->overrun = true;
        if (chip->fifo_enabled)
            return;
        clear_received(chip);
    }
    chip->received[(chip->first + chip->count++) % SERIAL_FIFO] = byte;
}

/* With nothing received, RBR reads as 0. */
static uint8_t receive(struct serial_chip *chip)
{
    int byte = 0;

    if (chip->count) {
        byte = chip->received[chip->first];
        chip->first = (chip->first + 1) % SERIAL_FIFO;
        chip->count--;
    } else if (!loops_back(chip) && chip->wire) {
        byte = console_read(chip->wire);
    }
    return byte < 0 ? 0 : (uint8_t)byte;
}

/* Reading IIR acknowledges an empty THR. */
static uint8_t identify(struct serial_chip *chip)
{
    uint8_t result = cause(chip);

    if (result == IIR_EMPTY)
        chip->empty_event = false;
    return result | (chip->fifo_enabled ? IIR_FIFO : 0);
}

static uint8_t line_status(struct serial_chip *chip)
{
    uint8_t status = LSR_SENT;

    if (received(chip))
        status |= SERIAL_LSR_RECEIVED;
    if (chip->overrun)
        status |= LSR_OVERRUN;
    chip->overrun = false;
    return status;
}

/* The other end is always connected; loopback shows the guest its own lines instead. */
static uint8_t modem_lines(uint8_t mcr)
{
    static const struct {
        uint8_t mcr, msr;
    } wires[] = {{MCR_DTR, MSR_DSR}, {MCR_RTS, MSR_CTS}, {MCR_OUT1, MSR_RI}, {MCR_OUT2, MSR_DCD}};
    uint8_t lines = 0;

    if (!(mcr & MCR_LOOPBACK))
        return MSR_CTS | MSR_DSR | MSR_DCD;
    for (size_t i = 0; i < sizeof(wires) / sizeof(wires[0]); i++)
        if (mcr & wires[i].mcr)
            lines |= wires[i].msr;
    return lines;
}

static uint8_t modem_status(struct serial_chip *chip)
{
    uint8_t status = modem_lines(chip->mcr) | chip->msr_deltas;

    chip->msr_deltas = 0;
    return status;
}

static void control_modem(struct serial_chip *chip, uint8_t value)
{
    uint8_t before = modem_lines(chip->mcr), after, changed;

    chip->mcr = value & MCR_BITS;
    after = modem_lines(chip->mcr);
    changed = before ^ after;
    changed &= (uint8_t) ~(after & MSR_RI); /* for RI, only the end of a ring is reported */
    chip->msr_deltas |= changed >> MSR_DELTA_SHIFT;
}

/* The other bits count only together with the enable bit. */
static void control_fifo(struct serial_chip *chip, uint8_t value)
{
    const bool enable = value & FCR_ENABLE;

    if (enable != chip->fifo_enabled || (enable && (value & FCR_CLEAR_RECEIVED)))
        clear_received(chip);
    chip->fifo_enabled = enable;
    chip->trigger = enable ? triggers[value >> FCR_TRIGGER_SHIFT] : 1;
}

/* THR is empty, so enabling its interrupt raises it at once. */
static void enable_interrupts(struct serial_chip *chip, uint8_t value)
{
    if ((value & IER_EMPTY) && !(chip->ier & IER_EMPTY))
        chip->empty_event = true;
    chip->ier = value & IER_BITS;
}

uint8_t serial_chip_read(struct serial_chip *chip, unsigned offset)
{
    if ((chip->lcr & LCR_DIVISOR) && offset <= SERIAL_DIVISOR_HIGH)
        return chip->divisor[offset];

    switch (offset) {
    case SERIAL_DATA:
        return receive(chip);
    case SERIAL_IER:
        return chip->ier;
    case SERIAL_IIR:
        return identify(chip);
    case SERIAL_LCR:
        return chip->lcr;
    case SERIAL_MCR:
        return chip->mcr;
    case SERIAL_LSR:
        return line_status(chip);
    case SERIAL_MSR:
        return modem_status(chip);
    default:
        return chip->scr;
    }
}

void serial_chip_write(struct serial_chip *chip, unsigned offset, uint8_t value)
{
    if ((chip->lcr & LCR_DIVISOR) && offset <= SERIAL_DIVISOR_HIGH) {
        chip->divisor[offset] = value;
        return;
    }

    switch (offset) {
    case SERIAL_DATA:
        loop_back(chip, value);
        break;
    case SERIAL_IER:
        enable_interrupts(chip, value);
        break;
    case SERIAL_FCR:
        control_fifo(chip, value);
        break;
    case SERIAL_LCR:
        chip->lcr = value;
        break;
    case SERIAL_MCR:
        control_modem(chip, value);
        break;
    case SERIAL_SCR:
        chip->scr = value;
        break;
    }
}

static bool trigger_fits(const struct serial_chip *chip)
{
    const size_t choices = chip->fifo_enabled ? sizeof(triggers) : 1;

    return chip->trigger <= SERIAL_FIFO && memchr(triggers, (int)chip->trigger, choices);
}

const char *serial_chip_impossible(const struct serial_chip *chip)
{
    if (chip->ier & ~IER_BITS)
        return "chip.ier";
    if (chip->mcr & ~MCR_BITS)
        return "chip.mcr";
    if (chip->msr_deltas & ~MSR_DELTA_BITS)
        return "chip.msr_deltas";
    if (!trigger_fits(chip))
        return "chip.trigger";
    if (chip->first >= SERIAL_FIFO)
        return "chip.first";
    return chip->count > depth(chip) ? "chip.count" : NULL;
}
