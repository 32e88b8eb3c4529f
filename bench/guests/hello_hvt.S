/*
 * The tiny guest for solo5-hvt: an ELF file with the notes that Solo5 asks for, its ABI and a manifest without
 * devices. A hypercall is an OUT of the address of its arguments.
 */
    .set NOTE_ABI, 0x31494241           /* "ABI1" */
    .set NOTE_MANIFEST, 0x3154464d      /* "MFT1" */
    .set TARGET_HVT, 1
    .set ABI_VERSION, 2
    .set MANIFEST_VERSION, 1
    .set NAME_SIZE, 68                  /* of a device in the manifest */
    .set RESERVED_ENTRY, 1 << 30        /* the type of the first one, which is nameless */
    .set ENTRY_REST, 32
    .set HYPERCALL_PUTS, 0x502
    .set HYPERCALL_HALT, 0x508

    .section .note.solo5.abi, "a", @note
    .balign 4
    .long   2f - 1f, 4f - 3f, NOTE_ABI
1:  .asciz  "Solo5"
2:  .balign 4
3:  .long   TARGET_HVT, ABI_VERSION, 0, 0
4:

    /* What the note says is aligned to 8 bytes; the padding before it counts. */
    .section .note.solo5.manifest, "a", @note
    .balign 8
    .long   2f - 1f, 4f - 3f, NOTE_MANIFEST
1:  .asciz  "Solo5"
2:  .balign 4
3:  .balign 8
    .long   MANIFEST_VERSION, 1
    .skip   NAME_SIZE
    .long   RESERVED_ENTRY
    .skip   ENTRY_REST
4:

    .section .text, "ax"
    .globl _start
_start:
    mov     $puts, %eax
    mov     $HYPERCALL_PUTS, %edx
    out     %eax, %dx
    mov     $halt, %eax
    mov     $HYPERCALL_HALT, %edx
    out     %eax, %dx
1:  hlt
    jmp     1b

    .section .rodata, "a"
    .balign 8
puts:
    .quad   text, text_end - text
halt:
    .quad   0 /* no trap frame */
    .long   0 /* exit status */
text:
    .ascii  "hello\n"
text_end:

    .section .note.GNU-stack, "", @progbits
