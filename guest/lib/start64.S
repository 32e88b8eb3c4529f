/* Where a long-mode image begins: RDI is the gpa of the boot block, RSP the stack to use. */
    .section .text.start, "ax"
    .globl _start
_start:
    cld
    mov     %rdi, %rbx
    mov     $bss_start, %edi
    mov     $bss_end, %ecx
    sub     %edi, %ecx
    xor     %eax, %eax
    rep stosb

    /* Only now: both are in .bss. */
    mov     %rsp, start_stack
    mov     %rbx, %rdi
    and     $-16, %rsp
    call    main
    mov     %eax, %edi
    call    guest_exit

    .section .note.GNU-stack, "", @progbits
