/*
 * The teaching device `edu`: what guest and monitor share. docs/devices.md describes it; the
 * layout is that of QEMU's device of the same name.
 */
#ifndef ABI_EDU_H
#define ABI_EDU_H

#define EDU_VENDOR 0x1234u
#define EDU_DEVICE 0x11e8u

#define EDU_BAR_SIZE 0x100000u /* BAR0, memory */

/* Offsets into BAR0. Registers below EDU_WIDE have 4 bytes; from there on 8, or 4: the low half. */
#define EDU_IDENTIFICATION  0x00u
#define EDU_LIVENESS        0x04u /* reads as the inverse of what was written */
#define EDU_FACTORIAL       0x08u /* write n; reads as n! mod 2^32 once it is computed */
#define EDU_STATUS          0x20u
#define EDU_INTERRUPTS      0x24u /* raised and not acknowledged bits; read only */
#define EDU_RAISE           0x60u /* bits to set in EDU_INTERRUPTS; write only */
#define EDU_ACKNOWLEDGE     0x64u /* bits to clear in EDU_INTERRUPTS; write only */
#define EDU_WIDE            0x80u
#define EDU_DMA_SOURCE      0x80u
#define EDU_DMA_DESTINATION 0x88u
#define EDU_DMA_COUNT       0x90u /* bytes */
#define EDU_DMA_COMMAND     0x98u

#define EDU_IDENTITY 0x010000edu /* version 1.0 */

/* EDU_STATUS. */
#define EDU_STATUS_COMPUTING 0x01u /* read only */
#define EDU_STATUS_INTERRUPT 0x80u /* raise EDU_INTERRUPT_FACTORIAL when done */

/* EDU_INTERRUPTS: the bits that the device itself raises. */
#define EDU_INTERRUPT_FACTORIAL 0x001u
#define EDU_INTERRUPT_DMA       0x100u

/* EDU_DMA_COMMAND. */
#define EDU_DMA_START     0x1u /* reads as 0: the transfer is complete */
#define EDU_DMA_FROM_EDU  0x2u /* from the buffer to RAM; otherwise from RAM to the buffer */
#define EDU_DMA_INTERRUPT 0x4u /* raise EDU_INTERRUPT_DMA at the end, also of a failed transfer */
#define EDU_DMA_FAILED    0x8u /* read only: the last transfer moved nothing */

/* The device's buffer, by its DMA address; it is not in BAR0. */
#define EDU_BUFFER      0x40000u
#define EDU_BUFFER_SIZE 4096u

#endif
