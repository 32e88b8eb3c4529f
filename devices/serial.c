/*
 * A serial port: the 16550A of serial_chip.h at its ports, with an interrupt line, and files or the
 * console as the wire.
 *
 * The ops take the device's lock themselves: input arrives on another thread, which takes the lock
 * too, so nothing that may block is done under it. Output may block.
 */
#include "devices/serial_chip.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_device.h"

#include <string.h>

#define OWNER "device serial"

struct serial {
    struct device device;
    uint64_t port;
    uint64_t irq; /* an index into irq_choices */
    const char *in_path, *out_path;

    struct serial_chip chip;
    struct irq_line line;
    bool status_asked; /* LSR was read, and nothing was sent since */
    struct console files;
    struct console *out;

    /* For checkpoints: the input that waits on the wire, and the level of the line. */
    struct console_state typed;
    bool line_up;
};

#define IRQ_AUTO 0 /* and entry 1 is "0", and so on */

static const char *const irq_choices[] = {
    "auto", "0",  "1",  "2",  "3",  "4",  "5",  "6",  "7",  "8",  "9",  "10", "11",
    "12",   "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23", NULL,
};

static const struct property serial_properties[] = {
    {.name = "port",
     .kind = PROPERTY_INTEGER,
     .offset = offsetof(struct serial, port),
     .preset = "0x3f8",
     .max = BUS_PIO_LAST + 1 - SERIAL_PORTS,
     .help = "the first of 8 ports"},
    {.name = "irq",
     .kind = PROPERTY_CHOICE,
     .offset = offsetof(struct serial, irq),
     .choices = irq_choices,
     .help = "the interrupt; 0: none; auto: as on PCs, if there are interrupt controllers"},
    {.name = "in",
     .kind = PROPERTY_FILE,
     .offset = offsetof(struct serial, in_path),
     .help = "the file that input comes from; without, the first port has stdin"},
    {.name = "out",
     .kind = PROPERTY_FILE,
     .offset = offsetof(struct serial, out_path),
     .help = "the file that output goes to, emptied first; without, stdout"},
    {0},
};

static void serial_lock(struct serial *serial)
{
    lock_take(&serial->device.lock);
}

/*
 * The level of the line follows from the chip's state, so it is updated wherever that may have
 * changed.
 */
static inline void serial_unlock(struct serial *serial)
{
    irq_set(&serial->line, serial_chip_interrupts(&serial->chip));
    lock_release(&serial->device.lock);
}

/* Input has arrived; called on the thread that read it. */
static void serial_receive(void *opaque)
{
    serial_lock(opaque);
    serial_unlock(opaque);
}

static void serial_reset(struct device *device)
{
    struct serial *serial = (struct serial *)device;

    serial_lock(serial);
    serial_chip_reset(&serial->chip);
    serial->status_asked = false;
    serial_unlock(serial);
}

/* The interrupts to which PCs connect COM1 to COM4; 0: no interrupt. */
static unsigned usual_irq(uint64_t port)
{
    static const struct {
        uint16_t port;
        uint8_t irq;
    } usual[] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
        if (usual[i].port == port)
            return usual[i].irq;
    return 0;
}

/* A port for which an interrupt was chosen needs interrupt controllers. */
static int serial_connect(struct serial *serial, struct error *error)
{
    const bool named = serial->irq != IRQ_AUTO;
    const unsigned gsi = named ? (unsigned)serial->irq - 1 : usual_irq(serial->port);

    if (gsi == 0)
        return 0;
    return irq_connect(&serial->device.machine->irqs, &serial->line, gsi, named, error);
}

/* Connect the wire. The first port without an input file gets what is typed. */
static int serial_listen(struct serial *serial, struct error *error)
{
    struct console *console = &serial->device.machine->console;
    struct console *in = serial->in_path ? &serial->files : console;

    serial->out = serial->out_path ? &serial->files : console;
    if (console_listen(in, serial_receive, serial) < 0)
        return 0;
    serial->chip.wire = in;
    return console_start(in, OWNER, error);
}

static int serial_create(struct device *device, struct error *error)
{
    struct serial *serial = (struct serial *)device;
    const struct device_claim claim = {
        .space = BUS_PIO,
        .base = serial->port,
        .size = SERIAL_PORTS,
        .widest = 1,
        .name = "serial",
    };
    int result = console_open(&serial->files, serial->in_path, serial->out_path,
                              &device->machine->abandoned, OWNER, error);

    console_set_journal(&serial->files, device->machine->journal, device->name);
    serial_chip_reset(&serial->chip);
    if (result == 0)
        result = serial_connect(serial, error);
    if (result == 0)
        result = device_claim(device, &claim, error);
    if (result == 0)
        result = serial_listen(serial, error);
    if (result < 0)
        console_close(&serial->files);
    return result;
}

static void serial_destroy(struct device *device)
{
    console_close(&((struct serial *)device)->files);
}

static void serial_flush(struct serial *serial)
{
    if (console_flush(serial->out) < 0)
        machine_end(serial->device.machine, OUTCOME_OUTPUT, 0);
}

/*
 * A driver reads the status once before each byte that it sends. One that reads it again waits for
 * an answer to its output, so the output is flushed now.
 */
static bool serial_waits_for_answer(struct serial *serial, uint64_t offset, uint8_t value)
{
    bool waits;

    if (offset != SERIAL_LSR)
        return false;
    waits = serial->status_asked && !(value & SERIAL_LSR_RECEIVED);
    serial->status_asked = true;
    return waits;
}

static uint64_t serial_read(struct device *device, const struct device_access *access)
{
    struct serial *serial = (struct serial *)device;
    uint8_t value;
    bool due;

    serial_lock(serial);
    value = serial_chip_read(&serial->chip, (unsigned)access->offset);
    due = serial_waits_for_answer(serial, access->offset, value);
    serial_unlock(serial);
    if (due)
        serial_flush(serial);
    return value;
}

/* The lock is held on entry and on return, but not while the byte is written. */
static void serial_send(struct serial *serial, uint8_t byte)
{
    serial_chip_begin_send(&serial->chip);
    serial->status_asked = false;
    serial_unlock(serial);
    if (console_write(serial->out, byte) < 0)
        machine_end(serial->device.machine, OUTCOME_OUTPUT, 0);
    serial_lock(serial);
    serial_chip_end_send(&serial->chip);
}

/* A driver that uses interrupts may sleep after any byte, so its output is flushed now. */
static void serial_write(struct device *device, const struct device_access *access, uint64_t value)
{
    struct serial *serial = (struct serial *)device;
    const unsigned offset = (unsigned)access->offset;
    bool due;

    serial_lock(serial);
    if (serial_chip_sends(&serial->chip, offset))
        serial_send(serial, (uint8_t)value);
    else
        serial_chip_write(&serial->chip, offset, (uint8_t)value);
    due = serial->chip.ier != 0;
    serial_unlock(serial);
    if (due)
        serial_flush(serial);
}

static int serial_finish(struct device *device, struct error *error)
{
    struct serial *serial = (struct serial *)device;
    int result = console_flush(&serial->files);

    if (result < 0)
        return error_set(error, result, OWNER ": out=%s: %s; start a reader or free disk space",
                         serial->out_path, strerror(-result));
    return 0;
}

/* Input that has just arrived may not have raised the line yet. */
static void serial_saving(struct device *device)
{
    struct serial *serial = (struct serial *)device;

    irq_set(&serial->line, serial_chip_interrupts(&serial->chip));
    serial->line_up = serial->line.level;
    if (serial->chip.wire)
        console_save_state(serial->chip.wire, &serial->typed);
}

/* Restore the level of the line, then account for the input that arrived since. */
static int serial_loaded(struct device *device, struct error *error)
{
    struct serial *serial = (struct serial *)device;
    const char *field = serial_chip_impossible(&serial->chip);

    if (!field && serial->chip.wire && console_load_state(serial->chip.wire, &serial->typed) < 0)
        field = "typed";
    if (field)
        return state_refuse(device, field, error);
    irq_restore(&serial->line, serial->line_up);
    irq_set(&serial->line, serial_chip_interrupts(&serial->chip));
    return 0;
}

static const struct state_field serial_fields[] = {
    SERIAL_CHIP_STATE(struct serial),
    STATE_FIELD(struct serial, status_asked),
    STATE_FIELD(struct serial, line_up),
    STATE_FIELD(struct serial, typed.file_read),
    STATE_FIELD(struct serial, typed.count),
    STATE_FIELD(struct serial, typed.input),
    {0},
};

static const struct device_state serial_state = {
    .version = 1,
    .fields = serial_fields,
    .saving = serial_saving,
    .loaded = serial_loaded,
};

const struct device_type serial_type = {
    .name = "serial",
    .help = "serial port (16550A)",
    .instance_size = sizeof(struct serial),
    .locking = DEVICE_LOCK_FREE, /* the ops take the lock, see above */
    .needs = HOST_NEED(HOST_READ_FILE) | HOST_NEED(HOST_WRITE_FILE) | HOST_NEED(HOST_EVENT) |
             HOST_NEED(HOST_THREAD),
    .properties = serial_properties,
    .state = &serial_state,
    .create = serial_create,
    .read = serial_read,
    .write = serial_write,
    .reset = serial_reset,
    .finish = serial_finish,
    .destroy = serial_destroy,
};
