/* Accesses wider than the device's: 8-bit registers side by side, as on an 8-bit bus. */
#include "guest/lib/check.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"

#define UART_INTERRUPT_ENABLE (UART_PORT + 1)
#define UART_LINE_CONTROL     (UART_PORT + 3)
#define UART_MODEM_CONTROL    (UART_PORT + 4)

/* THR 'C', IER 0, FCR 0, LCR 3. */
#define FOUR_REGISTERS 0x03000043u

int main(const struct boot_info *boot)
{
    (void)boot;
    out16(UART_PORT, 'A');
    out16(UART_PORT - 1, 'B' << 8);
    out32(UART_PORT, FOUR_REGISTERS);
    console_put('\n');
    check_equal("the fourth byte is line control", in8(UART_LINE_CONTROL), 3);

    out16(UART_PORT, 0x0100 | '\n');
    check_equal("the second byte is interrupt enable", in8(UART_INTERRUPT_ENABLE), 1);
    out8(UART_INTERRUPT_ENABLE, 0);

    out8(UART_MODEM_CONTROL, 3);
    out8(UART_SCRATCH, 0x5a);
    check_equal("two bytes at the upper edge", in16(UART_SCRATCH), 0xff5a);
    check_equal("four bytes at the upper edge", in32(UART_SCRATCH), 0xffffff5a);
    check_equal("two bytes at the lower edge", in16(UART_PORT - 1) & 0xff, 0xff);
    check_equal("four registers at once", in32(UART_MODEM_CONTROL) & 0xff0000ff, 0x5a000003);

    out32(UART_SCRATCH, 0x11223344);
    check_equal("four bytes written over the edge", in8(UART_SCRATCH), 0x44);
    return check_summary();
}
