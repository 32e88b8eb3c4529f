/*
 * Interrupts of the local APIC: the upcall, and the spurious one, which needs no end of interrupt.
 */
    .text

    .globl upcall_entry
upcall_entry:
    push    %rax
    push    %rcx
    push    %rdx
    push    %rsi
    push    %rdi
    push    %r8
    push    %r9
    push    %r10
    push    %r11
    cld
    call    events_upcall       /* with the frame of five, the stack is a multiple of 16 */
    pop     %r11
    pop     %r10
    pop     %r9
    pop     %r8
    pop     %rdi
    pop     %rsi
    pop     %rdx
    pop     %rcx
    pop     %rax
    iretq

    .globl spurious_entry
spurious_entry:
    iretq

    .section .note.GNU-stack, "", @progbits
