/*
 * Reads unclaimed ports and memory again and again, where a checkpoint may be taken between the
 * exit and the arrival of its value. Guest argument: how often. Status 1 if a value was wrong.
 */
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/string.h"

#define POST_PORT     0x80
#define NOBODYS       0xd0000000u
#define FW_CFG_SELECT 0x510
#define FW_CFG_DATA   0x511

static bool string_is_right(void)
{
    char signature[4] = "....";
    void *at = signature;
    uint64_t count = sizeof(signature);

    out16(FW_CFG_SELECT, 0);
    __asm__ volatile("rep insb" : "+D"(at), "+c"(count) : "d"(FW_CFG_DATA) : "memory");
    return memcmp(signature, "QEMU", sizeof(signature)) == 0;
}

int main(const struct boot_info *boot)
{
    const uint64_t rounds = number_read(boot->command);
    uint64_t wrong = 0;

    printf("ready\n");
    for (uint64_t round = 0; round < rounds; round++) {
        out8(POST_PORT, (uint8_t)round);
        wrong += in8(POST_PORT) != (uint8_t)round;
        wrong += load64(NOBODYS + round % 4096 * 8) != UINT64_MAX;
        wrong += !string_is_right();
    }
    printf("%lu wrong of %lu rounds\n", wrong, rounds);
    return wrong != 0;
}
