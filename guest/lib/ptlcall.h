/*
 * Ptlcalls: the guest's calls to the machine under it, with the names that benchmarks know.
 *
 * Every function gives the call's result: small and not negative, or a negative errno; -ENOSYS
 * where nobody serves ptlcalls or no method was found. guest/abi/ptlcall.h has ops and limits.
 */
#ifndef GUEST_LIB_PTLCALL_H
#define GUEST_LIB_PTLCALL_H

#include "guest/abi/ptlcall.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A register: 64 bits in long mode, 32 elsewhere. */
typedef unsigned long ptlcall_word;
typedef long ptlcall_status;

enum ptlcall_checkpoint_action {
    PTLCALL_CHECKPOINT_CONTINUE,
    PTLCALL_CHECKPOINT_SHUTDOWN,
    PTLCALL_CHECKPOINT_REBOOT,
    PTLCALL_CHECKPOINT_PAUSE,
    PTLCALL_CHECKPOINT_PAUSE_ONLY, /* no checkpoint is made */
};

struct ptlcall_discovery {
    bool found;
    uint32_t methods; /* PTLCALL_BY_… */
    uint64_t trigger; /* gpa; the guest maps it to itself */
    uint16_t port;
};

/*
 * Ask CPUID, and use the first method that works here: the trigger page, then the port.
 *
 * In ring 3 a KVM may show the host's CPUID, which has no such leaf. Then what an earlier call has found
 * stays. If there was none, the documented page and port are asked for VERSION, and used if they answer.
 * That needs exceptions_init() of guest/lib/exception.h before, since a page that is not mapped faults.
 */
bool ptlcall_init(void);
const struct ptlcall_discovery *ptlcall_discovered(void);

/*
 * Use PTLCALL_BY_MMIO or PTLCALL_BY_PORT from now on. False, and nothing changed, if it is not
 * offered or cannot be reached: a trigger above 4 GiB from 32-bit code, or a port above 0xff, whose
 * number would have to be in DX, which holds argument 3.
 */
bool ptlcall_use(uint32_t method);

/* Any call; 32-bit code has no registers for the arguments 4 to 6, and they are dropped. */
ptlcall_status ptlcall(ptlcall_word op, ptlcall_word arg1, ptlcall_word arg2, ptlcall_word arg3,
                       ptlcall_word arg4, ptlcall_word arg5, ptlcall_word arg6);

ptlcall_status ptlcall_version(void);
ptlcall_status ptlcall_marker(ptlcall_word id);
ptlcall_status ptlcall_log(const char *text);

/* Strings of commands, such as "-stopinsns 1m -run"; (list) is one command list in (count) parts. */
ptlcall_status ptlcall_enqueue(const char *const list[], size_t count, bool flush);
ptlcall_status ptlcall_multi_enqueue(const char *const list[], size_t count);
ptlcall_status ptlcall_multi_flush(const char *const list[], size_t count);
ptlcall_status ptlcall_single_enqueue(const char *commands);
ptlcall_status ptlcall_single_flush(const char *commands);

ptlcall_status ptlcall_nop(void);
ptlcall_status ptlcall_switch_to_sim(void);
ptlcall_status ptlcall_switch_to_native(void);
ptlcall_status ptlcall_kill(void);

/* A snapshot of the counters as (name), "forced" for NULL. */
ptlcall_status ptlcall_capture_stats(const char *name);

ptlcall_status ptlcall_checkpoint_generic(const char *name, enum ptlcall_checkpoint_action action);
ptlcall_status ptlcall_checkpoint_and_continue(const char *name);
ptlcall_status ptlcall_checkpoint_and_shutdown(const char *name);
ptlcall_status ptlcall_checkpoint_and_reboot(const char *name);
ptlcall_status ptlcall_checkpoint_and_pause(const char *name);
ptlcall_status ptlcall_checkpoint_dummy(void);

/*
 * Of a checkpoint's result: does the guest go on from the checkpoint, in another run than the one that
 * took it? And the result without that.
 */
#define PTLCALL_RESTORED_HERE                                                                      \
    ((ptlcall_word)(sizeof(ptlcall_word) == 8 ? PTLCALL_RESTORED : PTLCALL_RESTORED_32))

static inline bool ptlcall_is_restored(ptlcall_status result)
{
    return result > 0 && ((ptlcall_word)result & PTLCALL_RESTORED_HERE);
}

static inline ptlcall_status ptlcall_plain(ptlcall_status result)
{
    return (ptlcall_status)((ptlcall_word)result & ~PTLCALL_RESTORED_HERE);
}

/* A checkpoint with the name "default", then the machine ends. */
ptlcall_status ptlcall_checkpoint(void);

/* Write (size) bytes at (buffer) to the file NAME-core. */
ptlcall_status ptlcall_core_dump(const void *buffer, size_t size, const char *name, int signal);

#endif
