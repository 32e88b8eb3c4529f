/* The start of a long-mode image: RDI is the gpa of the boot block, RSP the initial stack. */
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

    /* Not earlier: the variables are in .bss. */
    mov     %rsp, start_stack
    mov     %rbx, %rdi
    and     $-16, %rsp
    call    main
    mov     %eax, %edi
    call    guest_exit

    .section .note.GNU-stack, "", @progbits
