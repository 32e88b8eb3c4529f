/*
 * A machine in use: 64 MiB written, then an exit, after which it is saved; the restored machine prints hello
 * and ends, or, with a guest argument, waits.
 */
#include "bench/guests/measure.h"
#include "guest/abi/ptlcall.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"

#define USED      (64u << 20) /* bytes */
#define USED_FROM (16u << 20) /* after image and boot area */
#define PAGE      4096u

/* Op CHECKPOINT with the action that only pauses. */
static void wait(void)
{
    uint64_t result = PTLCALL_OP_CHECKPOINT;

    __asm__ volatile("mov %%eax, (%[trigger])"
                     : "+a"(result)
                     : [trigger] "r"(PTLCALL_DEFAULT_TRIGGER), "D"("idle"), "S"(4ul), "d"(4ul)
                     : "memory");
}

int main(const struct boot_info *boot)
{
    static const char hello[] = "hello\n";

    for (uint64_t at = USED_FROM; at < USED_FROM + USED; at += PAGE)
        *(volatile uint64_t *)at = at;
    out8(MEASURE_PORT, 1);
    if (boot->command[0])
        wait();
    for (const char *next = hello; *next; next++)
        out8(MEASURE_OUTPUT, (uint8_t)*next);
    return 0;
}
