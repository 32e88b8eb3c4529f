/* Exceptions and ring 3, in long mode. */
#include "guest/lib/exception.h"

#include "guest/abi/boot.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/interrupt.h"

#include <stddef.h>

#define STACK_SIZE 16384
#define PORTS      0x10000

/* The frame that the entries push, lowest address first. */
struct exception_frame {
    uint64_t rax, vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

struct task_state {
    uint32_t reserved;
    uint64_t rsp0;
    uint8_t rest[90];
    uint16_t port_bitmap_offset;
    uint8_t port_bitmap[PORTS / 8 + 1]; /* a zero bit opens a port; the last byte is all ones */
} __attribute__((packed));

/* exception_entry.S */
extern const uint8_t exception_entries[EXCEPTIONS][16];
extern const uint8_t ring3_done[];
void guarded_call(void (*function)(void *), void *argument, uint64_t *resume);
_Noreturn void guarded_return(uint64_t resume, uint64_t value); /* used by ring3_enter() too */
uint64_t ring3_enter(uint64_t (*function)(void *), void *argument, uint64_t *resume, void *stack);
uint64_t exception_dispatch(const struct exception_frame *frame);

static uint64_t gdt[] = {
    0,
    0x00af9b000000ffff, /* BOOT_CODE64 */
    0x00cf93000000ffff, /* BOOT_DATA */
    0x00cf9b000000ffff, /* BOOT_CODE32 */
    0x00cff3000000ffff, /* SELECTOR_USER_DATA */
    0x00affb000000ffff, /* SELECTOR_USER_CODE64 */
    0,                  /* SELECTOR_TSS, filled in by exceptions_init() */
    0,
};
static struct idt_gate idt[EXCEPTIONS];
static struct task_state task;

static uint8_t ring0_stack[STACK_SIZE] __attribute__((aligned(16)));
static uint8_t ring3_stack[STACK_SIZE] __attribute__((aligned(16)));

static bool initialized;
static uint64_t ring3_resume; /* 0: no code runs in ring 3 */

/* The innermost exception_catch(): where it continues, and in which ring. */
static uint64_t *catch_resume;
static unsigned catch_ring;
static struct exception last_exception;

void exceptions_init(void)
{
    const struct table_register gdt_register = {sizeof(gdt) - 1, (uintptr_t)gdt};
    uint64_t base = (uint64_t)&task;

    task.port_bitmap_offset = offsetof(struct task_state, port_bitmap);
    task.port_bitmap[PORTS / 8] = 0xff;
    task.rsp0 = (uint64_t)(ring0_stack + STACK_SIZE);
    gdt[SELECTOR_TSS / 8] =
        (sizeof(task) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
    for (unsigned vector = 0; vector < EXCEPTIONS; vector++)
        idt[vector] = idt_gate_to((uint64_t)exception_entries[vector]);
    __asm__ volatile("lgdt %0" : : "m"(gdt_register) : "memory");
    idt_load(idt, EXCEPTIONS);
    __asm__ volatile("ltr %w0" : : "r"(SELECTOR_TSS));
    initialized = true;
}

bool exceptions_are_caught(void)
{
    return initialized;
}

/* Returns only to ring 3: what guarded_return() there takes to go on in an exception_catch(). */
uint64_t exception_dispatch(const struct exception_frame *frame)
{
    uint64_t resume = ring3_resume;

    if (resume != 0 && frame->vector == EXCEPTION_UD && frame->rip == (uint64_t)ring3_done) {
        ring3_resume = 0;
        guarded_return(resume, frame->rax);
    }

    uint64_t address;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    last_exception = (struct exception){frame->vector, frame->error, frame->rip, address};
    if (catch_resume != NULL && catch_ring == 3)
        return *catch_resume;
    ring3_resume = 0;
    if (catch_resume != NULL)
        guarded_return(*catch_resume, 0);

    printf("exception %lu, error 0x%lx, at rip 0x%lx in ring %lu, cr2 0x%lx\n", frame->vector,
           frame->error, frame->rip, frame->cs & 3, address);
    guest_exit(STATUS_EXCEPTION);
}

bool exception_catch(void (*function)(void *argument), void *argument, struct exception *caught)
{
    uint64_t *outer = catch_resume;
    unsigned outer_ring = catch_ring;
    uint64_t resume;

    last_exception.vector = EXCEPTIONS;
    catch_resume = &resume;
    catch_ring = cs_read() & 3;
    guarded_call(function, argument, &resume);
    catch_resume = outer;
    catch_ring = outer_ring;
    *caught = last_exception;
    return last_exception.vector != EXCEPTIONS;
}

uint64_t ring3_call(uint64_t (*function)(void *argument), void *argument)
{
    return ring3_enter(function, argument, &ring3_resume, ring3_stack + STACK_SIZE);
}
