/*
 * A serial port like the 16550A, for drivers that poll: it has no interrupt line, and every byte
 * is sent the moment it is written. IIR tells what an interrupt would be about.
 *
 * The receive FIFO holds only what loopback sends. What is typed waits in the console, as if on
 * the wire, until the guest reads it: so a driver that clears the FIFO as it starts loses nothing.
 */
#include "vmm/device.h"
#include "vmm/machine.h"

#define UART_PORTS 8
#define UART_FIFO  16 /* bytes */

/* Offsets; what 0 to 2 mean depends on the direction and on LCR_DIVISOR. */
enum {
    UART_DATA,
    UART_IER,
    UART_IIR,
    UART_LCR,
    UART_MCR,
    UART_LSR,
    UART_MSR,
    UART_SCR,
    UART_FCR = UART_IIR,
    UART_DIVISOR_LOW = UART_DATA,
    UART_DIVISOR_HIGH = UART_IER,
};

#define IER_RECEIVED 0x01
#define IER_EMPTY    0x02
#define IER_LINE     0x04
#define IER_BITS     0x0f

#define IIR_NONE     0x01
#define IIR_EMPTY    0x02
#define IIR_RECEIVED 0x04
#define IIR_LINE     0x06
#define IIR_FIFO     0xc0

#define FCR_ENABLE         0x01
#define FCR_CLEAR_RECEIVED 0x02

#define LCR_DIVISOR 0x80 /* DLAB: offsets 0 and 1 are the divisor */

#define MCR_DTR      0x01
#define MCR_RTS      0x02
#define MCR_OUT1     0x04
#define MCR_OUT2     0x08
#define MCR_LOOPBACK 0x10
#define MCR_BITS     0x1f

#define LSR_RECEIVED 0x01
#define LSR_OVERRUN  0x02
#define LSR_SENT     0x60 /* THRE, TEMT */

#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI  0x40
#define MSR_DCD 0x80

struct uart {
    struct device device;
    uint64_t port;

    uint8_t ier, lcr, mcr, scr;
    uint8_t divisor[2]; /* low, high */
    bool fifo_enabled;
    bool empty_event;  /* THR became empty since the guest was told by IIR */
    bool overrun;      /* since the guest was told by LSR */
    bool status_asked; /* LSR was read and nothing sent since */
    uint8_t received[UART_FIFO];
    unsigned first, count; /* of received, a ring */
};

static const struct property uart_properties[] = {
    {.name = "port",
     .kind = PROPERTY_INTEGER,
     .offset = offsetof(struct uart, port),
     .preset = "0x3f8",
     .max = BUS_PIO_LAST + 1 - UART_PORTS,
     .help = "the first of 8 ports"},
    {0},
};

static void uart_clear_received(struct uart *uart)
{
    uart->first = 0;
    uart->count = 0;
}

static void uart_reset(struct device *device)
{
    struct uart *uart = (struct uart *)device;

    uart->ier = uart->lcr = uart->mcr = uart->scr = 0;
    uart->divisor[0] = 1; /* 115200 baud; a driver may divide by it */
    uart->divisor[1] = 0;
    uart->fifo_enabled = uart->empty_event = uart->overrun = uart->status_asked = false;
    uart_clear_received(uart);
}

static int uart_create(struct device *device, struct error *error)
{
    const struct device_claim claim = {
        .space = BUS_PIO,
        .base = ((struct uart *)device)->port,
        .size = UART_PORTS,
        .widest = 1,
        .name = "uart",
    };

    uart_reset(device);
    return device_claim(device, &claim, error);
}

static struct console *uart_console(struct uart *uart)
{
    return &uart->device.machine->console;
}

/* The console's (result), after the machine was ended if it is an error. */
static int uart_check(struct uart *uart, int result)
{
    if (result < 0)
        machine_end(uart->device.machine, OUTCOME_OUTPUT, 0);
    return result;
}

/* Loopback takes the receiver off the wire. */
static bool uart_has_received(struct uart *uart)
{
    return uart->count ||
           (!(uart->mcr & MCR_LOOPBACK) && console_room(uart_console(uart)) < CONSOLE_INPUT);
}

static void uart_loop_back(struct uart *uart, uint8_t byte)
{
    unsigned depth = uart->fifo_enabled ? UART_FIFO : 1;

    if (uart->count == depth) {
        uart->overrun = true;
        return;
    }
    uart->received[(uart->first + uart->count++) % UART_FIFO] = byte;
}

static void uart_send(struct uart *uart, uint8_t byte)
{
    if (uart->mcr & MCR_LOOPBACK)
        uart_loop_back(uart, byte);
    else
        uart_check(uart, console_put(uart_console(uart), byte));
    uart->empty_event = true;
    uart->status_asked = false;
}

/* Nothing received reads as 0. */
static uint8_t uart_receive(struct uart *uart)
{
    int byte = 0;

    if (uart->count) {
        byte = uart->received[uart->first];
        uart->first = (uart->first + 1) % UART_FIFO;
        uart->count--;
    } else if (!(uart->mcr & MCR_LOOPBACK)) {
        byte = console_take(uart_console(uart));
    }
    return byte < 0 ? 0 : (uint8_t)byte;
}

/* The most urgent reason for an interrupt; being told of an empty THR is its acknowledgement. */
static uint8_t uart_identify(struct uart *uart)
{
    uint8_t fifo = uart->fifo_enabled ? IIR_FIFO : 0;

    if ((uart->ier & IER_LINE) && uart->overrun)
        return fifo | IIR_LINE;
    if ((uart->ier & IER_RECEIVED) && uart_has_received(uart))
        return fifo | IIR_RECEIVED;
    if ((uart->ier & IER_EMPTY) && uart->empty_event) {
        uart->empty_event = false;
        return fifo | IIR_EMPTY;
    }
    return fifo | IIR_NONE;
}

/*
 * A driver asks once before each byte that it sends; one that asks again waits for an answer to
 * what it has shown, which is then due.
 */
static uint8_t uart_line_status(struct uart *uart)
{
    uint8_t status = LSR_SENT;

    if (uart_has_received(uart))
        status |= LSR_RECEIVED;
    else if (uart->status_asked)
        uart_check(uart, console_pending(uart_console(uart)));
    if (uart->overrun)
        status |= LSR_OVERRUN;
    uart->overrun = false;
    uart->status_asked = true;
    return status;
}

/* The other side is always there, unless loopback shows the guest its own lines. */
static uint8_t uart_modem_status(const struct uart *uart)
{
    static const struct {
        uint8_t mcr, msr;
    } wires[] = {{MCR_DTR, MSR_DSR}, {MCR_RTS, MSR_CTS}, {MCR_OUT1, MSR_RI}, {MCR_OUT2, MSR_DCD}};
    uint8_t status = 0;

    if (!(uart->mcr & MCR_LOOPBACK))
        return MSR_CTS | MSR_DSR | MSR_DCD;
    for (size_t i = 0; i < sizeof(wires) / sizeof(wires[0]); i++)
        if (uart->mcr & wires[i].mcr)
            status |= wires[i].msr;
    return status;
}

static void uart_control_fifo(struct uart *uart, uint8_t value)
{
    bool enable = value & FCR_ENABLE;

    if (enable != uart->fifo_enabled || (enable && (value & FCR_CLEAR_RECEIVED)))
        uart_clear_received(uart);
    uart->fifo_enabled = enable;
}

static void uart_enable_interrupts(struct uart *uart, uint8_t value)
{
    uint8_t now = value & IER_BITS;

    /* THR is empty: asking to be told of that is answered at once. */
    if ((now & IER_EMPTY) && !(uart->ier & IER_EMPTY))
        uart->empty_event = true;
    uart->ier = now;
}

static uint64_t uart_read(struct device *device, const struct device_access *access)
{
    struct uart *uart = (struct uart *)device;

    if ((uart->lcr & LCR_DIVISOR) && access->offset <= UART_DIVISOR_HIGH)
        return uart->divisor[access->offset];

    switch (access->offset) {
    case UART_DATA:
        return uart_receive(uart);
    case UART_IER:
        return uart->ier;
    case UART_IIR:
        return uart_identify(uart);
    case UART_LCR:
        return uart->lcr;
    case UART_MCR:
        return uart->mcr;
    case UART_LSR:
        return uart_line_status(uart);
    case UART_MSR:
        return uart_modem_status(uart);
    default:
        return uart->scr;
    }
}

static void uart_write(struct device *device, const struct device_access *access, uint64_t value)
{
    struct uart *uart = (struct uart *)device;
    uint8_t byte = (uint8_t)value;

    if ((uart->lcr & LCR_DIVISOR) && access->offset <= UART_DIVISOR_HIGH) {
        uart->divisor[access->offset] = byte;
        return;
    }

    switch (access->offset) {
    case UART_DATA:
        uart_send(uart, byte);
        break;
    case UART_IER:
        uart_enable_interrupts(uart, byte);
        break;
    case UART_FCR:
        uart_control_fifo(uart, byte);
        break;
    case UART_LCR:
        uart->lcr = byte;
        break;
    case UART_MCR:
        uart->mcr = byte & MCR_BITS;
        break;
    case UART_SCR:
        uart->scr = byte;
        break;
    }
}

const struct device_type uart_type = {
    .name = "uart",
    .help = "serial port (16550A) for polled input and output",
    .instance_size = sizeof(struct uart),
    .locking = DEVICE_LOCKED,
    .properties = uart_properties,
    .create = uart_create,
    .read = uart_read,
    .write = uart_write,
    .reset = uart_reset,
};
