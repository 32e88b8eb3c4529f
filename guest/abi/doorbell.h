/*
 * The device `doorbell`: what guest and monitor share. docs/devices.md describes it.
 */
#ifndef ABI_DOORBELL_H
#define ABI_DOORBELL_H

#define DOORBELL_PORT  0xdb0u /* the first of DOORBELL_PORTS, unless port= gives another */
#define DOORBELL_PORTS 8u

/* Offsets from the first port. */
#define DOORBELL_RING  0u /* an OUT of any width rings; the next 3 ports only give it width */
#define DOORBELL_COUNT 4u /* 4 bytes: the number of rings, modulo 2^32; an OUT acknowledges */

#endif
