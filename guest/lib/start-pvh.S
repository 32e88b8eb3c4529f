/* The start of a PVH image: the note with the entry, and the entry. */
    .section .note.pvh, "a", @note
    .balign 4
    .long   2f - 1f, 4f - 3f, 18 /* PVH_NOTE_TYPE */
1:  .asciz  "Xen"
2:  .balign 4
3:  .long   _start
4:

#include "guest/lib/start-image.inc"
