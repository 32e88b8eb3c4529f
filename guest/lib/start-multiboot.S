/* The start of a Multiboot image: the header, in the first 8 KiB of the file, and the entry. */
#define MAGIC 0x1badb002
#define FLAGS 0x00000003 /* modules aligned to pages, memory information */

    .section .text.start, "ax"
    .balign 4
    .long   MAGIC, FLAGS, -(MAGIC + FLAGS)

#include "guest/lib/start-image.inc"
