/*
 * The tiny guest: says hello and ends. Its code means the same in 32 and 64 bits, so its first byte
 * is where a flat image begins and where a PVH image does.
 */
    .section .note.pvh, "a", @note
    .balign 4
    .long   2f - 1f, 4f - 3f, 18 /* PVH_NOTE_TYPE */
1:  .asciz  "Xen"
2:  .balign 4
3:  .long   _start
4:

    .section .text.start, "ax"
    .globl _start
_start:
    cld
    mov     $text, %esi
    mov     $(text_end - text), %ecx
    mov     $0xe9, %edx         /* MEASURE_OUTPUT */
    rep outsb
    xor     %eax, %eax
    out     %al, $0xf4          /* DEBUG_EXIT_PORT */
1:  hlt
    jmp     1b

    .section .rodata, "a"
text:
    .ascii  "hello\n"
text_end:

    .section .note.GNU-stack, "", @progbits
