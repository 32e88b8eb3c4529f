/*
 * The floor: the least program that opens /dev/kvm, starts a 64-bit guest by our boot contract with
 * the host's CPUID, and loops on KVM_RUN. What minivmm costs above it is minivmm's own.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>

#define FLOOR_VCPUS  2
#define FLOOR_MEMORY (64ull << 20) /* bytes; what minivmm gives unless asked */

struct floor_options {
    bool synced;       /* registers in the run page, and VERSION's answer put there */
    bool irqchip;      /* interrupt controllers in the kernel */
    bool stepped;      /* single-stepped from an OUT to the port of ptlcalls to the next one */
    int doorbell;      /* the port that is an ioeventfd; -1: none */
    unsigned vcpus;    /* more than one: with interrupt controllers */
    const char *image; /* flat; NULL: only tell the rate of the time-stamp counter */
};

/* ioctl(), or the program ends with a sentence that names (name). */
int floor_call(int fd, unsigned long request, const char *name, void *argument);
#define FLOOR_CALL(fd, request, argument) floor_call(fd, request, #request, argument)

/* Say what went wrong with (what), by errno, and end. */
_Noreturn void floor_fail(const char *what);

/* The image, the boot block, the GDT and the page tables into (memory), which is zero. */
void floor_fill_memory(uint8_t *memory, const struct floor_options *options);

/* vCPU 0 to the image's first byte. */
void floor_set_registers(int vcpu_fd);

/* What KVM supports, for vCPU (id). */
void floor_set_cpuid(int system_fd, int vcpu_fd, unsigned id);

#endif
