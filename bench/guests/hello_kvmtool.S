/*
 * The tiny guest for kvmtool, which starts a flat image in real mode, with all segments at the image's first
 * byte. Its console is the serial port, and the keyboard controller's reset ends it.
 */
    .set SERIAL, 0x3f8
    .set KEYBOARD, 0x64
    .set KEYBOARD_RESET, 0xfe

    .section .text.start, "ax"
    .code16
    .globl _start
_start:
    cld
    mov     $text, %si
    mov     $(text_end - text), %cx
    mov     $SERIAL, %dx
    rep outsb
    mov     $KEYBOARD_RESET, %al
    out     %al, $KEYBOARD
1:  hlt
    jmp     1b

text:
    .ascii  "hello\n"
text_end:

    .section .note.GNU-stack, "", @progbits
