/*
 * A CPU's code after SIPI: in real mode, in a copy of this at SMP_TRAMPOLINE. It enters long mode
 * in one step, with the parameters that smp.c filled in.
 */
    .set    TRAMPOLINE, 0x8000      /* SMP_TRAMPOLINE */
    .set    MSR_EFER, 0xc0000080

    .section .rodata.smp_trampoline, "a"
    .code16
    .globl smp_trampoline
smp_trampoline:
    cli
    mov     %cs, %ax
    mov     %ax, %ds
    mov     parameter_cr4 - smp_trampoline, %eax
    mov     %eax, %cr4
    mov     parameter_cr3 - smp_trampoline, %eax
    mov     %eax, %cr3
    mov     $MSR_EFER, %ecx
    mov     parameter_efer - smp_trampoline, %eax
    xor     %edx, %edx
    wrmsr
    lgdtl   parameter_gdt - smp_trampoline
    mov     parameter_cr0 - smp_trampoline, %eax
    mov     %eax, %cr0
    ljmpl   $0x08, $(TRAMPOLINE + long_mode - smp_trampoline)   /* BOOT_CODE64 */

    .code64
long_mode:
    mov     $0x10, %eax             /* BOOT_DATA */
    mov     %eax, %ss
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %fs
    mov     %eax, %gs
    mov     TRAMPOLINE + parameter_stack - smp_trampoline, %rsp
    mov     $smp_main, %eax         /* an absolute jump, since this is a copy */
    call    *%rax

    .balign 8
    .globl smp_parameters
smp_parameters:
parameter_cr0:
    .long   0
parameter_cr3:
    .long   0
parameter_cr4:
    .long   0
parameter_efer:
    .long   0
parameter_gdt:
    .skip   10
parameter_stack:
    .quad   0
    .globl smp_trampoline_end
smp_trampoline_end:

    .section .note.GNU-stack, "", @progbits
