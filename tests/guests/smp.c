/*
 * Several CPUs: the first one starts the others, one after another, and each finds the ptlcall leaf
 * and makes a call. Guest argument: the number of CPUs.
 */
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"
#include "guest/lib/string.h"

#define LOCAL_APIC        0xfee00000ul
#define APIC_COMMAND_LOW  (LOCAL_APIC + 0x300)
#define APIC_COMMAND_HIGH (LOCAL_APIC + 0x310)
#define APIC_INIT         0x4500u
#define APIC_STARTUP      0x4600u

#define TRAMPOLINE 0x8000u
#define RESULT_LEAF                                                                                \
    (TRAMPOLINE + 0xff0) /* where a CPU puts what it found; the last is written last */
#define RESULT_CALL (TRAMPOLINE + 0xff4)
#define RESULT_DONE (TRAMPOLINE + 0xff8)
#define WAIT_ROUNDS 20000000u

/* In real mode, at TRAMPOLINE: the ptlcall leaf, a VERSION call by the port, and a halt. */
__asm__(".code16\n"
        "trampoline_begin:\n"
        "    mov $0x404d5459, %eax\n" /* PTLCALL_CPUID_LEAF */
        "    xor %ecx, %ecx\n"
        "    cpuid\n"
        "    mov %eax, %cs:0xff0\n"
        "    xor %eax, %eax\n" /* PTLCALL_OP_VERSION */
        "    out %al, $0xe0\n" /* PTLCALL_DEFAULT_PORT */
        "    mov %eax, %cs:0xff4\n"
        "    movl $1, %cs:0xff8\n"
        "1:  cli\n"
        "    hlt\n"
        "    jmp 1b\n"
        "trampoline_end:\n"
        ".code64\n");

extern const uint8_t trampoline_begin[], trampoline_end[];

static void apic_command(unsigned cpu, uint32_t command)
{
    store32(APIC_COMMAND_HIGH, cpu << 24);
    store32(APIC_COMMAND_LOW, command);
}

static bool cpu_start(unsigned cpu)
{
    store32(RESULT_LEAF, 0);
    store32(RESULT_CALL, 0);
    store32(RESULT_DONE, 0);
    apic_command(cpu, APIC_INIT);
    apic_command(cpu, APIC_STARTUP | TRAMPOLINE >> 12);
    for (unsigned round = 0; round < WAIT_ROUNDS; round++) {
        if (load32(RESULT_DONE) == 1)
            return true;
        __asm__ volatile("pause");
    }
    return false;
}

int main(const struct boot_info *boot)
{
    check_equal("number of CPUs", boot->vcpu_count, number_read(boot->command));
    check_equal("the first CPU's APIC id", cpuid(1, 0).ebx >> 24, 0);
    memcpy((void *)(uintptr_t)TRAMPOLINE, trampoline_begin,
           (size_t)(trampoline_end - trampoline_begin));

    for (unsigned cpu = 1; cpu < boot->vcpu_count; cpu++) {
        check("another CPU starts", cpu_start(cpu));
        check_equal("it finds the ptlcall leaf", load32(RESULT_LEAF), PTLCALL_CPUID_FOUND);
        check_equal("its call is answered", load32(RESULT_CALL), PTLCALL_VERSION_NUMBER);
    }
    return check_summary();
}
