/* The tape: inputs, which are recorded as the host gives them, or given by a replay. */
#include "vmm/record/exit_lines.h"

#include "vmm/record/recorder_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEX_BYTES   32            /* of memory in one line */
#define SPILL_BYTES (1024 * 1024) /* lines of memory that are written before the exit is over */

const char *const tape_number_names[TAPE_NUMBERS] = {
    [TAPE_CLOCK] = "clock",
    [TAPE_WALL] = "wall",
    [TAPE_TSC] = "tsc",
};

const char *const tape_operation_names[TAPE_OPERATIONS] = {
    [TAPE_CONSOLE] = "console",
    [TAPE_LOG] = "log",
    [TAPE_FILE] = "file",
    [TAPE_END] = "end",
};

int tape_list_add(struct tape_list *list, uint64_t value)
{
    if (list->count == list->room) {
        const size_t room = list->room ? 2 * list->room : 16;
        uint64_t *values = reallocarray(list->values, room, sizeof(*values));

        if (!values)
            return -ENOMEM;
        list->values = values;
        list->room = room;
    }
    list->values[list->count++] = value;
    return 0;
}

static uint64_t given_number(struct tape_given *given, enum tape_number number)
{
    struct tape_list *list = &given->numbers[number];

    if (list->next < list->count)
        given->last[number] = list->values[list->next++];
    return given->last[number];
}

uint64_t tape_take_number(struct tape *tape, enum tape_number number, uint64_t live)
{
    if (!tape_is_open(tape))
        return live;
    if (tape->replays)
        return given_number(&tape->given, number);
    text_put(&tape->inputs, "< ", 2);
    text_put_string(&tape->inputs, tape_number_names[number]);
    text_put(&tape->inputs, " ", 1);
    text_put_decimal(&tape->inputs, live);
    text_put(&tape->inputs, "\n", 1);
    return live;
}

static int given_result(struct tape *tape, enum tape_operation operation)
{
    struct tape_list *failed = &tape->given.failed[operation];

    if (failed->next == failed->count ||
        failed->values[failed->next] != tape->operations[operation])
        return 0;
    return -(int)tape->given.errors[operation].values[failed->next++];
}

int tape_take_result(struct tape *tape, enum tape_operation operation, int live)
{
    if (!tape_is_open(tape))
        return live;
    tape->operations[operation]++;
    if (tape->replays)
        return given_result(tape, operation);
    if (live == 0)
        return 0;
    text_put_string(&tape->inputs, "< result ");
    text_put_string(&tape->inputs, tape_operation_names[operation]);
    text_put(&tape->inputs, " ", 1);
    text_put_decimal(&tape->inputs, tape->operations[operation]);
    text_put(&tape->inputs, " ", 1);
    text_put_decimal(&tape->inputs, (uint64_t)-live);
    text_put(&tape->inputs, "\n", 1);
    return live;
}

const char *tape_unasked(const struct tape *tape)
{
    const struct tape_given *given = &tape->given;

    for (unsigned number = 0; number < TAPE_NUMBERS; number++)
        if (given->numbers[number].next < given->numbers[number].count)
            return tape_number_names[number];
    for (unsigned operation = 0; operation < TAPE_OPERATIONS; operation++)
        if (given->failed[operation].next < given->failed[operation].count)
            return "result";
    return given->change_next < given->change_count ? "changed" : NULL;
}

void tape_see_register(struct tape *tape, unsigned reg, uint64_t value)
{
    struct tape_registers *registers;
    const uint32_t bit = UINT32_C(1) << reg;

    if (!tape_is_open(tape) || !tape->recording || !tape->vcpu)
        return;
    registers = &tape->recording->registers[tape->vcpu->id];
    if (registers->seen & bit)
        return;
    registers->seen |= bit;
    if (registers->known & bit && registers->values[reg] == value)
        return;
    registers->known |= bit;
    registers->news |= bit;
    registers->values[reg] = value;
}

void tape_see_typed(struct tape *tape, const char *name, const void *bytes, size_t length)
{
    struct text *text;

    if (!tape_is_open(tape) || tape->replays)
        return;
    text = &tape->inputs;
    text_put_string(text, "< typed ");
    text_put_string(text, name);
    text_put(text, " \"", 2);
    text_put_escaped(text, bytes, length);
    text_put(text, "\"\n", 2);
}

/* Memory that a replay is given in the midst of the exit. */
static void make_changes(struct tape *tape)
{
    struct tape_given *given = &tape->given;

    for (; given->change_next < given->change_count; given->change_next++) {
        const struct tape_change *change = &given->changes[given->change_next];

        if (change->after > tape->reads)
            return;
        memcpy(memory_at(tape->memory, change->address, change->length),
               given->bytes.bytes + change->offset, change->length);
    }
}

void tape_before_read(struct tape *tape)
{
    if (!tape_is_open(tape))
        return;
    if (tape->replays)
        make_changes(tape);
    tape->reads++;
}

/* Has this exit read or written any of it? */
static bool is_touched(const struct tape_recording *recording, uint64_t first, uint64_t last)
{
    if (recording->touch_count == TAPE_TOUCHES)
        return true;
    for (unsigned i = 0; i < recording->touch_count; i++)
        if (first <= recording->touches[i].last && last >= recording->touches[i].first)
            return true;
    return false;
}

static void add_touch(struct tape_recording *recording, uint64_t first, uint64_t last)
{
    unsigned count = recording->touch_count;

    if (count > 0 && recording->touches[count - 1].last + 1 == first) {
        recording->touches[count - 1].last = last;
        return;
    }
    if (count == TAPE_TOUCHES)
        return;
    recording->touches[count].first = first;
    recording->touches[count].last = last;
    recording->touch_count++;
}

/* The bytes are all of one page. */
static void put_news(struct tape *tape, bool touched, uint64_t address, const uint8_t *bytes,
                     uint64_t length)
{
    struct text *text = &tape->inputs;

    for (uint64_t done = 0, piece; done < length; done += piece) {
        piece = length - done < HEX_BYTES ? length - done : HEX_BYTES;
        if (known_pages_holds(tape->recording->shadow, gpa(address + done), bytes + done, piece))
            continue;
        text_put_string(text, touched ? "< changed " : "< memory ");
        if (touched) {
            text_put_decimal(text, tape->reads - 1);
            text_put(text, " ", 1);
        }
        text_put_hex(text, address + done);
        text_put(text, " ", 1);
        text_put_bytes(text, bytes + done, piece);
        text_put(text, " ", 1);
        text_put_ascii(text, bytes + done, piece);
        text_put(text, "\n", 1);
    }
    known_pages_set(tape->recording->shadow, gpa(address), bytes, length);
}

void tape_after_read(struct tape *tape, gpa_t address, const void *bytes, uint64_t length)
{
    struct tape_recording *recording;
    bool touched;

    if (!tape_is_open(tape) || !tape->recording || length == 0)
        return;
    recording = tape->recording;
    touched = is_touched(recording, address.value, address.value + length - 1);
    for (uint64_t done = 0, piece; done < length; done += piece) {
        const uint64_t at = address.value + done;
        const uint8_t *from = (const uint8_t *)bytes + done;

        piece = PAGE_SIZE - (at & PAGE_MASK);
        if (piece > length - done)
            piece = length - done;
        if (!known_pages_holds(recording->shadow, gpa(at), from, piece))
            put_news(tape, touched, at, from, piece);
    }
    add_touch(recording, address.value, address.value + length - 1);
    if (tape->inputs.used > SPILL_BYTES)
        tape_spill(tape);
}

void tape_touch(struct tape *tape, gpa_t address, const void *bytes, uint64_t length)
{
    if (!tape->recording || length == 0)
        return;
    for (uint64_t done = 0, piece; done < length; done += piece) {
        const uint64_t at = address.value + done;

        piece = PAGE_SIZE - (at & PAGE_MASK);
        if (piece > length - done)
            piece = length - done;
        known_pages_set(tape->recording->shadow, gpa(at), (const uint8_t *)bytes + done, piece);
    }
    add_touch(tape->recording, address.value, address.value + length - 1);
}
