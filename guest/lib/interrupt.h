/*
 * The interrupt descriptor table of long mode: Intel SDM volume 3A, 6.14.1.
 */
#ifndef GUEST_LIB_INTERRUPT_H
#define GUEST_LIB_INTERRUPT_H

#include "guest/abi/boot.h"
#include "guest/lib/cpu.h"

#include <stdint.h>

#define IDT_INTERRUPT 0x8e00u /* an interrupt gate: present, DPL 0; it clears IF */

struct idt_gate {
    uint16_t offset_low, selector, kind, offset_middle;
    uint32_t offset_high, reserved;
};

struct interrupt_frame; /* defined by the compiler, for functions with the attribute `interrupt` */

/* A gate to the code at (entry). */
static inline struct idt_gate idt_gate_to(uint64_t entry)
{
    return (struct idt_gate){
        .offset_low = (uint16_t)entry,
        .selector = BOOT_CODE64,
        .kind = IDT_INTERRUPT,
        .offset_middle = (uint16_t)(entry >> 16),
        .offset_high = (uint32_t)(entry >> 32),
    };
}

static inline void idt_load(const struct idt_gate *gates, unsigned count)
{
    const struct table_register table = {(uint16_t)(count * sizeof(*gates) - 1), (uintptr_t)gates};

    __asm__ volatile("lidt %0" : : "m"(table) : "memory");
}

#endif
