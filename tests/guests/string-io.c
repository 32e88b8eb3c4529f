/* String instructions on ports: the data moves, the port stays. */
#include "guest/lib/check.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/string.h"

#define UNCLAIMED_PORT 0x300
#define LONG_TEXT      5000u /* more than KVM passes in one exit */

static void outsb(uint16_t port, const char *bytes, size_t length)
{
    __asm__ volatile("rep outsb" : "+S"(bytes), "+c"(length) : "d"(port) : "memory");
}

static void outsb_backwards(uint16_t port, const char *last, size_t length)
{
    __asm__ volatile("std; rep outsb; cld" : "+S"(last), "+c"(length) : "d"(port) : "memory");
}

static void insb(uint16_t port, uint8_t *bytes, size_t length)
{
    __asm__ volatile("rep insb" : "+D"(bytes), "+c"(length) : "d"(port) : "memory");
}

static void insl(uint16_t port, uint32_t *words, size_t length)
{
    __asm__ volatile("rep insl" : "+D"(words), "+c"(length) : "d"(port) : "memory");
}

static void check_output(void)
{
    static char text[LONG_TEXT];
    const char uart[] = "rep outsb to the serial port\n", debug[] = "rep outsb to port 0xe9\n";
    const char backwards[] = "\nsdrawkcab";

    outsb(UART_PORT, uart, strlen(uart));
    outsb(DEBUG_OUTPUT_PORT, debug, strlen(debug));
    outsb_backwards(UART_PORT, backwards + strlen(backwards) - 1, strlen(backwards));
    for (unsigned i = 0; i < LONG_TEXT; i++)
        text[i] = i % 50 == 49 ? '\n' : (char)('0' + i / 50 % 10);
    outsb(UART_PORT, text, LONG_TEXT);
}

static void check_input(void)
{
    uint8_t bytes[20], wanted[20];
    uint32_t words[5];

    memset(bytes, 0, sizeof(bytes));
    memset(wanted, 0x5a, 16);
    memset(wanted + 16, 0, 4);
    out8(UART_SCRATCH, 0x5a);
    insb(UART_SCRATCH, bytes, 16);
    check("rep insb reads one port again and again", memcmp(bytes, wanted, sizeof(bytes)) == 0);

    memset(words, 0, sizeof(words));
    insl(UNCLAIMED_PORT, words, 4);
    check_equal("rep insl: first", words[0], 0xffffffff);
    check_equal("rep insl: last", words[3], 0xffffffff);
    check_equal("rep insl: behind the last", words[4], 0);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    check_output();
    check_input();
    return check_summary();
}
