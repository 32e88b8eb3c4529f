/* The boot contract of protected mode. */
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"

#define FLAT_CODE 0x00cf9b000000ffffull /* base 0, 4 GiB, ring 0; accessed or not */
#define FLAT_DATA 0x00cf93000000ffffull
#define ACCESSED  (1ull << 40)

static void check_segments(void)
{
    struct table_register gdt;

    __asm__ volatile("sgdt %0" : "=m"(gdt));
    const uint64_t *descriptors = (const uint64_t *)gdt.base;

    check_group("segments");
    check_equal("CS is the 32-bit code segment, in ring 0", cs_read(), BOOT_CODE32);
    check_equal("SS is the data segment", ss_read(), BOOT_DATA);
    check_equal("DS is the data segment", ds_read(), BOOT_DATA);
    check_equal("ES is the data segment", es_read(), BOOT_DATA);
    check_equal("the GDT is in the boot area", gdt.base, BOOT_GDT);
    check_equal("code is flat", descriptors[BOOT_CODE32 / 8] | ACCESSED, FLAT_CODE);
    check_equal("data is flat", descriptors[BOOT_DATA / 8] | ACCESSED, FLAT_DATA);
}

int main(const struct boot_info *boot)
{
    check_equal("CR0: protection, no paging", cr0_read() & (CR0_PE | CR0_PG), CR0_PE);
    check_equal("interrupts are off", flags_read() & RFLAGS_IF, 0);
    check_segments();

    check_group("boot block");
    check_equal("EBX points to it", (uintptr_t)boot, BOOT_INFO);
    check_equal("magic", boot->magic, BOOT_MAGIC);
    check_equal("memory size", boot->memory_size, number_read(boot->command));

    check_group("stack");
    check_equal("at the top of RAM below 4 GiB", start_stack, boot->low_end);
    check_group("");
    return check_summary();
}
