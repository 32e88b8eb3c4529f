#include "guest/lib/smp.h"

#include "guest/lib/cpu.h"
#include "guest/lib/string.h"

#include <stdint.h>

#define LOCAL_APIC        0xfee00000ul
#define APIC_SPURIOUS     (LOCAL_APIC + 0xf0)
#define APIC_COMMAND_LOW  (LOCAL_APIC + 0x300)
#define APIC_COMMAND_HIGH (LOCAL_APIC + 0x310)
#define APIC_ENABLED      0x1ffu /* and spurious interrupts use vector 0xff */
#define APIC_INIT         0x4500u
#define APIC_STARTUP      0x4600u

#define STACK_SIZE  2048
#define WAIT_ROUNDS 20000000u

/* The parameters after the code in smp_entry.S. */
struct parameters {
    uint32_t cr0, cr3, cr4, efer;
    struct table_register gdt; /* real mode loads its limit and the low 4 bytes of its base */
    uint64_t stack;
} __attribute__((packed));

extern const uint8_t smp_trampoline[], smp_parameters[], smp_trampoline_end[];
_Noreturn void smp_main(void);

static uint8_t stacks[SMP_CPUS_MAX][STACK_SIZE] __attribute__((aligned(16)));
static unsigned stacks_used;

/* For the CPU that is being started. */
static void (*start_function)(void *argument);
static void *start_argument;
static bool started;

/* A started CPU comes here from the trampoline. */
void smp_main(void)
{
    void (*function)(void *argument) = start_function;
    void *argument = start_argument;

    __atomic_store_n(&started, true, __ATOMIC_RELEASE);
    function(argument);
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void write_trampoline(void *stack_top)
{
    uint8_t *page = (uint8_t *)(uintptr_t)SMP_TRAMPOLINE;
    struct parameters parameters = {
        .cr0 = (uint32_t)cr0_read(),
        .cr3 = (uint32_t)cr3_read(),
        .cr4 = (uint32_t)cr4_read(),
        .efer = (uint32_t)(msr_read(MSR_EFER) & ~EFER_LMA),
        .stack = (uintptr_t)stack_top,
    };

    __asm__ volatile("sgdt %0" : "=m"(parameters.gdt));
    memcpy(page, smp_trampoline, (size_t)(smp_trampoline_end - smp_trampoline));
    memcpy(page + (smp_parameters - smp_trampoline), &parameters, sizeof(parameters));
}

static void apic_command(unsigned apic_id, uint32_t command)
{
    store32(APIC_COMMAND_HIGH, apic_id << 24);
    store32(APIC_COMMAND_LOW, command);
}

bool smp_start(unsigned apic_id, void (*function)(void *argument), void *argument)
{
    if (stacks_used == SMP_CPUS_MAX)
        return false;
    start_function = function;
    start_argument = argument;
    __atomic_store_n(&started, false, __ATOMIC_RELEASE);
    write_trampoline(stacks[stacks_used++] + STACK_SIZE);
    /*
     * By the manual a disabled local APIC may send, but between two vCPUs KVM loses such an INIT.
     */
    store32(APIC_SPURIOUS, APIC_ENABLED);
    apic_command(apic_id, APIC_INIT);
    apic_command(apic_id, APIC_STARTUP | SMP_TRAMPOLINE >> 12);
    for (unsigned round = 0; round < WAIT_ROUNDS; round++) {
        if (__atomic_load_n(&started, __ATOMIC_ACQUIRE))
            return true;
        __asm__ volatile("pause");
    }
    return false;
}
