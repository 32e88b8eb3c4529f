#include "vmm/record/exit_parse.h"

#include "vmm/base/outcome.h"
#include "vmm/core/exit.h"
#include "vmm/core/vcpu.h"

#include <errno.h>
#include <string.h>

static int check_size(const struct cursor *line, const struct exit_event *event,
                      struct error *error)
{
    const bool port = event->reason == KVM_EXIT_IO;
    const unsigned size = event->size;

    if (port && size != 1 && size != 2 && size != 4)
        return lines_refuse(line->lines, error, "a port access has 1, 2 or 4 bytes, not %u", size);
    if (size < 1 || size > 8)
        return lines_refuse(line->lines, error, "an access has 1 to 8 bytes, not %u", size);
    if (port && event->address > 0xffff)
        return lines_refuse(line->lines, error, "0x%llx is no port; the last is 0xffff",
                            (unsigned long long)event->address);
    return 0;
}

/* ADDRESS SIZE */
static int parse_place(struct cursor *line, struct exit_event *event, struct error *error)
{
    uint64_t size = 0;
    int result = cursor_number(line, "an address", &event->address, error);

    if (result == 0)
        result = cursor_number(line, "a size in bytes", &size, error);
    event->size = size < 16 ? (unsigned)size : 16;
    event->count = 1;
    return result < 0 ? result : check_size(line, event, error);
}

static int parse_read(struct cursor *line, struct exit_event *event, struct error *error)
{
    return parse_place(line, event, error);
}

static int parse_write(struct cursor *line, struct exit_event *event, struct error *error)
{
    int result = parse_place(line, event, error);

    event->write = true;
    if (result == 0)
        result = cursor_number(line, "a value", &event->value, error);
    if (result == 0 && event->size < 8 && event->value >> (8 * event->size))
        return lines_refuse(line->lines, error, "0x%llx has more than %u bytes",
                            (unsigned long long)event->value, event->size);
    return result;
}

static int check_string(const struct cursor *line, const struct exit_event *event, uint64_t bytes,
                        struct error *error)
{
    if (bytes == 0 || bytes > EXIT_IO_MAX || bytes % event->size)
        return lines_refuse(line->lines, error,
                            "a string I/O has 1 to %d bytes in whole elements, not %llu",
                            EXIT_IO_MAX, (unsigned long long)bytes);
    return 0;
}

static int parse_outs(struct cursor *line, struct exit_event *event, struct error *error)
{
    int result = parse_place(line, event, error);

    event->write = event->string = true;
    if (result == 0)
        result = cursor_bytes(line, "what is written", &event->text, error);
    if (result == 0)
        result = check_string(line, event, event->text.used, error);
    if (result == 0)
        event->count = (uint32_t)(event->text.used / event->size);
    return result;
}

static int parse_ins(struct cursor *line, struct exit_event *event, struct error *error)
{
    uint64_t count = 0;
    int result = parse_place(line, event, error);

    event->string = true;
    if (result == 0)
        result = cursor_number(line, "how many elements", &count, error);
    if (result == 0 && count > EXIT_IO_MAX)
        count = EXIT_IO_MAX + 1;
    if (result == 0)
        result = check_string(line, event, count * event->size, error);
    event->count = (uint32_t)count;
    return result;
}

static int parse_number(struct cursor *line, struct exit_event *event, struct error *error)
{
    return cursor_number(line, "a number", &event->value, error);
}

/* A number of at most 32 bits. */
static int parse_32_bits(struct cursor *line, const char *what, uint64_t *value,
                         struct error *error)
{
    int result = cursor_number(line, what, value, error);

    if (result == 0 && *value > UINT32_MAX)
        return lines_refuse(line->lines, error, "0x%llx has more than 32 bits; give %s",
                            (unsigned long long)*value, what);
    return result;
}

static int parse_type(struct cursor *line, struct exit_event *event, struct error *error)
{
    return parse_32_bits(line, "the type of a system event", &event->value, error);
}

static int parse_rdmsr(struct cursor *line, struct exit_event *event, struct error *error)
{
    return parse_32_bits(line, "the number of an MSR", &event->address, error);
}

static int parse_wrmsr(struct cursor *line, struct exit_event *event, struct error *error)
{
    int result = parse_rdmsr(line, event, error);

    return result < 0 ? result : cursor_number(line, "a value", &event->value, error);
}

/* The number of an exit reason that has no word. */
static int parse_other(struct cursor *line, struct exit_event *event, struct error *error)
{
    int result = parse_32_bits(line, "KVM's exit reason", &event->value, error);

    event->reason = (uint32_t)event->value;
    if (result == 0 && exit_reason_index(event->reason) != EXIT_REASON_OTHER)
        return lines_refuse(line->lines, error, "exit reason %u has a word of its own: %s",
                            event->reason, exit_reason_name(event->reason));
    return result;
}

/* [NAME] TEXT: the name of a device, or none for the machine's console. */
static int parse_typed(struct cursor *line, struct exit_event *event, struct error *error)
{
    const size_t length = cursor_plain(line);
    const char *word;

    if (length >= sizeof(event->name))
        return lines_refuse(line->lines, error, "no device has a name that long");
    if (length) {
        cursor_word(line, &word);
        memcpy(event->name, word, length);
        event->name[length] = '\0';
    }
    return cursor_text(line, "a text in quotes", &event->text, error);
}

/* NAME: a device, or a device and the index of its timer. */
static int parse_timer(struct cursor *line, struct exit_event *event, struct error *error)
{
    const size_t length = cursor_plain(line);
    const char *word;

    if (length == 0 || length >= sizeof(event->name))
        return lines_refuse(line->lines, error, "give the name of a timer, such as alarm.0");
    cursor_word(line, &word);
    memcpy(event->name, word, length);
    event->name[length] = '\0';
    return 0;
}

static int parse_text(struct cursor *line, struct exit_event *event, struct error *error)
{
    return cursor_text(line, "a text in quotes", &event->text, error);
}

static int parse_outcome(struct cursor *line, struct exit_event *event, struct error *error)
{
    static const enum outcome outcomes[] = {
        OUTCOME_GUEST,       OUTCOME_SETUP, OUTCOME_TRIPLE_FAULT, OUTCOME_CRASH,    OUTCOME_TIMEOUT,
        OUTCOME_INTERRUPTED, OUTCOME_RESET, OUTCOME_OUTPUT,       OUTCOME_INTERNAL,
    };

    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        if (cursor_skip(line, outcome_table[outcomes[i]].name)) {
            event->value = outcomes[i];
            return 0;
        }
    }
    return lines_refuse(line->lines, error, "this is no way to end");
}

static int parse_nothing(struct cursor *line, struct exit_event *event, struct error *error)
{
    (void)line;
    (void)event;
    (void)error;
    return 0;
}

struct event_form {
    const char *word;
    enum exit_event_kind kind;
    uint32_t reason; /* of EVENT_EXIT */
    int (*parse)(struct cursor *line, struct exit_event *event, struct error *error);
};

/* Frequent events first: the table is searched from its start. */
static const struct event_form forms[] = {
    {"out", EVENT_EXIT, KVM_EXIT_IO, parse_write},
    {"in", EVENT_EXIT, KVM_EXIT_IO, parse_read},
    {"store", EVENT_EXIT, KVM_EXIT_MMIO, parse_write},
    {"load", EVENT_EXIT, KVM_EXIT_MMIO, parse_read},
    {"outs", EVENT_EXIT, KVM_EXIT_IO, parse_outs},
    {"ins", EVENT_EXIT, KVM_EXIT_IO, parse_ins},
    {"hlt", EVENT_EXIT, KVM_EXIT_HLT, parse_nothing},
    {"shutdown", EVENT_EXIT, KVM_EXIT_SHUTDOWN, parse_nothing},
    {"intr", EVENT_EXIT, KVM_EXIT_INTR, parse_nothing},
    {"irq-window", EVENT_EXIT, KVM_EXIT_IRQ_WINDOW_OPEN, parse_nothing},
    {"debug", EVENT_EXIT, KVM_EXIT_DEBUG, parse_nothing},
    {"exception", EVENT_EXIT, KVM_EXIT_EXCEPTION, parse_nothing},
    {"fail-entry", EVENT_EXIT, KVM_EXIT_FAIL_ENTRY, parse_nothing},
    {"internal-error", EVENT_EXIT, KVM_EXIT_INTERNAL_ERROR, parse_nothing},
    {"unknown-hardware", EVENT_EXIT, KVM_EXIT_UNKNOWN, parse_nothing},
    {"rdmsr", EVENT_EXIT, KVM_EXIT_X86_RDMSR, parse_rdmsr},
    {"wrmsr", EVENT_EXIT, KVM_EXIT_X86_WRMSR, parse_wrmsr},
    {"system-event", EVENT_EXIT, KVM_EXIT_SYSTEM_EVENT, parse_type},
    {"other", EVENT_EXIT, EXIT_REASON_OTHER, parse_other},
    {"timer", EVENT_TIMER, 0, parse_timer},
    {"typed", EVENT_TYPED, 0, parse_typed},
    {"ended", EVENT_ENDED, 0, parse_outcome},
    {"report", EVENT_REPORT, 0, parse_text},
    {"waits", EVENT_WAITS, 0, parse_number},
    {"done", EVENT_DONE, 0, parse_number},
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))

static int parse_vcpu(struct cursor *line, struct exit_event *event, struct error *error)
{
    uint64_t id = 0;
    int result;

    if (line->next == line->end || *line->next != '@')
        return 0;
    line->next++;
    if (line->next < line->end && *line->next == ' ')
        return lines_refuse(line->lines, error, "the number of the vCPU must follow @ directly");
    result = cursor_number(line, "the number of a vCPU", &id, error);
    event->vcpu = id < UINT32_MAX ? (unsigned)id : UINT32_MAX;
    return result;
}

/* ; DELTA TIME */
static int parse_times(struct cursor *line, struct exit_event *event, struct error *error)
{
    int result;

    if (!cursor_skip(line, ";"))
        return 0;
    event->timed = true;
    result = cursor_signed(line, "nanoseconds", &event->delta, error);
    event->measured = result == 0 && !cursor_skip(line, "-");
    if (event->measured)
        result = cursor_number(line, "nanoseconds", &event->handle_ns, error);
    return result;
}

static const struct event_form *form_of(struct cursor *line)
{
    for (size_t i = 0; i < FORMS; i++)
        if (cursor_skip(line, forms[i].word))
            return &forms[i];
    return NULL;
}

static int refuse_event(struct cursor *line, struct error *error)
{
    const char *word;
    size_t length;

    if (cursor_skip(line, "<"))
        return lines_refuse(line->lines, error,
                            "an input without its exit: inputs stand before effects");
    if (cursor_skip(line, ">"))
        return lines_refuse(line->lines, error, "an effect without its exit");
    length = cursor_word(line, &word);
    return lines_refuse(line->lines, error, "'%.*s' is no exit%s", (int)(length < 80 ? length : 80),
                        word, length ? " and no event" : " of a vCPU");
}

int exit_parse_version(struct lines *lines, struct error *error)
{
    struct cursor line;
    uint64_t version;
    int result = lines_next(lines, &line, error);

    if (result < 0)
        return result;
    if (result == 0 || !cursor_skip(&line, "exits"))
        return error_set(
            error, -EINVAL,
            "%.300s: this is no exit stream: its first line is not `exits %d`; make one "
            "with --record",
            lines->path, EXIT_STREAM_VERSION);
    result = cursor_number(&line, "the version of the format", &version, error);
    if (result == 0)
        result = cursor_finish(&line, error);
    if (result == 0 && version != EXIT_STREAM_VERSION)
        return lines_refuse(lines, error,
                            "version %llu of the format; this minivmm reads version %d",
                            (unsigned long long)version, EXIT_STREAM_VERSION);
    return result;
}

int exit_parse_event(struct cursor *line, struct exit_event *event, struct error *error)
{
    const char *begin = line->next;
    const struct event_form *form;
    struct text text = event->text;
    bool named; /* a vCPU */
    int result;

    *event = (struct exit_event){.text = text};
    text_clear(&event->text);
    result = parse_vcpu(line, event, error);
    if (result < 0)
        return result;
    named = line->next > begin;
    form = form_of(line);
    if (!form || (named && form->kind != EVENT_EXIT))
        return refuse_event(line, error);
    event->kind = form->kind;
    event->reason = form->reason;
    result = form->parse(line, event, error);
    if (result == 0 && event->kind == EVENT_EXIT)
        result = parse_times(line, event, error);
    return result < 0 ? result : cursor_finish(line, error);
}

void exit_event_free(struct exit_event *event)
{
    text_free(&event->text);
}

/* ---- an exit in the run page ---- */

static void set_io(const struct exit_event *event, struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;
    uint8_t *data = (uint8_t *)run + EXIT_IO_OFFSET;

    run->io.direction = event->write ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
    run->io.size = (uint8_t)event->size;
    run->io.port = (uint16_t)event->address;
    run->io.count = event->count;
    run->io.data_offset = EXIT_IO_OFFSET;
    if (event->write && event->string)
        memcpy(data, event->text.bytes, event->text.used);
    else if (event->write)
        memcpy(data, &event->value, event->size);
}

static void set_mmio(const struct exit_event *event, struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;

    run->mmio.phys_addr = event->address;
    run->mmio.len = event->size;
    run->mmio.is_write = event->write;
    memcpy(run->mmio.data, &event->value, sizeof(run->mmio.data));
}

void exit_event_fill_run(const struct exit_event *event, struct vcpu *vcpu)
{
    struct kvm_run *run = vcpu->run;

    run->exit_reason = event->reason;
    switch (event->reason) {
    case KVM_EXIT_IO:
        set_io(event, vcpu);
        break;
    case KVM_EXIT_MMIO:
        set_mmio(event, vcpu);
        break;
    case KVM_EXIT_SYSTEM_EVENT:
        run->system_event.type = (uint32_t)event->value;
        break;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
        run->msr.index = (uint32_t)event->address;
        run->msr.data = event->value;
        run->msr.error = 0;
        break;
    default:
        break;
    }
}
