/* Where a protected-mode image begins: EBX is the gpa of the boot block, ESP the stack to use. */
    .code32
    .section .text.start, "ax"
    .globl _start
_start:
    cld
    mov     $bss_start, %edi
    mov     $bss_end, %ecx
    sub     %edi, %ecx
    xor     %eax, %eax
    rep stosb

    /* Only now: it is in .bss. */
    mov     %esp, start_stack
    and     $-16, %esp
    sub     $12, %esp
    push    %ebx
    call    main
    push    %eax
    call    guest_exit

    .section .note.GNU-stack, "", @progbits
