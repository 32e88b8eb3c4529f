/*
 * The ptlcall protocol: what guest and monitor share. MARSSx86's numbers (its
 * ptlsim/tools/ptlcalls.h and ptlsim/sim/ptl-qemu.cpp); docs/ptlcall.md describes them.
 *
 * Call: RAX = op; arguments 1..6 in RDI, RSI, RDX, R10, R8, R9; the result comes back in RAX and no
 * other register changes. Pointers are guest-virtual.
 */
#ifndef ABI_PTLCALL_H
#define ABI_PTLCALL_H

#include <stdint.h>

#define PTLCALL_CPUID_LEAF  0x404d5459u /* "@MTY" */
#define PTLCALL_CPUID_FOUND 0x59455321u /* "YES!" in EAX */

/* EBX of the leaf: the ways to make a call. */
#define PTLCALL_BY_OPCODE 0x1u /* opcode 0x0f37; minivmm does not offer it */
#define PTLCALL_BY_MMIO   0x2u /* a store to the trigger page: EDX[15:0]:ECX */
#define PTLCALL_BY_PORT   0x4u /* an OUT to the port in EDX[31:16] */

#define PTLCALL_DEFAULT_TRIGGER 0x8fffff000ull /* gpa of the trigger page */
#define PTLCALL_DEFAULT_PORT    0xe0u
#define PTLCALL_PORTS           4u /* a call may be 1, 2 or 4 bytes wide */

/* The PCI function: BAR0 is a trigger page, BAR1 the port. */
#define PTLCALL_PCI_VENDOR 0x1234u
#define PTLCALL_PCI_DEVICE 0x5054u /* "PT" */

enum ptlcall_op {
    PTLCALL_OP_VERSION,    /* → PTLCALL_VERSION_NUMBER */
    PTLCALL_OP_MARKER,     /* IN id → 0 */
    PTLCALL_OP_ENQUEUE,    /* IN descriptors (gva), count, flush → 2 */
    PTLCALL_OP_CHECKPOINT, /* IN name (gva), length, action → 3 */
    PTLCALL_OP_CORE_DUMP,  /* IN buffer (gva), size, name (gva), name length, signal → 4 */
    PTLCALL_OP_LOG,        /* IN string (gva), length → 5 */
    PTLCALL_OPS,
};

#define PTLCALL_VERSION_NUMBER 1u

/*
 * In CHECKPOINT's result when the guest continues from the checkpoint, in another run than the one
 * that took it. The second is for callers with 32-bit registers.
 */
#define PTLCALL_RESTORED    (1ull << 62)
#define PTLCALL_RESTORED_32 (1u << 30)

#define PTLCALL_SIMULATING (1ull << 63) /* in VERSION's result, between -run and -stop */

/* IN: one string of an ENQUEUE. The strings are one command list, run in order. */
struct ptlcall_descriptor {
    uint64_t string; /* gva */
    uint64_t length; /* bytes, without a terminating 0 */
};

/* Above these limits the call returns -E2BIG. */
#define PTLCALL_DESCRIPTORS_MAX 64u
#define PTLCALL_COMMANDS_MAX    4096u      /* bytes of all strings of one ENQUEUE */
#define PTLCALL_LOG_MAX         1024u      /* bytes */
#define PTLCALL_NAME_MAX        184u       /* bytes of a file name */
#define PTLCALL_CORE_MAX        (1u << 30) /* bytes of a core dump */

/* Errors: a negative errno in RAX; the call then had no effect. */
#define PTLCALL_EINVAL 22
#define PTLCALL_EFAULT 14
#define PTLCALL_E2BIG  7
#define PTLCALL_EIO    5
#define PTLCALL_ENOSYS 38

#endif
