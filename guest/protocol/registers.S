/*
 * uint64_t registers_kept(uint64_t method, uint64_t trigger): a VERSION call with a known value in
 * every register. The result has a bit set for each register that changed, 0 if none did.
 * (method) is PTLCALL_BY_MMIO or PTLCALL_BY_PORT, the latter at the default port.
 */
    .macro  each_register action
    \action rcx, 0
    \action rdx, 1
    \action rbx, 2
    \action rbp, 3
    \action rsi, 4
    \action r8, 6
    \action r9, 7
    \action r10, 8
    \action r11, 9
    \action r12, 10
    \action r13, 11
    \action r14, 12
    \action r15, 13
    .endm

    .macro  fill register, bit
    movabs  $(0x5a5a000000000000 + \bit), %\register
    .endm

    .macro  compare register, bit
    movabs  $(0x5a5a000000000000 + \bit), %rax
    cmp     %rax, %\register
    je      1f
    orq     $(1 << \bit), (%rsp)
1:
    .endm

    .text
    .globl  registers_kept
registers_kept:
    push    %rbx
    push    %rbp
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    push    %rsi            /* the trigger, and what RDI holds during the call */
    pushq   $0              /* the result */

    each_register fill
    cmp     $2, %edi        /* PTLCALL_BY_MMIO */
    mov     8(%rsp), %rdi
    mov     $0, %eax        /* PTLCALL_OP_VERSION; the flags stay */
    jne     by_port
    smsw    (%rdi)
    jmp     called
by_port:
    out     %al, $0xe0      /* PTLCALL_DEFAULT_PORT */
called:
    cmp     8(%rsp), %rdi
    je      rdi_kept
    orq     $(1 << 5), (%rsp)
rdi_kept:
    each_register compare

    pop     %rax
    pop     %rsi
    pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbp
    pop     %rbx
    ret

    .section .note.GNU-stack, "", @progbits
