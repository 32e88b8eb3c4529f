#include "vmm/replay/given.h"

#include "vmm/core/machine.h"
#include "vmm/io/console.h"
#include "vmm/record/exit_print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct given *given_of(struct journal *journal)
{
    return (struct given *)journal;
}

/* ---- what is given ---- */

static int list_add(struct number_list *list, uint64_t value)
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

static void list_clear(struct number_list *list)
{
    list->count = list->next = 0;
}

void given_set_register(struct given *given, unsigned id, enum vcpu_register reg, uint64_t value)
{
    vcpu_set_register(&given->machine->vcpus[id], reg, value);
    if (reg == VCPU_RAX)
        given->rax[id] = value;
}

int given_add_number(struct given *given, enum journal_number number, uint64_t value)
{
    return list_add(&given->numbers[number], value);
}

int given_add_result(struct given *given, enum journal_operation operation, uint64_t count,
                     uint64_t code)
{
    struct number_list *failed = &given->failed[operation];

    if (failed->count > 0 && failed->values[failed->count - 1] >= count)
        return -EINVAL;
    if (list_add(failed, count) < 0 || list_add(&given->errors[operation], code) < 0)
        return -ENOMEM;
    return 0;
}

/* Make room for twice as many changes. */
static int grow_changes(struct given *given)
{
    const size_t room = given->change_room ? 2 * given->change_room : 16;
    struct memory_change *changes = reallocarray(given->changes, room, sizeof(*changes));

    if (!changes)
        return -ENOMEM;
    given->changes = changes;
    given->change_room = room;
    return 0;
}

int given_add_change(struct given *given, uint64_t after, gpa_t address, const struct text *bytes)
{
    if (after > UINT32_MAX ||
        (given->change_count > 0 && after < given->changes[given->change_count - 1].after))
        return -EINVAL;
    if (given->change_count == given->change_room && grow_changes(given) < 0)
        return -ENOMEM;
    given->changes[given->change_count++] = (struct memory_change){
        .after = (unsigned)after,
        .address = address,
        .offset = given->bytes.used,
        .length = bytes->used,
    };
    text_append(&given->bytes, bytes->bytes, bytes->used);
    return given->bytes.failed ? -ENOMEM : 0;
}

struct console *given_console(const struct given *given, const char *name, size_t length)
{
    struct console *console = given->consoles;

    while (console && (!console->name || strlen(console->name) != length ||
                       memcmp(console->name, name, length) != 0))
        console = console->next;
    return console;
}

const char *given_unused(const struct given *given)
{
    for (unsigned number = 0; number < JOURNAL_NUMBERS; number++)
        if (given->numbers[number].next < given->numbers[number].count)
            return exit_number_names[number];
    for (unsigned operation = 0; operation < JOURNAL_OPERATIONS; operation++)
        if (given->failed[operation].next < given->failed[operation].count)
            return "result";
    return given->change_next < given->change_count ? "changed" : NULL;
}

void given_clear(struct given *given)
{
    for (unsigned i = 0; i < JOURNAL_NUMBERS; i++)
        list_clear(&given->numbers[i]);
    for (unsigned i = 0; i < JOURNAL_OPERATIONS; i++) {
        list_clear(&given->failed[i]);
        list_clear(&given->errors[i]);
    }
    given->change_count = given->change_next = 0;
    text_clear(&given->bytes);
    text_clear(&given->lines.effects);
}

/* ---- the journal ---- */

static void begin_exit(struct journal *journal, struct vcpu *vcpu, uint64_t exited)
{
    struct given *given = given_of(journal);

    (void)exited;
    exit_lines_begin(&given->lines);
    if (vcpu->run->kvm_dirty_regs) { /* the last handler changed rax, which is an effect */
        vcpu_set_register(vcpu, VCPU_RAX, given->rax[vcpu->id]);
        vcpu->run->kvm_dirty_regs = 0;
    }
    given->vcpu = vcpu;
    given->reads = 0;
    memset(given->operations, 0, sizeof(given->operations));
}

static void end_exit(struct journal *journal, uint64_t handled)
{
    struct given *given = given_of(journal);

    (void)handled;
    exit_print_data(given->vcpu, &given->lines.effects);
    exit_lines_end(&given->lines);
}

static bool begin_typed(struct journal *journal)
{
    return exit_lines_try_begin(&given_of(journal)->lines);
}

static void end_typed(struct journal *journal, const char *name, const void *bytes, size_t length)
{
    (void)name;
    (void)bytes;
    (void)length;
    exit_lines_end(&given_of(journal)->lines);
}

static void begin_timer(struct journal *journal)
{
    struct given *given = given_of(journal);

    exit_lines_begin(&given->lines);
    given->vcpu = NULL;
    given->reads = 0;
    memset(given->operations, 0, sizeof(given->operations));
}

static void end_timer(struct journal *journal, const char *name)
{
    (void)name;
    exit_lines_end(&given_of(journal)->lines);
}

static uint64_t supply_number(struct journal *journal, enum journal_number number, uint64_t live)
{
    struct given *given = given_of(journal);
    struct number_list *list = &given->numbers[number];

    (void)live;
    if (list->next < list->count)
        given->last[number] = list->values[list->next++];
    return given->last[number];
}

static int supply_result(struct journal *journal, enum journal_operation operation, int live)
{
    struct given *given = given_of(journal);
    struct number_list *failed = &given->failed[operation];
    const unsigned count = ++given->operations[operation];

    (void)live;
    if (failed->next == failed->count || failed->values[failed->next] != count)
        return 0;
    return -(int)given->errors[operation].values[failed->next++];
}

/* Make the changes of memory that come before the next read. */
static void supply_memory(struct journal *journal)
{
    struct given *given = given_of(journal);

    for (; given->change_next < given->change_count; given->change_next++) {
        const struct memory_change *change = &given->changes[given->change_next];

        if (change->after > given->reads)
            break;
        memcpy(memory_at(&given->machine->memory, change->address, change->length),
               given->bytes.bytes + change->offset, change->length);
    }
    given->reads++;
}

static void add_console(struct journal *journal, struct console *console)
{
    struct given *given = given_of(journal);

    console->next = given->consoles;
    given->consoles = console;
}

static void remove_console(struct journal *journal, struct console *console)
{
    struct console **at = &given_of(journal)->consoles;

    while (*at && *at != console)
        at = &(*at)->next;
    if (*at)
        *at = console->next;
}

static const struct journal_ops ops = {
    .begin_exit = begin_exit,
    .end_exit = end_exit,
    .begin_typed = begin_typed,
    .end_typed = end_typed,
    .begin_timer = begin_timer,
    .end_timer = end_timer,
    .supply_number = supply_number,
    .supply_result = supply_result,
    .supply_memory = supply_memory,
    .record_write = exit_lines_record_write,
    .record_effect = exit_lines_record_effect,
    .record_text = exit_lines_record_text,
    .record_file = exit_lines_record_file,
    .record_end = exit_lines_record_end,
    .add_console = add_console,
    .remove_console = remove_console,
};

int given_init(struct given *given, struct machine *machine, unsigned vcpu_count)
{
    memset(given, 0, sizeof(*given));
    given->rax = calloc(vcpu_count, sizeof(*given->rax));
    if (!given->rax)
        return -ENOMEM;
    exit_lines_init(&given->lines, &ops);
    given->lines.journal.replays = true;
    given->machine = machine;
    return 0;
}

void given_finish(struct given *given)
{
    for (unsigned i = 0; i < JOURNAL_NUMBERS; i++)
        free(given->numbers[i].values);
    for (unsigned i = 0; i < JOURNAL_OPERATIONS; i++) {
        free(given->failed[i].values);
        free(given->errors[i].values);
    }
    free(given->rax);
    free(given->changes);
    text_free(&given->bytes);
    text_free(&given->word);
    exit_lines_finish(&given->lines);
}
