/* The start of a protected-mode image: EBX is the gpa of the boot block, ESP the initial stack. */
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

    /* Not earlier: the variable is in .bss. */
    mov     %esp, start_stack
    and     $-16, %esp
    sub     $12, %esp
    push    %ebx
    call    main
    push    %eax
    call    guest_exit

    .section .note.GNU-stack, "", @progbits
