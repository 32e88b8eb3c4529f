/*
 * Sets the whole state of a vCPU to values that no start has, and compares it after a checkpoint:
 * in the run that requested it, and in a copy. Prints which of the two it is.
 */
#include "guest/lib/check.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/exception.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"
#include "guest/lib/string.h"

#define CR4_OSFXSR     (1ul << 9)
#define CR4_OSXMMEXCPT (1ul << 10)

/* MSRs of the Intel SDM volume 4 that hold any such value. */
static const struct {
    const char *name;
    uint32_t number;
    uint64_t value;
} msrs[] = {
    {"SYSENTER_CS", 0x174, 0x8},
    {"SYSENTER_ESP", 0x175, 0x123450},
    {"SYSENTER_EIP", 0x176, 0x123460},
    {"PAT", 0x277, 0x0007010600070106},
    {"STAR", 0xc0000081, 0x0018000800000000},
    {"LSTAR", 0xc0000082, 0x123470},
    {"CSTAR", 0xc0000083, 0x123480},
    {"SFMASK", 0xc0000084, 0x47700},
    {"FS base", 0xc0000100, 0x123490},
    {"GS base", 0xc0000101, 0x1234a0},
    {"KERNEL_GS_BASE", 0xc0000102, 0x1234b0},
};

#define MSRS (sizeof(msrs) / sizeof(msrs[0]))

#define DEBUG_REGISTER(number)                                                                     \
    static void dr##number##_write(uint64_t value)                                                 \
    {                                                                                              \
        __asm__ volatile("mov %0, %%dr" #number : : "r"(value));                                   \
    }                                                                                              \
    static uint64_t dr##number##_read(void)                                                        \
    {                                                                                              \
        uint64_t value;                                                                            \
        __asm__ volatile("mov %%dr" #number ", %0" : "=r"(value));                                 \
        return value;                                                                              \
    }

DEBUG_REGISTER(0)
DEBUG_REGISTER(1)
DEBUG_REGISTER(2)
DEBUG_REGISTER(3)
DEBUG_REGISTER(7)

#define NOBODY  0x700000000000ull /* an address without code or data */
#define DR7_ON0 0x402ull          /* DR0 breaks execution, globally; bit 10 is always set */

static const uint64_t cr2_value = 0xabcdef0123;
static struct table_register gdt_before, idt_before, gdt_after, idt_after;

/*
 * All of them, set and read right around the calling instruction: in ring 3, which may run
 * natively.
 */
struct vectors {
    uint8_t xmm[16][16];
    uint8_t st[2][16];
    uint32_t mxcsr, count;
};

static struct vectors vectors_before, vectors_after;
static const uint32_t mxcsr_value = 0x7f80; /* all exceptions masked, rounded towards zero */

static uint64_t fill_and_call(void *argument)
{
    static const char name[] = "roi";
    uint64_t rax = PTLCALL_OP_CHECKPOINT;

    __asm__ volatile(
        ".irp reg,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "movups \\reg*16(%[before]), %%xmm\\reg\n"
        ".endr\n"
        "fninit; fldpi; fldl2e\n"
        "ldmxcsr %[mxcsr]\n"
        "stc\n"
        "smsw (%[trigger])\n"
        "adcl $1, %[count]\n" /* 2 with the carry, not 0, 1, or 4 */
        ".irp reg,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
        "movups %%xmm\\reg, \\reg*16(%[after])\n"
        ".endr\n"
        "fstpt %[st0]; fstpt %[st1]\n"
        "stmxcsr %[mxcsr_after]\n"
        : "+a"(rax), [count] "+m"(vectors_after.count), [st0] "=m"(vectors_after.st[0]),
          [st1] "=m"(vectors_after.st[1]), [mxcsr_after] "=m"(vectors_after.mxcsr)
        : "D"(name), "S"(sizeof(name) - 1), "d"(PTLCALL_CHECKPOINT_CONTINUE),
          [before] "r"(vectors_before.xmm), [after] "r"(vectors_after.xmm),
          [mxcsr] "m"(mxcsr_value), [trigger] "r"(*(const uint64_t *)argument)
        : "memory", "cc");
    return rax;
}

static void set_all(void)
{
    for (unsigned i = 0; i < sizeof(vectors_before.xmm); i++)
        ((uint8_t *)vectors_before.xmm)[i] = (uint8_t)(i + 1);
    for (unsigned i = 0; i < MSRS; i++)
        msr_write(msrs[i].number, msrs[i].value);
    dr0_write(NOBODY);
    dr1_write(NOBODY + 1);
    dr2_write(NOBODY + 2);
    dr3_write(NOBODY + 3);
    dr7_write(DR7_ON0);
    cr4_write(cr4_read() | CR4_OSFXSR | CR4_OSXMMEXCPT);
    __asm__ volatile("mov %0, %%cr2" : : "r"(cr2_value));
    __asm__ volatile("sgdt %0; sidt %1" : "=m"(gdt_before), "=m"(idt_before));
}

static void check_registers(uint64_t cr4)
{
    uint64_t cr2;

    __asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
    __asm__ volatile("sgdt %0; sidt %1" : "=m"(gdt_after), "=m"(idt_after));
    check_equal("CR2", cr2, cr2_value);
    check_equal("CR4", cr4_read(), cr4);
    check_equal("DR0", dr0_read(), NOBODY);
    check_equal("DR1", dr1_read(), NOBODY + 1);
    check_equal("DR2", dr2_read(), NOBODY + 2);
    check_equal("DR3", dr3_read(), NOBODY + 3);
    check_equal("DR7", dr7_read(), DR7_ON0);
    check_equal("GDT base", gdt_after.base, gdt_before.base);
    check_equal("GDT limit", gdt_after.limit, gdt_before.limit);
    check_equal("IDT base", idt_after.base, idt_before.base);
    check_equal("IDT limit", idt_after.limit, idt_before.limit);
    for (unsigned i = 0; i < MSRS; i++)
        check_equal(msrs[i].name, msr_read(msrs[i].number), msrs[i].value);
}

static void check_vectors(void)
{
    static const uint8_t log2_e[] = {0xbc, 0xf0, 0x17, 0x5c, 0x29, 0x3b, 0xaa, 0xb8, 0xff, 0x3f};
    static const uint8_t pi[] = {0x35, 0xc2, 0x68, 0x21, 0xa2, 0xda, 0x0f, 0xc9, 0x00, 0x40};

    check("XMM0 to XMM15",
          memcmp(vectors_after.xmm, vectors_before.xmm, sizeof(vectors_after.xmm)) == 0);
    check_equal("MXCSR", vectors_after.mxcsr, mxcsr_value);
    check("ST0", memcmp(vectors_after.st[0], log2_e, sizeof(log2_e)) == 0);
    check("ST1", memcmp(vectors_after.st[1], pi, sizeof(pi)) == 0);
    check_equal("the next instruction was run once, with the carry flag", vectors_after.count, 2);
}

static uint64_t tsc(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

int main(const struct boot_info *boot)
{
    uint64_t trigger, cr4, before;
    ptlcall_status result;

    (void)boot;
    exceptions_init();
    check("a method is found", ptlcall_init());
    trigger = ptlcall_discovered()->trigger;
    set_all();
    cr4 = cr4_read();
    before = tsc();
    result = (ptlcall_status)ring3_call(fill_and_call, &trigger);
    check("the TSC goes on", tsc() - before < 1ull << 40);
    check_registers(cr4);
    check_vectors();
    check_result("result", ptlcall_plain(result), PTLCALL_OP_CHECKPOINT);
    printf("%s\n", ptlcall_is_restored(result) ? "a copy" : "the run that asked");
    return check_summary();
}
