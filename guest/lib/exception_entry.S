/* Transitions between rings and stacks; the rest is in exception.c. */

    .text

/*
 * The 32 entries of the IDT, 16 bytes each. All make the same frame: vector and error code above
 * the processor's frame, and RAX, which holds the result when ring 3 returns.
 */
    .balign 16
    .globl exception_entries
exception_entries:
    .set vector, 0
    .rept 32
    .balign 16
    .if vector != 8 && (vector < 10 || vector > 14) && vector != 17 && vector != 21 && vector != 29 && vector != 30
    pushq   $0
    .endif
    pushq   $vector
    jmp     exception_common
    .set vector, vector + 1
    .endr

exception_common:
    push    %rax
    mov     $0x10, %eax      /* BOOT_DATA */
    mov     %eax, %ss
    mov     %eax, %ds
    mov     %eax, %es
    cld
    mov     %rsp, %rdi
    call    exception_dispatch

    /* In ring 3 an exception_catch() goes on: guarded_return(resume, 0). */
    mov     %rax, %rdi
    xor     %esi, %esi
    movq    $guarded_return, 24(%rsp)   /* RIP */
    add     $24, %rsp
    iretq

    .macro  push_kept
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    .endm

    .macro  pop_kept
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    .endm

/*
 * guarded_call(function, argument, uint64_t *resume): call function(argument), and store in *resume
 * the stack pointer by which guarded_return() returns here from any depth.
 */
    .globl guarded_call
guarded_call:
    push_kept
    mov     %rsp, (%rdx)
    sub     $8, %rsp
    mov     %rdi, %rax
    mov     %rsi, %rdi
    call    *%rax
    add     $8, %rsp
    pop_kept
    ret

/* guarded_return(uint64_t resume, uint64_t value): return (value) from guarded_call() or ring3_enter(). */
    .globl guarded_return
guarded_return:
    mov     %rdi, %rsp
    mov     %rsi, %rax
    pop_kept
    ret

/*
 * uint64_t ring3_enter(function, argument, uint64_t *resume, stack): the same in ring 3.
 *
 * The return is a #UD at ring3_done: a faulting instruction works on every KVM, a software
 * interrupt does not. Ports are opened twice, by IOPL and by the TSS: some KVMs check only one of
 * them.
 */
    .globl ring3_enter
ring3_enter:
    push_kept
    mov     %rsp, (%rdx)
    mov     %rdi, %rax
    mov     %rsi, %rdi
    pushq   $0x23           /* SELECTOR_USER_DATA */
    pushq   %rcx
    pushq   $0x3002         /* IOPL 3, interrupts off */
    pushq   $0x2b           /* SELECTOR_USER_CODE64 */
    pushq   $ring3_begin
    iretq

ring3_begin:
    call    *%rax
    .globl ring3_done
ring3_done:
    ud2

    .section .note.GNU-stack, "", @progbits
