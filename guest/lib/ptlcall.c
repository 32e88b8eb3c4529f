/* Ptlcalls from a guest. */
#include "guest/lib/ptlcall.h"

#include "guest/lib/cpu.h"
#include "guest/lib/exception.h"
#include "guest/lib/format.h"
#include "guest/lib/string.h"

#define COMMAND_MAX 256

/* `out %al, $port; ret`: the port as an immediate, since DX holds argument 3. */
#ifdef GUEST_REAL_MODE
static uint8_t port_call[] = {0xe6, PTLCALL_DEFAULT_PORT, 0x66, 0xc3}; /* a ret of 32 bits */
#else
static uint8_t port_call[] = {0xe6, PTLCALL_DEFAULT_PORT, 0xc3};
#endif

static struct ptlcall_discovery discovery;
static uint32_t method; /* PTLCALL_BY_…, 0: none */

static bool find_by_cpuid(void)
{
    struct cpuid leaf = cpuid(PTLCALL_CPUID_LEAF, 0);

    if (leaf.eax != PTLCALL_CPUID_FOUND)
        return false;
    discovery = (struct ptlcall_discovery){
        .found = true,
        .methods = leaf.ebx,
        .trigger = (uint64_t)(leaf.edx & 0xffff) << 32 | leaf.ecx,
        .port = (uint16_t)(leaf.edx >> 16),
    };
    return true;
}

#ifdef __x86_64__
/* Only guests that use exceptions have them linked in. */
#pragma weak exceptions_are_caught
#pragma weak exception_catch

/* A page that does not answer may be the guest's RAM, which stays as it was. The trigger page reads as 0. */
static void ask_version(void *result)
{
    ptlcall_status *version = result;

    if (method == PTLCALL_BY_MMIO && load16(discovery.trigger) != 0)
        return;
    *version = ptlcall_version();
    if (method == PTLCALL_BY_MMIO && *version == 0)
        store16(discovery.trigger, 0);
}

/* Where nobody takes the call, RAX stays what it was: the op, which is 0. */
static bool answers_version(uint32_t wanted)
{
    ptlcall_status version = 0;
    struct exception caught;

    ptlcall_use(wanted);
    return !exception_catch(ask_version, &version, &caught) &&
           ((uint64_t)version & ~PTLCALL_SIMULATING) == PTLCALL_VERSION_NUMBER;
}

/*
 * In ring 0 KVM always traps CPUID: what it does not show there is not there. In ring 3 a store or OUT
 * may fault, so that nothing is tried where exceptions are not caught.
 */
static bool find_by_asking(void)
{
    uint32_t answering = 0;

    if ((cs_read() & 3) != 3 || exceptions_are_caught == NULL || !exceptions_are_caught())
        return false;
    discovery = (struct ptlcall_discovery){
        .methods = PTLCALL_BY_MMIO | PTLCALL_BY_PORT,
        .trigger = PTLCALL_DEFAULT_TRIGGER,
        .port = PTLCALL_DEFAULT_PORT,
    };
    for (uint32_t each = PTLCALL_BY_MMIO; each <= PTLCALL_BY_PORT; each <<= 1)
        answering |= answers_version(each) ? each : 0;
    discovery.methods = answering;
    discovery.found = answering != 0;
    method = 0;
    return discovery.found;
}
#else
static bool find_by_asking(void)
{
    return false;
}
#endif

bool ptlcall_init(void)
{
    if (!find_by_cpuid() && !discovery.found && !find_by_asking())
        return false;
    return ptlcall_use(PTLCALL_BY_MMIO) || ptlcall_use(PTLCALL_BY_PORT);
}

const struct ptlcall_discovery *ptlcall_discovered(void)
{
    return &discovery;
}

bool ptlcall_use(uint32_t wanted)
{
    if ((discovery.methods & wanted) == 0)
        return false;
    if (wanted == PTLCALL_BY_MMIO && discovery.trigger > UINTPTR_MAX)
        return false;
    if (wanted == PTLCALL_BY_PORT && discovery.port > 0xff)
        return false;
    if (wanted != PTLCALL_BY_MMIO && wanted != PTLCALL_BY_PORT)
        return false;
    port_call[1] = (uint8_t)discovery.port;
    method = wanted;
    return true;
}

#ifdef __x86_64__
ptlcall_status ptlcall(ptlcall_word op, ptlcall_word arg1, ptlcall_word arg2, ptlcall_word arg3,
                       ptlcall_word arg4, ptlcall_word arg5, ptlcall_word arg6)
{
    register ptlcall_word r10 __asm__("r10") = arg4;
    register ptlcall_word r8 __asm__("r8") = arg5;
    register ptlcall_word r9 __asm__("r9") = arg6;

    if (method == PTLCALL_BY_MMIO) {
        __asm__ volatile("mfence; smsw (%[trigger])"
                         : "+a"(op)
                         : "D"(arg1), "S"(arg2), "d"(arg3), "r"(r10), "r"(r8),
                           "r"(r9), [trigger] "r"(discovery.trigger)
                         : "memory");
    } else if (method == PTLCALL_BY_PORT) {
        __asm__ volatile("call *%[stub]"
                         : "+a"(op)
                         : "D"(arg1), "S"(arg2), "d"(arg3), "r"(r10), "r"(r8),
                           "r"(r9), [stub] "r"(port_call)
                         : "memory");
    } else {
        return -PTLCALL_ENOSYS;
    }
    return (ptlcall_status)op;
}
#else
ptlcall_status ptlcall(ptlcall_word op, ptlcall_word arg1, ptlcall_word arg2, ptlcall_word arg3,
                       ptlcall_word arg4, ptlcall_word arg5, ptlcall_word arg6)
{
    (void)arg4;
    (void)arg5;
    (void)arg6;
    if (method == PTLCALL_BY_MMIO) {
        __asm__ volatile("smsw (%[trigger])"
                         : "+a"(op)
                         : "D"(arg1), "S"(arg2),
                           "d"(arg3), [trigger] "r"((uint32_t)discovery.trigger)
                         : "memory");
    } else if (method == PTLCALL_BY_PORT) {
        __asm__ volatile("calll *%[stub]"
                         : "+a"(op)
                         : "D"(arg1), "S"(arg2), "d"(arg3), [stub] "r"(port_call)
                         : "memory");
    } else {
        return -PTLCALL_ENOSYS;
    }
    return (ptlcall_status)op;
}
#endif

ptlcall_status ptlcall_version(void)
{
    return ptlcall(PTLCALL_OP_VERSION, 0, 0, 0, 0, 0, 0);
}

ptlcall_status ptlcall_marker(ptlcall_word id)
{
    return ptlcall(PTLCALL_OP_MARKER, id, 0, 0, 0, 0, 0);
}

ptlcall_status ptlcall_log(const char *text)
{
    return ptlcall(PTLCALL_OP_LOG, (ptlcall_word)text, strlen(text), 0, 0, 0, 0);
}

ptlcall_status ptlcall_enqueue(const char *const list[], size_t count, bool flush)
{
    struct ptlcall_descriptor descriptors[PTLCALL_DESCRIPTORS_MAX];

    if (count > PTLCALL_DESCRIPTORS_MAX)
        return -PTLCALL_E2BIG;
    for (size_t i = 0; i < count; i++)
        descriptors[i] = (struct ptlcall_descriptor){(uintptr_t)list[i], strlen(list[i])};
    return ptlcall(PTLCALL_OP_ENQUEUE, (ptlcall_word)descriptors, count, flush, 0, 0, 0);
}

ptlcall_status ptlcall_multi_enqueue(const char *const list[], size_t count)
{
    return ptlcall_enqueue(list, count, false);
}

ptlcall_status ptlcall_multi_flush(const char *const list[], size_t count)
{
    return ptlcall_enqueue(list, count, true);
}

ptlcall_status ptlcall_single_enqueue(const char *commands)
{
    return ptlcall_enqueue(&commands, 1, false);
}

ptlcall_status ptlcall_single_flush(const char *commands)
{
    return ptlcall_enqueue(&commands, 1, true);
}

ptlcall_status ptlcall_nop(void)
{
    return ptlcall_single_flush("-run");
}

ptlcall_status ptlcall_switch_to_sim(void)
{
    return ptlcall_single_flush("-run");
}

ptlcall_status ptlcall_switch_to_native(void)
{
    return ptlcall_single_flush("-stop");
}

ptlcall_status ptlcall_kill(void)
{
    return ptlcall_single_flush("-kill");
}

ptlcall_status ptlcall_capture_stats(const char *name)
{
    char commands[COMMAND_MAX];
    int length = snprintf(commands, sizeof(commands), "-snapshot-now %s -run",
                          name != NULL ? name : "forced");

    if (length >= (int)sizeof(commands))
        return -PTLCALL_E2BIG;
    return ptlcall_single_flush(commands);
}

ptlcall_status ptlcall_checkpoint_generic(const char *name, enum ptlcall_checkpoint_action action)
{
    return ptlcall(PTLCALL_OP_CHECKPOINT, (ptlcall_word)name, strlen(name), action, 0, 0, 0);
}

ptlcall_status ptlcall_checkpoint_and_continue(const char *name)
{
    return ptlcall_checkpoint_generic(name, PTLCALL_CHECKPOINT_CONTINUE);
}

ptlcall_status ptlcall_checkpoint_and_shutdown(const char *name)
{
    return ptlcall_checkpoint_generic(name, PTLCALL_CHECKPOINT_SHUTDOWN);
}

ptlcall_status ptlcall_checkpoint_and_reboot(const char *name)
{
    return ptlcall_checkpoint_generic(name, PTLCALL_CHECKPOINT_REBOOT);
}

ptlcall_status ptlcall_checkpoint_and_pause(const char *name)
{
    return ptlcall_checkpoint_generic(name, PTLCALL_CHECKPOINT_PAUSE);
}

ptlcall_status ptlcall_checkpoint_dummy(void)
{
    return ptlcall_checkpoint_generic("default", PTLCALL_CHECKPOINT_PAUSE_ONLY);
}

ptlcall_status ptlcall_checkpoint(void)
{
    return ptlcall_checkpoint_and_shutdown("default");
}

ptlcall_status ptlcall_core_dump(const void *buffer, size_t size, const char *name, int signal)
{
    return ptlcall(PTLCALL_OP_CORE_DUMP, (ptlcall_word)buffer, size, (ptlcall_word)name,
                   strlen(name), (ptlcall_word)signal, 0);
}
