/*
 * The callbacks: they pass each instruction to the models, and carry out the guest's commands.
 * Counts start with the machine: a checkpoint contains neither them nor the limits.
 */
#include "stubs/step/step.h"

#include "stubs/step/blocks.h"
#include "stubs/step/cache.h"
#include "stubs/step/files.h"
#include "stubs/step/limits.h"
#include "stubs/step/options.h"
#include "vmm/io/outfile.h"
#include "vmm/observe/disasm.h"
#include "vmm/step/decode.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLION 1000000u

_Static_assert(STEP_STATS_NAME == OUTFILE_NAME_MAX + 1, "every name fits");
_Static_assert(3 * 20 + 2 * INSTRUCTION_MAX + DISASM_TEXT + 16 < STEP_TRACE_LINE,
               "three numbers, the bytes and the text fit in a line");

/* ---- Texts ---- */

/* In millionths, rounded: a decimal point that depends on no locale can be put before them. */
static uint64_t miss_rate(const struct step_stats *stats)
{
    const double accesses = (double)stats->cache_hits + (double)stats->cache_misses;

    return accesses > 0 ? (uint64_t)((double)stats->cache_misses * MILLION / accesses + 0.5) : 0;
}

size_t step_stats_format(const struct step_stats *stats, char *text)
{
    const uint64_t rate = miss_rate(stats);
    const int length =
        snprintf(text, STEP_STATS_TEXT,
                 "{\"instructions\":%" PRIu64 ",\"fast_forwarded\":%" PRIu64 ",\"blocks\":%" PRIu64
                 ",\"intervals\":%" PRIu64 ",\"cache_hits\":%" PRIu64 ",\"cache_misses\":%" PRIu64
                 ",\"miss_rate\":%" PRIu64 ".%06" PRIu64 ",\"switches\":%" PRIu64
                 ",\"markers\":%" PRIu64 "}\n",
                 stats->instructions, stats->fast_forwarded, stats->blocks, stats->intervals,
                 stats->cache_hits, stats->cache_misses, rate / MILLION, rate % MILLION,
                 stats->switches, stats->markers);

    return (size_t)length;
}

const char *step_stats_name(char *name, const char *value)
{
    const size_t ending = strlen(STEP_STATS_ENDING);
    size_t length = value ? strlen(value) : 0;

    if (!length)
        return "refused: no name is given";
    if (!outfile_name_allowed(value, length))
        return "refused: the name is not allowed";
    if (length > ending && strcmp(value + length - ending, STEP_STATS_ENDING) == 0)
        length -= ending;
    memcpy(name, value, length);
    name[length] = 0;
    return "kept: written at -snapshot-now and at the end";
}

static size_t write_bytes(char *to, const uint8_t *bytes, unsigned count)
{
    static const char digits[] = "0123456789abcdef";

    if (!count)
        *to = '-';
    for (unsigned i = 0; i < count; i++) {
        to[2 * i] = digits[bytes[i] >> 4];
        to[2 * i + 1] = digits[bytes[i] & 15];
    }
    return count ? 2 * count : 1;
}

size_t step_trace_line(char *line, unsigned vcpu, const struct minivmm_instruction *instruction,
                       const uint8_t *bytes, unsigned count, const struct disasm *disasm)
{
    size_t used = (size_t)snprintf(line, STEP_TRACE_LINE, "%" PRIu64 " %u 0x%" PRIx64 " ",
                                   instruction->number, vcpu, instruction->address);
    char text[DISASM_TEXT];

    used += write_bytes(line + used, bytes, count < INSTRUCTION_MAX ? count : INSTRUCTION_MAX);
    if (disasm) {
        if (disasm_instruction(disasm, bytes, count, instruction->address, instruction->bits, text,
                               sizeof(text)) < 0)
            strcpy(text, "(bad)");
        used += (size_t)snprintf(line + used, STEP_TRACE_LINE - used, " %s", text);
    }
    line[used++] = '\n';
    return used;
}

/* ---- Callbacks ---- */

struct step {
    struct minivmm_machine *machine;
    struct step_options options;
    struct disasm disasm; /* open with disasm=on */
    struct step_file trace, bb;
    struct step_blocks blocks;
    bool reported_full; /* (blocks) full was reported */
    struct step_cache cache;

    struct step_limits limits;
    struct step_stats stats;       /* without the models' counts, see stats_of() */
    char name[STEP_STATS_NAME];    /* -stats; empty: not asked for */
    char written[STEP_STATS_TEXT]; /* the contents of the file of that name; empty: no file */
};

static int open_parts(struct step *step, struct error *error)
{
    int result = step_file_open(&step->trace, step->options.trace, error);

    if (result == 0)
        result = step_file_open(&step->bb, step->options.bb, error);
    if (result < 0)
        return result;
    if (step->options.disasm && disasm_open(&step->disasm) < 0)
        return error_set(error, -ENOENT,
                         STEP_OWNER ": disasm=on needs libzydis, which is not there; "
                                    "install it or leave disasm off");
    if (step_blocks_init(&step->blocks, step->options.interval, STEP_BLOCKS_MAX) < 0 ||
        step_cache_init(&step->cache, &step->options.cache) < 0)
        return error_set(error, -ENOMEM, STEP_OWNER ": out of memory");
    return 0;
}

static void step_free(struct step *step)
{
    step_file_close(&step->trace);
    step_file_close(&step->bb);
    disasm_close(&step->disasm);
    step_blocks_free(&step->blocks);
    step_cache_free(&step->cache);
    step_options_free(&step->options);
    free(step);
}

static int step_attach(struct minivmm_machine *machine, const char *options, void **state,
                       struct minivmm_error *error)
{
    struct step *step = calloc(1, sizeof(*step));
    struct error cause = {STEP_OWNER ": out of memory"};
    int result = -ENOMEM;

    if (!step)
        return minivmm_error_set(error, result, "%s", cause.text);
    step->machine = machine;
    step->limits = (struct step_limits)STEP_NO_LIMITS;
    step_file_open(&step->trace, NULL, NULL);
    step_file_open(&step->bb, NULL, NULL);
    result = step_options_parse(&step->options, options, &cause);
    if (result == 0)
        result = open_parts(step, &cause);
    if (result < 0) {
        step_free(step);
        return minivmm_error_set(error, result, "%s", cause.text);
    }
    *state = step;
    return 0;
}

/* Failures are reported once, and the guest continues. */
static void report_failures(struct step *step)
{
    struct error error;

    if (step_file_has_failed(&step->trace, &error))
        minivmm_notice(step->machine, "%s", error.text);
    if (step_file_has_failed(&step->bb, &error))
        minivmm_notice(step->machine, "%s", error.text);
    if (step->blocks.full && !step->reported_full) {
        step->reported_full = true;
        minivmm_notice(step->machine,
                       "there is no room for more than %" PRIu32
                       " basic blocks: the last one stands for all further ones",
                       step->blocks.used);
    }
}

/* The counts, including the models'. */
static struct step_stats stats_of(const struct step *step)
{
    struct step_stats stats = step->stats;

    stats.blocks = step->blocks.used;
    stats.intervals = step->blocks.intervals;
    stats.cache_hits = step->cache.hits;
    stats.cache_misses = step->cache.misses;
    return stats;
}

/* Write the file of -stats, if the guest requested it and its text would change. */
static void write_stats(struct step *step)
{
    const struct step_stats stats = stats_of(step);
    char text[STEP_STATS_TEXT];
    size_t length = step_stats_format(&stats, text);
    int result;

    if (!step->name[0] || strcmp(text, step->written) == 0)
        return;
    result = step_file_write_named(step->machine, step->name, STEP_STATS_ENDING, text, length);
    if (result < 0)
        minivmm_notice(step->machine, "%s%s cannot be written: %s", step->name, STEP_STATS_ENDING,
                       strerror(-result));
    else
        memcpy(step->written, text, length + 1);
}

/* For users whose guest does not request them. */
static void report_stats(struct step *step)
{
    const struct step_stats stats = stats_of(step);

    if (stats.switches)
        minivmm_notice(step->machine,
                       "%" PRIu64 " instructions simulated, %" PRIu64 " fast-forwarded; %" PRIu64
                       " basic blocks; cache: %" PRIu64 " hits, %" PRIu64 " misses",
                       stats.instructions, stats.fast_forwarded, stats.blocks, stats.cache_hits,
                       stats.cache_misses);
}

static void step_detach(void *state)
{
    struct step *step = state;

    step_blocks_write(&step->blocks, &step->bb.output);
    step_file_close(&step->trace);
    step_file_close(&step->bb);
    report_failures(step);
    write_stats(step);
    report_stats(step);
    step_free(step);
}

static const char *set_stop(struct step *step, const struct minivmm_command *command)
{
    step->limits.stop = command->number;
    return NULL;
}

static const char *set_skip(struct step *step, const struct minivmm_command *command)
{
    step->limits.skip = command->number;
    return NULL;
}

static const char *set_name(struct step *step, const struct minivmm_command *command)
{
    step->written[0] = 0;
    return step_stats_name(step->name, command->value);
}

static const char *write_now(struct step *step, const struct minivmm_command *command)
{
    (void)command;
    write_stats(step);
    return NULL;
}

static const char *step_command(void *state, struct minivmm_vcpu *vcpu,
                                const struct minivmm_command *command)
{
    static const struct {
        const char *name;
        const char *(*obey)(struct step *step, const struct minivmm_command *command);
    } commands[] = {
        {"-stopinsns", set_stop},     {"-fast-fwd-insns", set_skip}, {"-stats", set_name},
        {"-snapshot-now", write_now}, {"-kill", write_now},
    };

    (void)vcpu;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(command->name, commands[i].name) == 0)
            return commands[i].obey(state, command);
    return NULL;
}

static void step_marker(void *state, struct minivmm_vcpu *vcpu, uint64_t id)
{
    struct step *step = state;

    (void)vcpu;
    (void)id;
    step->stats.markers++;
}

static int step_simulate(void *state, struct minivmm_vcpu *vcpu, struct minivmm_error *error)
{
    struct step *step = state;

    (void)vcpu;
    (void)error;
    step_limits_begin(&step->limits);
    step->stats.switches++;
    return 0;
}

/* So that the files can be read while the guest runs at full speed. */
static void step_native(void *state, struct minivmm_vcpu *vcpu)
{
    struct step *step = state;

    (void)vcpu;
    step_blocks_cut(&step->blocks);
    output_drain(&step->trace.output);
    output_drain(&step->bb.output);
    report_failures(step);
}

/* Pass the next instruction of (vcpu) to the models. */
static void simulate(struct step *step, struct minivmm_vcpu *vcpu,
                     const struct minivmm_instruction *instruction)
{
    const unsigned id = minivmm_vcpu_id(vcpu);
    uint8_t bytes[INSTRUCTION_MAX];
    const unsigned count = minivmm_fetch(vcpu, bytes);
    const struct instruction code = instruction_decode(bytes, count, instruction->bits);

    if (step->trace.path) {
        char line[STEP_TRACE_LINE];
        size_t length =
            step_trace_line(line, id, instruction, bytes, code.length ? code.length : count,
                            step->options.disasm ? &step->disasm : NULL);

        output_write(&step->trace.output, line, length);
    }
    step_cache_access(&step->cache, instruction->address);
    if (step_blocks_execute(&step->blocks, id, instruction->address, &code))
        step_blocks_write(&step->blocks, &step->bb.output);
    report_failures(step);
}

static enum minivmm_next step_step(void *state, struct minivmm_vcpu *vcpu,
                                   const struct minivmm_instruction *instruction)
{
    struct step *step = state;

    switch (step_limits_next(&step->limits)) {
    case STEP_SKIP:
        step->stats.fast_forwarded++;
        return MINIVMM_STEP;
    case STEP_SIMULATE:
        step->stats.instructions++;
        simulate(step, vcpu, instruction);
        return MINIVMM_STEP;
    case STEP_STOP:
        break;
    }
    return MINIVMM_NATIVE;
}

const struct minivmm_stub stub_type_step = {
    .abi = MINIVMM_ABI,
    .name = "step",
    .help = "steps through what is simulated: trace=FILE, disasm=on, bb=FILE, interval=N, "
            "cache=SIZE:WAYS:LINE",
    .attach = step_attach,
    .detach = step_detach,
    .command = step_command,
    .marker = step_marker,
    .simulate = step_simulate,
    .native = step_native,
    .step = step_step,
};
