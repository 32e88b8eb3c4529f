/*
 * The start of a real-mode image: CS is 0, EBX the gpa of the boot block, SP the initial stack.
 *
 * main() is compiled with -m16: 32-bit registers in real mode, so the upper halves must be zero.
 */
    .code16
    .section .text.start, "ax"
    .globl _start
_start:
    cld
    movzwl  %sp, %esp
    mov     $bss_start, %edi
    mov     $bss_end, %ecx
    sub     %edi, %ecx
    xor     %eax, %eax
    rep stosb

    /* Not earlier: the variable is in .bss. */
    mov     %esp, start_stack
    and     $-16, %esp
    sub     $12, %esp
    pushl   %ebx
    calll   main
    pushl   %eax
    calll   guest_exit

    .section .note.GNU-stack, "", @progbits
