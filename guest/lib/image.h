/*
 * Guests that begin as Multiboot or PVH images, by start-multiboot.S and start-pvh.S.
 *
 * They have a small stack of their own, and image_main() in place of main().
 */
#ifndef GUEST_LIB_IMAGE_H
#define GUEST_LIB_IMAGE_H

#include <stdint.h>

/* (eax) and what EBX points to, as the loader left them. What it returns is the status. */
int image_main(uint32_t eax, const void *info);

#endif
