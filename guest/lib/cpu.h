/* Single instructions as functions, for all three widths of code. */
#ifndef GUEST_LIB_CPU_H
#define GUEST_LIB_CPU_H

#include <stdint.h>

#define CR0_PE    (1ul << 0)
#define CR0_WP    (1ul << 16)
#define CR0_PG    (1ul << 31)
#define CR4_PSE   (1ul << 4)
#define CR4_PAE   (1ul << 5)
#define CR4_UMIP  (1ul << 11)
#define CR4_LA57  (1ul << 12)
#define MSR_EFER  0xc0000080u
#define EFER_LME  (1ul << 8)
#define EFER_LMA  (1ul << 10)
#define RFLAGS_IF (1ul << 9)

static inline void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint16_t in16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static inline uint32_t in32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid result;
    __asm__ volatile("cpuid"
                     : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
                     : "a"(leaf), "c"(subleaf));
    return result;
}

static inline uint64_t msr_read(uint32_t number)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}

static inline void msr_write(uint32_t number, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(number));
}

#define CPU_CONTROL_REGISTER(name)                                                                 \
    static inline unsigned long name##_read(void)                                                  \
    {                                                                                              \
        unsigned long value;                                                                       \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value));                                     \
        return value;                                                                              \
    }                                                                                              \
    static inline void name##_write(unsigned long value)                                           \
    {                                                                                              \
        __asm__ volatile("mov %0, %%" #name : : "r"(value) : "memory");                            \
    }

CPU_CONTROL_REGISTER(cr0)
CPU_CONTROL_REGISTER(cr3)
CPU_CONTROL_REGISTER(cr4)

#define CPU_SEGMENT_REGISTER(name)                                                                 \
    static inline uint16_t name##_read(void)                                                       \
    {                                                                                              \
        uint16_t value;                                                                            \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value));                                     \
        return value;                                                                              \
    }

CPU_SEGMENT_REGISTER(cs)
CPU_SEGMENT_REGISTER(ds)
CPU_SEGMENT_REGISTER(es)
CPU_SEGMENT_REGISTER(ss)

static inline unsigned long flags_read(void)
{
    unsigned long value;
#ifdef __x86_64__
    __asm__ volatile("pushfq; popq %0" : "=r"(value));
#else
    __asm__ volatile("pushfl; popl %0" : "=r"(value));
#endif
    return value;
}

/* The operand of LGDT, LIDT, SGDT and SIDT. */
struct table_register {
    uint16_t limit; /* offset of the last byte */
    uintptr_t base;
} __attribute__((packed));

/* Loads and stores that are one instruction of that width each. */
static inline uint8_t load8(uintptr_t address)
{
    uint8_t value;
    __asm__ volatile("movb (%1), %0" : "=q"(value) : "r"(address) : "memory");
    return value;
}

static inline uint16_t load16(uintptr_t address)
{
    uint16_t value;
    __asm__ volatile("movw (%1), %0" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline uint32_t load32(uintptr_t address)
{
    uint32_t value;
    __asm__ volatile("movl (%1), %0" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void store16(uintptr_t address, uint16_t value)
{
    __asm__ volatile("movw %0, (%1)" : : "r"(value), "r"(address) : "memory");
}

static inline void store32(uintptr_t address, uint32_t value)
{
    __asm__ volatile("movl %0, (%1)" : : "r"(value), "r"(address) : "memory");
}

#ifdef __x86_64__
static inline uint64_t load64(uintptr_t address)
{
    uint64_t value;
    __asm__ volatile("movq (%1), %0" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void store64(uintptr_t address, uint64_t value)
{
    __asm__ volatile("movq %0, (%1)" : : "r"(value), "r"(address) : "memory");
}
#endif

/* Real mode: one byte of the boot block, whose gpa is a multiple of 16 beyond segment 0. */
static inline uint8_t boot_read(uint32_t block, uint32_t offset)
{
    uint8_t value;
    __asm__ volatile("movw %w1, %%fs; movb %%fs:(%2), %0"
                     : "=q"(value)
                     : "r"(block >> 4), "r"(offset)
                     : "memory");
    return value;
}

#endif
