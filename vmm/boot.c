#include "vmm/boot.h"

#include "guest/abi/boot.h"

#include <errno.h>
#include <string.h>

/* Join the words with spaces; the bytes used with the terminating 0, or 0: too long. */
static uint32_t join(char *text, char *const *words, unsigned word_count)
{
    size_t used = 0;

    for (unsigned i = 0; i < word_count; i++) {
        size_t length = strlen(words[i]);

        if (length + 1 > BOOT_COMMAND_MAX - used - 1)
            return 0;
        if (i > 0)
            text[used++] = ' ';
        memcpy(text + used, words[i], length);
        used += length;
    }
    text[used] = '\0';
    return (uint32_t)used + 1;
}

int boot_write_info(const struct memory *memory, unsigned vcpu_count, char *const *words,
                    unsigned word_count, struct error *error)
{
    struct boot_info info = {
        .magic = BOOT_MAGIC,
        .version = BOOT_VERSION,
        .size = sizeof(info),
        .memory_size = memory_size(memory),
        .low_end = memory_low_end(memory),
        .vcpu_count = vcpu_count,
    };

    info.command_size = join(info.command, words, word_count);
    if (info.command_size == 0)
        return error_set(error, -E2BIG, "the guest arguments pass %u bytes; give fewer",
                         BOOT_COMMAND_MAX - 1);
    if (memory_write(memory, gpa(BOOT_INFO), &info, sizeof(info)) < 0)
        return error_set(error, -EFAULT, "no RAM for the boot information; give more with -m");
    return 0;
}
