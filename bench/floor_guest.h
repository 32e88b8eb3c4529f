/* The floor's side of the boot contract: docs/boot.md, long mode. */
#ifndef BENCH_FLOOR_GUEST_H
#define BENCH_FLOOR_GUEST_H

#include <stdint.h>

#define FLOOR_MEMORY (64ull << 20) /* bytes; minivmm's default */

/*
 * Load the flat image of the file (path), the boot block for (vcpus) vCPUs, the GDT and the page
 * tables into (memory), which has FLOOR_MEMORY bytes, all zero.
 */
void floor_fill_memory(uint8_t *memory, const char *path, unsigned vcpus);

/* Set vCPU 0 to the image's first byte. */
void floor_set_registers(int vcpu_fd);

/* Set the CPUID that KVM supports, for vCPU (id). */
void floor_set_cpuid(int system_fd, int vcpu_fd, unsigned id);

#endif
