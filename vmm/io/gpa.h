/*
 * A guest-physical address, in bytes. It is a structure, so that a number that came from the guest is
 * never used as a pointer by mistake: only memory_at() of vmm/io/memory.h makes a host address of it.
 */
#ifndef VMM_IO_GPA_H
#define VMM_IO_GPA_H

#include <stdint.h>

typedef struct {
    uint64_t value;
} gpa_t;

static inline gpa_t gpa(uint64_t value)
{
    return (gpa_t){value};
}

#endif
