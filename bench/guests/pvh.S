/*
 * Lets a long-mode guest of ours begin as a PVH image too, which is how QEMU starts it: from 32-bit
 * code into the state that docs/boot.md promises, as far as these guests need it. Without arguments.
 */
    .set TABLES, 0x94000        /* BOOT_TABLES: a PML4, a PDPT and four directories */
    .set TABLE_COUNT, 6
    .set INFO, 0x91000          /* BOOT_INFO */
    .set INFO_COMMAND, 40       /* offsetof(struct boot_info, command) */
    .set STACK, 0x90000
    .set CODE64, 0x08
    .set DATA, 0x10

    .section .note.pvh, "a", @note
    .balign 4
    .long   2f - 1f, 4f - 3f, 18 /* PVH_NOTE_TYPE */
1:  .asciz  "Xen"
2:  .balign 4
3:  .long   pvh_start
4:

    .section .text.pvh, "ax"
    .code32
pvh_start:
    cld
    mov     $TABLES, %edi
    mov     $(TABLE_COUNT * 1024), %ecx
    xor     %eax, %eax
    rep stosl

    movl    $(TABLES + 0x1007), TABLES
    mov     $(TABLES + 0x2007), %eax
    mov     $(TABLES + 0x1000), %edi
    mov     $4, %ecx
1:  mov     %eax, (%edi)
    add     $0x1000, %eax
    add     $8, %edi
    loop    1b

    /* 4 GiB in pages of 2 MiB. */
    mov     $0x87, %eax
    mov     $(TABLES + 0x2000), %edi
    mov     $2048, %ecx
2:  mov     %eax, (%edi)
    add     $0x200000, %eax
    add     $8, %edi
    loop    2b

    mov     $0x620, %eax        /* PAE, OSFXSR, OSXMMEXCPT */
    mov     %eax, %cr4
    mov     $TABLES, %eax
    mov     %eax, %cr3
    mov     $0xc0000080, %ecx   /* EFER */
    rdmsr
    or      $0x100, %eax        /* LME */
    wrmsr
    mov     %cr0, %eax
    or      $0x80000003, %eax   /* PG, MP, PE */
    lgdt    gdt_register
    mov     %eax, %cr0
    ljmp    $CODE64, $3f

    .code64
3:  mov     $DATA, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %ss
    mov     $STACK, %esp
    mov     $INFO, %edi
    movb    $0, INFO + INFO_COMMAND
    jmp     _start

    .section .rodata.pvh, "a"
    .balign 8
gdt:
    .quad   0
    .quad   0x00af9b000000ffff
    .quad   0x00cf93000000ffff
gdt_end:
gdt_register:
    .word   gdt_end - gdt - 1
    .long   gdt

    .section .note.GNU-stack, "", @progbits
