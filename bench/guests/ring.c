/*
 * Requests through a shared ring with the monitor's back end. Runs as a domain with two vCPUs. Guest
 * argument:
 *
 *     N               batches of N requests, 64 unless given: each is sent when the one before is answered
 *     N count         the same; hands out how many batches, notifications and events there were
 *     exit            OUTs to a device
 *     notification    notifications with nothing to serve
 *
 * The ring's work, some thousand instructions a batch, is done by the first vCPU in ring 3, since there
 * are KVMs that run all of ring 0 by an emulator of instructions, at 0.3 us each. Only ring 0 may make
 * hypercalls, and under those KVMs the way there and back costs more than two exits. So the second vCPU
 * waits in ring 0 to notify, and has the upcalls.
 */
#include "bench/guests/measure.h"
#include "guest/lib/cpu.h"
#include "guest/lib/exception.h"
#include "guest/lib/guest.h"
#include "guest/lib/interrupt.h"
#include "guest/lib/smp.h"
#include "guest/xen/start.h"
#include "guest/xen/test_ring.h"

#define BATCH_PRESET  64u
#define BOUND_ROUNDS  200000u
#define NOTIFIER_VCPU 1

static struct as_front front;
static struct evtchn_send notification; /* of (front)'s port */

/* Each is counted up by one vCPU, and waited for by the other; what is (used) the assembler uses. */
static uint32_t ring_notifications;
static uint32_t ring_upcalls __attribute__((used));

static uint32_t notifier_ready;

/* The least that an interrupt wants; 32-bit addresses reach the local APIC's EOI by themselves. */
void ring_upcall_entry(void);
__asm__("ring_upcall_entry:\n"
        "    addr32 movl $0, 0xfee000b0 - 0x100000000\n"
        "    incl ring_upcalls(%rip)\n"
        "    iretq\n");

static void take_upcalls(void)
{
    struct table_register table;
    struct idt_gate *gates;

    __asm__ volatile("sidt %0" : "=m"(table));
    gates = (struct idt_gate *)table.base;
    gates[EVENTS_VECTOR] = idt_gate_to((uintptr_t)ring_upcall_entry);
}

/* In the fewest instructions: the hypercall changes RAX alone, so the arguments stay where they are. */
static inline void notify(void)
{
    __asm__ volatile("call xen_hypercall_page + %c[stub]"
                     :
                     : [stub] "i"(__HYPERVISOR_event_channel_op * HYPERCALL_STUB_SIZE),
                       "D"((uint64_t)EVTCHNOP_send), "S"(&notification)
                     : "rax", "memory", "cc");
}

/* The second vCPU: a hypercall for each notification that is wanted. */
static void notify_for_ever(void *argument)
{
    (void)argument;
    events_init_vcpu();
    take_upcalls();
    __asm__ volatile("sti");
    __atomic_store_n(&notifier_ready, 1, __ATOMIC_RELEASE);
    for (uint32_t done = 0;; done++) {
        while (__atomic_load_n(&ring_notifications, __ATOMIC_ACQUIRE) == done)
            ;
        notify();
    }
}

/* Ring 3: (size) requests, and all of their responses. */
static void batch_run(unsigned size)
{
    static uint32_t seen;

    for (unsigned i = 0; i < size; i++)
        as_front_fill(&front);
    if (as_front_push(&front))
        __atomic_store_n(&ring_notifications, ring_notifications + 1, __ATOMIC_RELEASE);
    for (; as_front_open(&front) != 0; seen++) {
        while (__atomic_load_n(&ring_upcalls, __ATOMIC_ACQUIRE) == seen)
            __asm__ volatile("pause");
        events_serve(NOTIFIER_VCPU);
    }
}

static uint64_t ring_samples[MEASURE_SAMPLES];

static uint64_t batches_measure(void *argument)
{
    const unsigned size = *(const unsigned *)argument;

    MEASURE_INTO(ring_samples, batch_run(size));
    return 0;
}

/* The guest's status. */
static int measure_batches(unsigned size, bool count)
{
    struct evtchn_bind_vcpu bind = {.port = front.port, .vcpu = NOTIFIER_VCPU};

    if (size < 1 || size > AS_SLOTS || HYPERVISOR_event_channel_op(EVTCHNOP_bind_vcpu, &bind) < 0 ||
        !smp_start(NOTIFIER_VCPU, notify_for_ever, NULL))
        return 1;
    while (!__atomic_load_n(&notifier_ready, __ATOMIC_ACQUIRE))
        ;
    front.called = 0;
    ring3_call(batches_measure, &size);
    if (count) {
        const uint64_t counts[] = {MEASURE_ROUNDS, front.notified, front.called};

        measure_put(counts, sizeof(counts) / sizeof(counts[0]));
    } else {
        measure_put(ring_samples, MEASURE_SAMPLES);
    }
    return front.wrong == 0 ? 0 : 2;
}

static bool connect(void)
{
    if (xen_init() < 0)
        return false;
    as_front_init(&front, (struct as_sring *)__get_free_pages(GFP_KERNEL, 0), 0);
    if (as_front_connect(&front, 0) < 0 || !as_front_wait_bound(&front, BOUND_ROUNDS))
        return false;
    events_allow(); /* the event of the binding */
    notification.port = front.port;
    return true;
}

int main(const struct boot_info *boot)
{
    const unsigned size = (unsigned)number_read(boot->command);

    exceptions_init();
    if (!connect())
        return 1;
    if (argument_given(boot, "exit"))
        MEASURE(out8(MEASURE_PORT, 0x5a));
    else if (argument_given(boot, "notification"))
        MEASURE(notify());
    else
        return measure_batches(size ? size : BATCH_PRESET, argument_given(boot, "count"));
    return 0;
}
