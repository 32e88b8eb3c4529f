#include "vmm/record/recorder.h"

#include "vmm/base/async_file.h"
#include "vmm/base/clock.h"
#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"
#include "vmm/record/exit_lines.h"
#include "vmm/record/exit_print.h"
#include "vmm/record/known_pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TOUCHES     32            /* ranges of memory that are kept for an exit */
#define SPILL_BYTES (1024 * 1024) /* of inputs that are written before the exit is complete */

/* Registers of a vCPU, as bits by enum vcpu_register. */
struct registers {
    uint32_t known; /* a replay has (values) of them */
    uint32_t seen;  /* read in this exit */
    uint32_t news;  /* read in this exit, and the replay does not have the value */
    uint64_t values[VCPU_REGISTERS];
};

struct recorder {
    struct exit_lines lines; /* the first member, as its journal is */
    struct async_file *file;
    struct known_pages *pages;   /* what the memory of a replay holds */
    struct registers *registers; /* of each vCPU */
    uint64_t exits;              /* so far */
    uint64_t last_exited;        /* time of the last exit */
    bool failed;                 /* memory ran out, so lines are missing */

    /* The event. */
    struct vcpu *vcpu; /* whose exit it is; NULL: not an exit */
    uint64_t exited;   /* time of the exit */
    struct text head;  /* its own line */
    struct text inputs;
    bool head_written; /* by a spill */
    unsigned reads;    /* of memory, so far */
    unsigned operations[JOURNAL_OPERATIONS];

    /* Memory that the event has read or written. With TOUCHES ranges, all memory counts as such. */
    struct {
        uint64_t first, last;
    } touches[TOUCHES];
    unsigned touch_count;
};

static struct recorder *recorder_of(struct journal *journal)
{
    return (struct recorder *)journal;
}

/* ---- writing the lines of an event ---- */

/* The registers that are news, as the first input. */
static void put_registers(struct registers *registers, struct text *text)
{
    if (registers->news)
        text_append_string(text, "< regs");
    for (unsigned reg = 0; registers->news && reg < VCPU_REGISTERS; reg++) {
        if (!(registers->news & UINT32_C(1) << reg))
            continue;
        text_append(text, " ", 1);
        text_append_string(text, vcpu_register_names[reg]);
        text_append(text, "=", 1);
        text_append_hex(text, registers->values[reg]);
    }
    if (registers->news)
        text_append(text, "\n", 1);
    registers->seen = registers->news = 0;
}

static void write_text(struct recorder *recorder, struct text *text)
{
    async_file_write(recorder->file, text->bytes, text->used);
    text_clear(text);
}

/* Complete the event's own line, and append the registers. */
static void end_head(struct recorder *recorder)
{
    text_append(&recorder->head, "\n", 1);
    if (recorder->vcpu)
        put_registers(&recorder->registers[recorder->vcpu->id], &recorder->head);
}

/* ; DELTA TIME, or - for a time that is not known yet: (handled) is 0. */
static void put_times(struct recorder *recorder, uint64_t handled)
{
    const int64_t delta = (int64_t)(recorder->exited - recorder->last_exited);
    struct text *head = &recorder->head;

    text_append(head, " ; ", 3);
    if (delta < 0)
        text_append(head, "-", 1);
    text_append_decimal(head, (uint64_t)(delta < 0 ? -delta : delta));
    text_append(head, " ", 1);
    if (handled)
        text_append_decimal(head, handled - recorder->exited);
    else
        text_append(head, "-", 1);
    recorder->last_exited = recorder->exited;
}

/*
 * The inputs got long: write the lines so far. Not for string I/O: its line says how many elements were
 * handled, which is not known yet. Nor for a timer, whose device reads little.
 */
static void spill(struct recorder *recorder)
{
    const struct kvm_run *run = recorder->vcpu ? recorder->vcpu->run : NULL;

    if (!run)
        return;
    if (run->exit_reason == KVM_EXIT_IO && run->io.count != 1)
        return;
    if (!recorder->head_written) {
        const uint32_t done = recorder->vcpu->io_done;

        recorder->vcpu->io_done = 1; /* as it will be when the exit is handled */
        exit_print_line(recorder->vcpu, &recorder->head);
        recorder->vcpu->io_done = done;
        put_times(recorder, 0);
        end_head(recorder);
        write_text(recorder, &recorder->head);
        recorder->head_written = true;
    }
    write_text(recorder, &recorder->inputs);
}

/* Write the event in one piece, so that the lines of two vCPUs never mix. */
static void write_event(struct recorder *recorder)
{
    const struct text *effects = &recorder->lines.effects;
    struct text *head = &recorder->head;

    if (head->used)
        end_head(recorder);
    else if (!recorder->head_written)
        return;
    else if (recorder->vcpu) /* registers that were read after a spill */
        put_registers(&recorder->registers[recorder->vcpu->id], &recorder->inputs);
    recorder->failed |= recorder->inputs.failed | effects->failed;
    text_append(head, recorder->inputs.bytes, recorder->inputs.used);
    text_append(head, effects->bytes, effects->used);
    recorder->failed |= head->failed;
    write_text(recorder, head);
}

/* ---- events ---- */

/* The event has begun; (vcpu) is NULL if it is not an exit. */
static void start_event(struct recorder *recorder, struct vcpu *vcpu, uint64_t exited)
{
    recorder->vcpu = vcpu;
    recorder->exited = exited;
    text_clear(&recorder->head);
    text_clear(&recorder->inputs);
    recorder->head_written = false;
    recorder->reads = 0;
    memset(recorder->operations, 0, sizeof(recorder->operations));
    recorder->touch_count = 0;
}

static void begin_exit(struct journal *journal, struct vcpu *vcpu, uint64_t exited)
{
    struct recorder *recorder = recorder_of(journal);

    exit_lines_begin(&recorder->lines);
    start_event(recorder, vcpu, exited);
}

static void end_exit(struct journal *journal, uint64_t handled)
{
    struct recorder *recorder = recorder_of(journal);

    recorder->exits++;
    exit_print_data(recorder->vcpu, &recorder->lines.effects);
    if (!recorder->head_written) {
        exit_print_line(recorder->vcpu, &recorder->head);
        put_times(recorder, handled);
    }
    write_event(recorder);
    exit_lines_end(&recorder->lines);
}

static bool begin_typed(struct journal *journal)
{
    struct recorder *recorder = recorder_of(journal);

    if (!exit_lines_try_begin(&recorder->lines))
        return false;
    start_event(recorder, NULL, 0);
    return true;
}

static void end_typed(struct journal *journal, const char *name, const void *bytes, size_t length)
{
    struct recorder *recorder = recorder_of(journal);
    struct text *head = &recorder->head;

    if (length) {
        text_append_string(head, "typed ");
        if (name) {
            text_append_string(head, name);
            text_append(head, " ", 1);
        }
        text_append(head, "\"", 1);
        text_append_escaped(head, bytes, length);
        text_append(head, "\"", 1);
    }
    write_event(recorder);
    exit_lines_end(&recorder->lines);
}

static void begin_timer(struct journal *journal)
{
    struct recorder *recorder = recorder_of(journal);

    exit_lines_begin(&recorder->lines);
    start_event(recorder, NULL, 0);
}

static void end_timer(struct journal *journal, const char *name)
{
    struct recorder *recorder = recorder_of(journal);

    if (name) {
        text_append_string(&recorder->head, "timer ");
        text_append_string(&recorder->head, name);
    }
    write_event(recorder);
    exit_lines_end(&recorder->lines);
}

/* ---- inputs ---- */

static uint64_t supply_number(struct journal *journal, enum journal_number number, uint64_t live)
{
    struct text *inputs = &recorder_of(journal)->inputs;

    text_append(inputs, "< ", 2);
    text_append_string(inputs, exit_number_names[number]);
    text_append(inputs, " ", 1);
    text_append_decimal(inputs, live);
    text_append(inputs, "\n", 1);
    return live;
}

/* Only failures have a line. */
static int supply_result(struct journal *journal, enum journal_operation operation, int live)
{
    struct recorder *recorder = recorder_of(journal);
    struct text *inputs = &recorder->inputs;
    const unsigned count = ++recorder->operations[operation];

    if (live == 0)
        return 0;
    text_append_string(inputs, "< result ");
    text_append_string(inputs, exit_operation_names[operation]);
    text_append(inputs, " ", 1);
    text_append_decimal(inputs, count);
    text_append(inputs, " ", 1);
    text_append_decimal(inputs, (uint64_t)-live);
    text_append(inputs, "\n", 1);
    return live;
}

/* The first read counts: the handler may change the register afterwards. */
static void record_register(struct journal *journal, unsigned reg, uint64_t value)
{
    struct recorder *recorder = recorder_of(journal);
    const uint32_t bit = UINT32_C(1) << reg;
    struct registers *registers;

    if (!recorder->vcpu)
        return;
    registers = &recorder->registers[recorder->vcpu->id];
    if (registers->seen & bit)
        return;
    registers->seen |= bit;
    if (registers->known & bit && registers->values[reg] == value)
        return;
    registers->known |= bit;
    registers->news |= bit;
    registers->values[reg] = value;
}

static void record_input(struct journal *journal, const char *name, const void *bytes,
                         size_t length)
{
    struct text *inputs = &recorder_of(journal)->inputs;

    text_append_string(inputs, "< typed ");
    text_append_string(inputs, name);
    text_append(inputs, " \"", 2);
    text_append_escaped(inputs, bytes, length);
    text_append(inputs, "\"\n", 2);
}

/* ---- memory ---- */

/* Has this event read or written any byte of (first) to (last)? */
static bool is_touched(const struct recorder *recorder, uint64_t first, uint64_t last)
{
    if (recorder->touch_count == TOUCHES)
        return true;
    for (unsigned i = 0; i < recorder->touch_count; i++)
        if (first <= recorder->touches[i].last && last >= recorder->touches[i].first)
            return true;
    return false;
}

static void add_touch(struct recorder *recorder, uint64_t first, uint64_t last)
{
    const unsigned count = recorder->touch_count;

    if (count > 0 && recorder->touches[count - 1].last + 1 == first) {
        recorder->touches[count - 1].last = last;
        return;
    }
    if (count == TOUCHES)
        return;
    recorder->touches[count].first = first;
    recorder->touches[count].last = last;
    recorder->touch_count++;
}

/* How many of the (length) bytes at (address) are in its page. */
static uint64_t piece_of_page(uint64_t address, uint64_t length)
{
    const uint64_t piece = PAGE_SIZE - (address & PAGE_MASK);

    return piece < length ? piece : length;
}

/*
 * Memory of one page that was read, of which the replay does not have all. If the event has (touched)
 * it before, it changed during the event: the line then says after how many reads.
 */
static void put_news(struct recorder *recorder, bool touched, uint64_t address,
                     const uint8_t *bytes, uint64_t length)
{
    struct text *inputs = &recorder->inputs;

    for (uint64_t done = 0, piece; done < length; done += piece) {
        piece = length - done < EXIT_LINE_MEMORY ? length - done : EXIT_LINE_MEMORY;
        if (known_pages_holds(recorder->pages, gpa(address + done), bytes + done, piece))
            continue;
        text_append_string(inputs, touched ? "< changed " : "< memory");
        if (touched)
            text_append_decimal(inputs, recorder->reads);
        exit_lines_print_memory(inputs, address + done, bytes + done, piece);
    }
    known_pages_set(recorder->pages, gpa(address), bytes, length);
}

static void record_read(struct journal *journal, gpa_t address, const void *bytes, uint64_t length)
{
    struct recorder *recorder = recorder_of(journal);
    const uint64_t last = address.value + length - 1;
    const bool touched = length && is_touched(recorder, address.value, last);

    for (uint64_t done = 0, piece; done < length; done += piece) {
        const uint64_t at = address.value + done;
        const uint8_t *from = (const uint8_t *)bytes + done;

        piece = piece_of_page(at, length - done);
        if (!known_pages_holds(recorder->pages, gpa(at), from, piece))
            put_news(recorder, touched, at, from, piece);
    }
    recorder->reads++;
    if (length)
        add_touch(recorder, address.value, last);
    if (recorder->inputs.used > SPILL_BYTES)
        spill(recorder);
}

static void record_write(struct journal *journal, gpa_t address, const void *bytes, uint64_t length)
{
    struct recorder *recorder = recorder_of(journal);

    for (uint64_t done = 0, piece; done < length; done += piece) {
        const uint64_t at = address.value + done;

        piece = piece_of_page(at, length - done);
        known_pages_set(recorder->pages, gpa(at), (const uint8_t *)bytes + done, piece);
    }
    if (length)
        add_touch(recorder, address.value, address.value + length - 1);
    exit_lines_record_write(journal, address, bytes, length);
}

/* Consoles need no list: their input comes from outside. */
static const struct journal_ops ops = {
    .begin_exit = begin_exit,
    .end_exit = end_exit,
    .begin_typed = begin_typed,
    .end_typed = end_typed,
    .begin_timer = begin_timer,
    .end_timer = end_timer,
    .supply_number = supply_number,
    .supply_result = supply_result,
    .record_read = record_read,
    .record_register = record_register,
    .record_input = record_input,
    .record_write = record_write,
    .record_effect = exit_lines_record_effect,
    .record_text = exit_lines_record_text,
    .record_file = exit_lines_record_file,
    .record_end = exit_lines_record_end,
};

/* ---- the recording as a whole ---- */

struct recorder *recorder_create(int fd, unsigned vcpu_count, const atomic_bool *abandoned)
{
    struct recorder *recorder = calloc(1, sizeof(*recorder));

    if (!recorder)
        return NULL;
    exit_lines_init(&recorder->lines, &ops);
    recorder->registers = calloc(vcpu_count, sizeof(*recorder->registers));
    recorder->pages = known_pages_create();
    recorder->file = async_file_create(fd, abandoned);
    if (recorder->registers && recorder->pages && recorder->file)
        return recorder;
    recorder_destroy(recorder);
    return NULL;
}

void recorder_destroy(struct recorder *recorder)
{
    if (!recorder)
        return;
    async_file_destroy(recorder->file);
    known_pages_destroy(recorder->pages);
    free(recorder->registers);
    text_free(&recorder->head);
    text_free(&recorder->inputs);
    exit_lines_finish(&recorder->lines);
    free(recorder);
}

struct journal *recorder_journal(struct recorder *recorder)
{
    return &recorder->lines.journal;
}

void recorder_begin(struct recorder *recorder, const struct text *header)
{
    recorder->last_exited = clock_now();
    async_file_write(recorder->file, header->bytes, header->used);
}

/* One `report` line for each line of (report). */
static void put_report(struct text *text, const struct text *report)
{
    const char *line = report->bytes;
    const char *end = report->bytes + report->used;

    while (line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const size_t length = (size_t)((newline ? newline : end) - line);

        text_append_string(text, "report \"");
        text_append_escaped(text, line, length);
        text_append_string(text, "\"\n");
        line += length + 1;
    }
}

static void put_counted(struct text *text, const char *word, uint64_t number)
{
    text_append_string(text, word);
    text_append_decimal(text, number);
    text_append(text, "\n", 1);
}

int recorder_finish(struct recorder *recorder, struct machine *machine, const struct text *report)
{
    const uint64_t waits = async_file_waits(recorder->file);
    struct text text = {0};
    int result, written;

    text_append_string(&text, "ended ");
    text_append_string(&text, outcome_table[machine_outcome(machine)].name);
    text_append(&text, "\n", 1);
    put_report(&text, report);
    if (waits)
        put_counted(&text, "waits ", waits);
    put_counted(&text, "done ", recorder->exits);
    async_file_write(recorder->file, text.bytes, text.used);
    result = text.failed || recorder->failed ? -ENOMEM : 0;
    text_free(&text);
    written = async_file_destroy(recorder->file);
    recorder->file = NULL;
    return result < 0 ? result : written;
}

uint64_t recorder_waits(const struct recorder *recorder)
{
    return async_file_waits(recorder->file);
}
