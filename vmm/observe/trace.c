#include "vmm/observe/trace.h"

#include "vmm/base/async_file.h"
#include "vmm/base/clock.h"
#include "vmm/base/text.h"
#include "vmm/core/exit.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_run.h"
#include "vmm/core/vcpu.h"
#include "vmm/io/bus.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_NS 1000000u /* between two samples of the counters */

/* The part of one vCPU. */
struct track {
    struct text line;
    uint64_t last; /* when its last exit was handled */
};

struct trace {
    struct observer observer; /* first */
    struct machine *machine;
    struct async_file *file;
    struct track *tracks; /* by vCPU */
    uint64_t origin;      /* of clock_now(): time 0 of the trace */
    atomic_bool failed;   /* out of memory for a line */

    _Atomic uint64_t next_sample;
    pthread_mutex_t sample_lock; /* protects the members below */
    struct text samples;
    uint64_t counts[EXIT_REASONS]; /* as written last */
};

/* Append a JSON string: quotes, backslashes and control characters are escaped, UTF-8 is kept. */
static void put_quoted(struct text *text, const char *string)
{
    static const char digits[] = "0123456789abcdef";

    text_append(text, "\"", 1);
    for (; *string; string++) {
        const unsigned char byte = (unsigned char)*string;
        const char code[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 0xf]};

        if (byte < ' ')
            text_append(text, code, sizeof(code));
        else if (byte == '"' || byte == '\\')
            text_append(text, (const char[]){'\\', *string}, 2);
        else
            text_append(text, string, 1);
    }
    text_append(text, "\"", 1);
}

/* Microseconds with three decimals. */
static void put_us(struct text *text, uint64_t ns)
{
    const unsigned rest = (unsigned)(ns % 1000);
    const char decimals[] = {'.', (char)('0' + rest / 100), (char)('0' + rest / 10 % 10),
                             (char)('0' + rest % 10)};

    text_append_decimal(text, ns / 1000);
    text_append(text, decimals, sizeof(decimals));
}

static uint64_t ns_from_to(uint64_t from, uint64_t to)
{
    return to > from ? to - from : 0;
}

/*
 * Append the common members of an event. The machine is process 1 and its vCPUs are threads from 1
 * on: viewers use thread 0 as the system's idle thread. The comma comes first, so that a trace cut
 * between two events lacks only the last bracket.
 */
static void put_event(const struct trace *trace, struct text *text, const char *phase, unsigned id,
                      uint64_t time)
{
    text_append_string(text, ",\"ph\":\"");
    text_append_string(text, phase);
    text_append_string(text, "\",\"pid\":1,\"tid\":");
    text_append_decimal(text, id + 1u);
    text_append_string(text, ",\"ts\":");
    put_us(text, ns_from_to(trace->origin, time));
}

static void begin_event(struct text *text)
{
    text_append_string(text, ",\n{\"name\":");
}

/* Pass (text) to the file, and clear it. */
static void hand_over(struct trace *trace, struct text *text)
{
    if (text->failed)
        atomic_store(&trace->failed, true);
    else if (text->used)
        async_file_write(trace->file, text->bytes, text->used);
    text_clear(text);
}

/* The address space in which an exit's device is searched, and the argument's name. */
static const struct place {
    const char *argument;
    bool has_bus;
    enum bus_space space;
} places[EXIT_REASONS] = {
    [KVM_EXIT_IO] = {"port", true, BUS_PIO},
    [KVM_EXIT_MMIO] = {"address", true, BUS_MMIO},
    [KVM_EXIT_X86_RDMSR] = {"msr", false, BUS_SPACES},
    [KVM_EXIT_X86_WRMSR] = {"msr", false, BUS_SPACES},
};

/* The name of a slice: the region that decodes the address, or else the reason. */
static void put_exit_name(struct trace *trace, struct text *text, const struct exit_record *record)
{
    const struct place *place = &places[exit_reason_index(record->reason)];
    struct bus_region region;

    if (place->has_bus && bus_find(&trace->machine->bus[place->space], record->address, &region))
        put_quoted(text, region.name);
    else
        put_quoted(text, exit_reason_name(record->reason));
}

static void put_hex_argument(struct text *text, const char *name, uint64_t value)
{
    text_append_string(text, ",\"");
    text_append_string(text, name);
    text_append_string(text, "\":\"");
    text_append_hex(text, value);
    text_append_string(text, "\"");
}

/* Numbers of up to 64 bits are strings: viewers store numbers as doubles. */
static void put_arguments(struct text *text, const struct exit_record *record)
{
    const struct place *place = &places[exit_reason_index(record->reason)];
    const uint64_t mask = record->size >= 8 ? UINT64_MAX : (1ull << 8 * record->size) - 1;

    text_append_string(text, ",\"args\":{\"reason\":");
    put_quoted(text, exit_reason_name(record->reason));
    if (place->argument) {
        put_hex_argument(text, place->argument, record->address);
        text_append_string(text, ",\"size\":");
        text_append_decimal(text, record->size);
        text_append_string(text, record->write ? ",\"access\":\"write\"" : ",\"access\":\"read\"");
        put_hex_argument(text, "data", record->data & mask);
    }
    if (record->count != 1) {
        text_append_string(text, ",\"count\":");
        text_append_decimal(text, record->count);
    }
    text_append_string(text, "}");
}

static void put_duration(struct text *text, uint64_t from, uint64_t to)
{
    text_append_string(text, ",\"dur\":");
    put_us(text, ns_from_to(from, to));
}

/*
 * One counter for each reason that occurred since the last sample: chrome://tracing keeps the
 * series of a counter's first event only.
 */
static void put_counters(struct trace *trace, uint64_t time)
{
    struct text *text = &trace->samples;
    uint64_t counts[EXIT_REASONS];

    machine_count_exits(trace->machine, counts);
    for (unsigned reason = 0; reason < EXIT_REASONS; reason++) {
        if (counts[reason] == trace->counts[reason])
            continue;
        trace->counts[reason] = counts[reason];
        begin_event(text);
        text_append_string(text, "\"exits ");
        text_append_string(text, exit_reason_name(reason));
        text_append_string(text, "\"");
        put_event(trace, text, "C", 0, time);
        text_append_string(text, ",\"args\":{\"total\":");
        text_append_decimal(text, counts[reason]);
        text_append_string(text, "}}");
    }
    hand_over(trace, text);
}

/* The first vCPU to come samples; another at the same time does not wait for it. */
static void sample(struct trace *trace, uint64_t time)
{
    if (time < atomic_load_explicit(&trace->next_sample, memory_order_relaxed) ||
        pthread_mutex_trylock(&trace->sample_lock) != 0)
        return;
    if (time >= atomic_load_explicit(&trace->next_sample, memory_order_relaxed)) {
        put_counters(trace, time);
        atomic_store_explicit(&trace->next_sample, time + SAMPLE_NS, memory_order_relaxed);
    }
    pthread_mutex_unlock(&trace->sample_lock);
}

void trace_exit(struct trace *trace, const struct vcpu *vcpu, uint64_t entered, uint64_t exited,
                uint64_t handled)
{
    const struct exit_history *history = &vcpu->history;
    const struct exit_record *record = &history->records[(history->total - 1) % EXIT_HISTORY];
    struct track *track = &trace->tracks[vcpu->id];
    struct text *text = &track->line;

    begin_event(text);
    text_append_string(text, "\"guest\"");
    put_event(trace, text, "X", vcpu->id, entered);
    put_duration(text, entered, exited);
    text_append_string(text, "}");

    begin_event(text);
    put_exit_name(trace, text, record);
    put_event(trace, text, "X", vcpu->id, exited);
    put_duration(text, exited, handled);
    put_arguments(text, record);
    text_append_string(text, "}");

    hand_over(trace, text);
    track->last = handled;
    sample(trace, handled);
}

void trace_milestone(struct trace *trace, const char *name, uint64_t value, uint64_t time)
{
    struct text text = {0};

    begin_event(&text);
    text_append_string(&text, "\"");
    text_append_string(&text, name);
    text_append_string(&text, " ");
    text_append_decimal(&text, value);
    text_append_string(&text, " (");
    text_append_hex(&text, value);
    text_append_string(&text, ")\"");
    put_event(trace, &text, "i", 0, time);
    text_append_string(&text, ",\"s\":\"p\",\"args\":{\"decimal\":\"");
    text_append_decimal(&text, value);
    text_append_string(&text, "\"");
    put_hex_argument(&text, "hex", value);
    text_append_string(&text, "}}");
    hand_over(trace, &text);
    text_free(&text);
}

static void observe_exit(struct observer *observer, struct vcpu *vcpu,
                         const struct exit_times *times)
{
    trace_exit((struct trace *)observer, vcpu, times->entered, times->exited, times->handled);
}

static void observe_milestone(struct observer *observer, const char *name, uint64_t value)
{
    trace_milestone((struct trace *)observer, name, value, clock_now());
}

/*
 * Append the names of the process and its tracks, and the offset between the trace's clock and the
 * host's.
 */
static void put_names(struct trace *trace)
{
    struct text *text = &trace->samples;

    text_append_string(text, "[\n{\"name\":\"process_name\"");
    put_event(trace, text, "M", 0, trace->origin);
    text_append_string(text, ",\"args\":{\"name\":\"minivmm --cpus ");
    text_append_decimal(text, trace->machine->vcpu_count);
    text_append_string(text, "\",\"clock_ns\":\"");
    text_append_decimal(text, trace->origin);
    text_append_string(text, "\"}}");
    for (unsigned id = 0; id < trace->machine->vcpu_count; id++) {
        begin_event(text);
        text_append_string(text, "\"thread_name\"");
        put_event(trace, text, "M", id, trace->origin);
        text_append_string(text, ",\"args\":{\"name\":\"vCPU ");
        text_append_decimal(text, id);
        text_append_string(text, "\"}}");
    }
    hand_over(trace, text);
}

static void destroy(struct trace *trace)
{
    for (unsigned id = 0; trace->tracks && id < trace->machine->vcpu_count; id++)
        text_free(&trace->tracks[id].line);
    text_free(&trace->samples);
    pthread_mutex_destroy(&trace->sample_lock);
    free(trace->tracks);
    free(trace);
}

struct trace *trace_create(struct machine *machine, int fd)
{
    struct trace *trace = calloc(1, sizeof(*trace));

    if (!trace)
        return NULL;
    trace->machine = machine;
    trace->origin = clock_now();
    pthread_mutex_init(&trace->sample_lock, NULL);
    trace->tracks = calloc(machine->vcpu_count, sizeof(*trace->tracks));
    trace->file = trace->tracks ? async_file_create(fd, &machine->abandoned) : NULL;
    if (!trace->file) {
        destroy(trace);
        return NULL;
    }
    put_names(trace);
    trace->observer.exit = observe_exit;
    trace->observer.milestone = observe_milestone;
    observer_add(&machine->observers, &trace->observer);
    return trace;
}

int trace_destroy(struct trace *trace)
{
    uint64_t last = 0;
    int result;

    if (!trace)
        return 0;
    observer_remove(&trace->machine->observers, &trace->observer);
    for (unsigned id = 0; id < trace->machine->vcpu_count; id++)
        if (trace->tracks[id].last > last)
            last = trace->tracks[id].last;
    put_counters(trace, last);
    async_file_write(trace->file, "\n]\n", 3);
    result = async_file_destroy(trace->file);
    if (result == 0 && atomic_load(&trace->failed))
        result = -ENOMEM;
    destroy(trace);
    return result;
}
