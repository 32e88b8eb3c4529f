/* The console: a 16550A at 0x3f8, polled. */
#ifndef GUEST_LIB_CONSOLE_H
#define GUEST_LIB_CONSOLE_H

#include <stdarg.h>
#include <stdint.h>

#define UART_PORT         0x3f8
#define UART_LINE_STATUS  (UART_PORT + 5)
#define UART_SCRATCH      (UART_PORT + 7)
#define UART_DATA_READY   0x01
#define UART_CAN_SEND     0x20
#define DEBUG_OUTPUT_PORT 0xe9

void console_put(char byte);

/* Wait for a byte. */
char console_get(void);

int printf(const char *text, ...) __attribute__((format(printf, 1, 2)));
int vprintf(const char *text, va_list arguments);

#endif
