/*
 * Ptlcalls looked for in ring 3 by a guest that catches no exceptions: what CPUID does not show is not
 * tried, since it could fault. The guest never leaves ring 3 again.
 */
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

static uint64_t gdt[] = {
    0,
    0x00af9b000000ffff, /* BOOT_CODE64 */
    0x00cf93000000ffff, /* BOOT_DATA */
    0x00cff3000000ffff, /* 0x1b: data of ring 3 */
    0x00affb000000ffff, /* 0x23: code of ring 3 */
};

_Noreturn void in_ring3(void);

void in_ring3(void)
{
    bool shown = cpuid(PTLCALL_CPUID_LEAF, 0).eax == PTLCALL_CPUID_FOUND;

    check_equal("ring", cs_read() & 3, 3);
    check_equal("ptlcall_init() finds them if CPUID does", ptlcall_init(), shown);
    check_result("log", ptlcall_log("a line from ring 3"),
                 shown ? (int)PTLCALL_OP_LOG : -PTLCALL_ENOSYS);
    guest_exit(check_summary());
}

int main(const struct boot_info *boot)
{
    const struct table_register gdt_register = {sizeof(gdt) - 1, (uintptr_t)gdt};

    (void)boot;
    __asm__ volatile("lgdt %0\n"
                     "mov %%rsp, %%rax\n"
                     "pushq $0x1b\n"
                     "push %%rax\n"
                     "pushq $0x3002\n" /* IOPL 3, interrupts off */
                     "pushq $0x23\n"
                     "pushq $in_ring3\n"
                     "iretq"
                     :
                     : "m"(gdt_register)
                     : "rax", "memory");
    return 1;
}
