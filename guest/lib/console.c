/* The console of a guest. */
#include "guest/lib/console.h"

#include "guest/lib/cpu.h"
#include "guest/lib/format.h"

void console_put(char byte)
{
    while ((in8(UART_LINE_STATUS) & UART_CAN_SEND) == 0)
        continue;
    out8(UART_PORT, (uint8_t)byte);
}

char console_get(void)
{
    while ((in8(UART_LINE_STATUS) & UART_DATA_READY) == 0)
        continue;
    return (char)in8(UART_PORT);
}

static void sink_put(struct format_sink *sink, char byte)
{
    (void)sink;
    console_put(byte);
}

int vprintf(const char *text, va_list arguments)
{
    struct format_sink sink = {.put = sink_put};

    format(&sink, text, arguments);
    return (int)sink.count;
}

int printf(const char *text, ...)
{
    va_list arguments;

    va_start(arguments, text);
    int length = vprintf(text, arguments);
    va_end(arguments);
    return length;
}
