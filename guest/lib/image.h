/*
 * Guests that begin as Multiboot or PVH images, by start-multiboot.S and start-pvh.S.
 *
 * They have a small stack of their own, and image_main() in place of main().
 */
#ifndef GUEST_LIB_IMAGE_H
#define GUEST_LIB_IMAGE_H

#include <stdint.h>

/* Called with the loader's EAX, and with EBX as a pointer. Returns the status. */
int image_main(uint32_t eax, const void *info);

#endif
