/*
 * A driver that uses the serial port by interrupts alone, and sleeps in between: it sends back what
 * it receives, until a 'q' or the given number of bytes. Guest arguments: port, interrupt, bytes.
 */
#include "guest/lib/check.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/pic.h"

#include <stddef.h>

/* The registers; their bits as in the data sheet of the PC16550D. */
enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, FCR = IIR };

#define IER_RECEIVED  0x01
#define IER_EMPTY     0x02
#define IIR_CAUSE     0x0f
#define IIR_NONE      0x01
#define IIR_EMPTY     0x02
#define IIR_RECEIVED  0x04
#define IIR_TIMEOUT   0x0c
#define FCR_8_BYTES   0x87 /* FIFOs on and cleared, trigger level 8 */
#define LCR_8N1       0x03
#define MCR_CONNECTED 0x0b /* DTR, RTS, OUT2 */
#define LSR_RECEIVED  0x01
#define FIFO          16 /* bytes */

#define QUEUE 32 /* bytes; a power of two */

struct queue {
    uint8_t bytes[QUEUE];
    unsigned head, tail; /* free-running */
};

static uint16_t port;
static uint8_t enabled; /* IER */
static struct queue to_send, received;
static unsigned empties, inputs; /* interrupts */

/* Shared by handler and main program: the compiler must read it again after each instruction. */
static inline void barrier(void)
{
    __asm__ volatile("" : : : "memory");
}

static inline void enable(uint8_t bits)
{
    enabled = bits;
    out8(port + IER, enabled);
}

static inline void send_some(void)
{
    empties++;
    for (unsigned i = 0; i < FIFO && to_send.tail != to_send.head; i++)
        out8(port + DATA, to_send.bytes[to_send.tail++ % QUEUE]);
    if (to_send.tail == to_send.head)
        enable(enabled & ~IER_EMPTY);
}

/* Bytes that do not fit stay in the port. */
static inline void receive_some(void)
{
    inputs++;
    while (received.head - received.tail < QUEUE && (in8(port + LSR) & LSR_RECEIVED))
        received.bytes[received.head++ % QUEUE] = in8(port + DATA);
    if (received.head - received.tail == QUEUE)
        enable(enabled & ~IER_RECEIVED);
}

__attribute__((no_caller_saved_registers)) static void serve(void)
{
    uint8_t cause;

    while ((cause = in8(port + IIR) & IIR_CAUSE) != IIR_NONE) {
        if (cause == IIR_EMPTY)
            send_some();
        else if (cause == IIR_RECEIVED || cause == IIR_TIMEOUT)
            receive_some();
    }
    pic_end();
}

__attribute__((interrupt)) static void handler(struct interrupt_frame *frame)
{
    (void)frame;
    serve();
}

static void port_init(void)
{
    out8(port + LCR, LCR_8N1);
    out8(port + FCR, FCR_8_BYTES);
    out8(port + MCR, MCR_CONNECTED);
    enable(IER_RECEIVED);
}

/* Sleep until an interrupt; STI takes effect after HLT, so no interrupt comes in between. */
static void sleep(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* Call it with interrupts off, like receive(). */
static void send(uint8_t byte)
{
    while (to_send.head - to_send.tail == QUEUE)
        sleep();
    to_send.bytes[to_send.head++ % QUEUE] = byte;
    barrier();
    enable(enabled | IER_EMPTY);
}

static void send_text(const char *text)
{
    for (; *text; text++)
        send((uint8_t)*text);
}

static uint8_t receive(void)
{
    uint8_t byte;

    while (received.head == received.tail)
        sleep();
    byte = received.bytes[received.tail++ % QUEUE];
    barrier();
    enable(enabled | IER_RECEIVED);
    return byte;
}

/* The number in the argument after (*words). */
static uint64_t next_number(const char **words)
{
    uint64_t number = number_read(*words);

    while (**words != '\0' && **words != ' ')
        ++*words;
    while (**words == ' ')
        ++*words;
    return number;
}

int main(const struct boot_info *boot)
{
    const char *words = boot->command;
    uint64_t most;
    unsigned irq;
    uint8_t byte = 0;

    port = (uint16_t)next_number(&words);
    irq = (unsigned)next_number(&words);
    most = next_number(&words);

    pic_init(irq, handler);
    port_init();
    send_text("what the driver says is longer than its queue, and than the port's FIFO\n");
    for (uint64_t count = 0; count < most && byte != 'q'; count++) {
        byte = receive();
        send(byte);
    }
    send_text("\nbye\n");
    while (to_send.head != to_send.tail)
        sleep();

    check("output left by interrupts", empties > 1);
    check("input came by interrupts", inputs > 0);
    return check_summary();
}
