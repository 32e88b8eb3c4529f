/*
 * gva → gpa: the guest's page tables, walked by the monitor.
 *
 * KVM_TRANSLATE is unreliable, so the walk is made here, over a snapshot of the control registers
 * and the guest's memory, so that it can be tested without a VM. It follows Intel SDM volume 3A,
 * chapter 4: no paging, 32-bit (4 KiB, 4 MiB with PSE and PSE-36), PAE, 4-level and 5-level (4 KiB,
 * 2 MiB, 1 GiB). Access is with kernel privilege: U/S, R/W, NX, SMAP and keys are not checked;
 * present bits, reserved bits of large leaves and canonical form are. The A and D bits are not set.
 */
#ifndef VMM_CORE_PAGING_H
#define VMM_CORE_PAGING_H

#include "vmm/io/memory.h"

/* A guest-virtual (linear) address, in bytes. */
typedef struct {
    uint64_t value;
} gva_t;

static inline gva_t gva(uint64_t value)
{
    return (gva_t){value};
}

#define PAGING_LEVELS_MAX 5

/* The registers that decide how an address is translated. */
struct paging_registers {
    uint64_t cr0, cr3, cr4, efer;
};

struct paging_entry {
    unsigned level; /* 5 = PML5E … 1 = PTE; in 32-bit paging 2 = PDE, 1 = PTE */
    gpa_t address;  /* where the entry lies */
    uint64_t value; /* its value, read once; 32-bit entries zero-extended */
};

/* Why an address has no translation. */
enum paging_fault {
    PAGING_FAULT_NONE,
    PAGING_FAULT_ADDRESS,  /* not canonical, or above 4 GiB outside long mode */
    PAGING_FAULT_OUTSIDE,  /* the next entry is not in RAM */
    PAGING_FAULT_ABSENT,   /* the last entry that was read is not present */
    PAGING_FAULT_RESERVED, /* the last entry has reserved bits set */
};

struct paging_walk {
    struct paging_entry entries[PAGING_LEVELS_MAX]; /* in the order of the walk, top level first */
    unsigned entry_count;                           /* 0: unpaged */
    gpa_t address;                                  /* the translation, if the walk succeeded */
    uint64_t page_size; /* of the leaf: 4 KiB, 2 or 4 MiB, 1 GiB; unpaged: 4 KiB */
    enum paging_fault fault;
};

/* The name of the paging mode: "4-level paging". */
const char *paging_mode_name(const struct paging_registers *registers);

/*
 * Translate (address). 0: walk->address and page_size are set. -EFAULT: not canonical, above 4 GiB
 * outside long mode, or an entry not present, malformed or outside RAM; walk->fault is the reason,
 * and walk->entries holds the entries that were read. The translation itself may be outside RAM (a
 * device's, for instance).
 */
int paging_walk(const struct memory *memory, const struct paging_registers *registers,
                gva_t address, struct paging_walk *walk);

/*
 * Copy (length) bytes from (address), page by page: the pages need not be contiguous. -EFAULT if
 * any byte is untranslated, outside RAM, or the range wraps; (buffer) is then undefined. Length 0
 * reads nothing and succeeds whatever the address.
 */
int paging_read(const struct memory *memory, const struct paging_registers *registers,
                gva_t address, void *buffer, uint64_t length);

/* The same, into the guest. -EFAULT: nothing was written. */
int paging_write(const struct memory *memory, const struct paging_registers *registers,
                 gva_t address, const void *buffer, uint64_t length);

#endif
