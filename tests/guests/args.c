/* Prints the guest arguments, and how printf formats numbers. */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"

int main(const struct boot_info *boot)
{
    printf("command \"%s\", %u bytes\n", boot->command, boot->command_size);
    printf("%d %i %u %x %c %%\n", -12, 34, 4000000000u, 0xbeef, 'c');
    printf("[%5d] [%-5d] [%05d] [%8s] [%-8s]\n", 42, 42, -42, "right", "left");
    printf("%ld %lu %lx\n", -1l, 1ul << 63, 1ul << 63);
    printf("%lld %llx %016llx %p\n", -9000000000ll, 0x123456789abcdefull, 0xabcull,
           (const void *)boot);
    return 0;
}
