/*
 * The next instruction of a vCPU, whose registers are valid.
 */
#ifndef VMM_STEP_STEP_CODE_H
#define VMM_STEP_STEP_CODE_H

#include "vmm/step/decode.h"

#include <stdint.h>

struct vcpu;

/* The linear address of the next instruction. */
uint64_t step_address(const struct vcpu *vcpu);

/* Read up to 15 bytes there, as far as they are mapped to RAM. Returns how many. */
unsigned step_fetch(const struct vcpu *vcpu, uint8_t bytes[15]);

/* Decode the instruction from these bytes. */
struct instruction step_decode(const struct vcpu *vcpu);

#endif
