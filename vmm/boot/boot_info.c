#include "vmm/boot/boot_info.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Append (word) to the (*used) bytes of (text), after a space. False: it does not fit. */
static bool add_word(char *text, size_t *used, const char *word)
{
    const size_t length = strlen(word);
    const size_t space = *used > 0;

    if (*used + space + length >= BOOT_COMMAND_MAX)
        return false;
    if (space)
        text[(*used)++] = ' ';
    memcpy(text + *used, word, length + 1);
    *used += length;
    return true;
}

int boot_join_command(const char *append, const char *const *words, unsigned count, char *text,
                      struct error *error)
{
    size_t used = 0;
    bool fits = !append || add_word(text, &used, append);

    for (unsigned i = 0; fits && i < count; i++)
        fits = add_word(text, &used, words[i]);
    if (!fits)
        return error_set(error, -E2BIG,
                         "--append and the guest arguments pass %u bytes; give fewer",
                         BOOT_COMMAND_MAX - 1);
    text[used] = '\0';
    return 0;
}

int boot_write_info(const struct memory *memory, unsigned vcpu_count, const char *command,
                    struct error *error)
{
    struct boot_info info = {
        .magic = BOOT_MAGIC,
        .version = BOOT_VERSION,
        .size = sizeof(info),
        .memory_size = memory_size(memory),
        .low_end = memory_low_end(memory),
        .vcpu_count = vcpu_count,
        .command_size = (uint32_t)strlen(command) + 1,
    };

    memcpy(info.command, command, info.command_size);
    if (memory_write(memory, gpa(BOOT_INFO), &info, sizeof(info)) < 0)
        return error_set(error, -EFAULT, "no RAM for the boot information; give more with -m");
    return 0;
}

unsigned boot_memory_map(const struct memory *memory, struct boot_range *map)
{
    const uint64_t low_end = memory_low_end(memory);
    unsigned count = 0;

    map[count++] = (struct boot_range){0, BOOT_AREA, true};
    map[count++] = (struct boot_range){BOOT_AREA, BOOT_BIOS_END - BOOT_AREA, false};
    if (low_end > BOOT_BIOS_END)
        map[count++] = (struct boot_range){BOOT_BIOS_END, low_end - BOOT_BIOS_END, true};
    for (unsigned i = 1; i < memory->slot_count; i++)
        map[count++] =
            (struct boot_range){memory->slots[i].base.value, memory->slots[i].size, true};
    return count;
}

unsigned boot_e820(const struct memory *memory, struct e820_entry *map)
{
    enum { RAM = 1, RESERVED = 2 };
    struct boot_range ranges[BOOT_MAP_MAX];
    const unsigned count = boot_memory_map(memory, ranges);

    for (unsigned i = 0; i < count; i++)
        map[i] =
            (struct e820_entry){ranges[i].base, ranges[i].size, ranges[i].usable ? RAM : RESERVED};
    return count;
}
