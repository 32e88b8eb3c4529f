/* Bits of x86 registers, and fixed addresses of an x86 PC. */
#ifndef VMM_CORE_X86_BITS_H
#define VMM_CORE_X86_BITS_H

#define X86_CR0_PE       (1ULL << 0)
#define X86_CR0_PG       (1ULL << 31)
#define X86_CR4_PSE      (1ULL << 4)
#define X86_CR4_PAE      (1ULL << 5)
#define X86_CR4_LA57     (1ULL << 12)
#define X86_EFER_LME     (1ULL << 8)
#define X86_EFER_LMA     (1ULL << 10)
#define X86_RFLAGS_FIXED (1ULL << 1) /* always reads as one */
#define X86_RFLAGS_IF    (1ULL << 9)

/* The pages of KVM's interrupt controllers. */
#define X86_IOAPIC     0xfec00000u
#define X86_LOCAL_APIC 0xfee00000u

#endif
