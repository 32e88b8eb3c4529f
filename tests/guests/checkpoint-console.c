/*
 * Handles the typed input byte by byte: a digit requests a checkpoint with that action, `q` ends
 * the guest, all else is printed. The line numbers show that nothing was done twice or left out; a
 * line about a checkpoint begins before it and ends after it.
 */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

static void ask(unsigned line, unsigned action)
{
    ptlcall_status result;

    printf("%u action %u: ", line, action);
    result = ptlcall_checkpoint_generic("roi", action);
    if (result < 0)
        printf("failed, %ld\n", result);
    else
        printf("%s, result %ld\n", ptlcall_is_restored(result) ? "restored" : "the same run",
               ptlcall_plain(result));
}

int main(const struct boot_info *boot)
{
    (void)boot;
    if (!ptlcall_init())
        return 1;
    printf("ready\n");
    for (unsigned line = 1;; line++) {
        const char byte = console_get();

        if (byte >= '0' && byte <= '9')
            ask(line, (unsigned)(byte - '0'));
        else
            printf("%u typed %c\n", line, byte);
        if (byte == 'q')
            return 0;
    }
}
