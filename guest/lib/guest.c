/* The end of a guest, and its arguments. */
#include "guest/lib/guest.h"

#include "guest/lib/cpu.h"
#include "guest/lib/string.h"

uintptr_t start_stack;

void guest_exit(int status)
{
    out8(DEBUG_EXIT_PORT, (uint8_t)status);
    /* Without the exit device: a halt with interrupts off ends the guest too. */
    for (;;)
        __asm__ volatile("cli; hlt");
}

bool argument_given(const struct boot_info *boot, const char *word)
{
    size_t length = strlen(word);

    for (const char *text = boot->command; *text != '\0';) {
        const char *end = text;
        while (*end != '\0' && *end != ' ')
            end++;
        if ((size_t)(end - text) == length && strncmp(text, word, length) == 0)
            return true;
        text = *end == ' ' ? end + 1 : end;
    }
    return false;
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return 16;
}

uint64_t number_read(const char *text)
{
    uint64_t value = 0;
    int base = 10;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    for (; digit_value(*text) < base; text++)
        value = value * (uint64_t)base + (uint64_t)digit_value(*text);
    return value;
}
