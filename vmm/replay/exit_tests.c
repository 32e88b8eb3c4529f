#include "vmm/replay/exit_tests.h"

#include "vmm/replay/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void say(const struct text *text)
{
    fwrite(text->bytes, 1, text->used, stderr);
}

static enum outcome replay_all(struct replay *replay, struct error *error)
{
    int result;

    while ((result = replay_next(replay, error)) > 0)
        ;
    if (result == -EDOM)
        say(&replay->difference);
    if (result < 0)
        return result == -EDOM ? OUTCOME_DIFFERS : OUTCOME_STREAM;
    if (replay->recorded && !replay->done)
        dprintf(STDERR_FILENO, "minivmm: %s:%lu: the recording broke off here\n",
                replay->lines.path, replay->lines.number);
    if (dprintf(STDOUT_FILENO, "%s: %" PRIu64 " exits, %" PRIu64 " effects: all agree\n",
                replay->lines.path, replay->all_exits, replay->all_effects) < 0)
        return OUTCOME_OUTPUT;
    return OUTCOME_GUEST;
}

enum outcome exits_replay(const char *path, const struct device_type *const *types,
                          const struct machine_plan *wanted, unsigned parts, struct error *error)
{
    enum outcome outcome;
    struct replay replay;

    if (replay_open(&replay, path, types, error) < 0)
        return OUTCOME_STREAM;
    if (machine_plan_compare(&replay.plan, wanted, parts, path, error) < 0)
        outcome = OUTCOME_STREAM;
    else
        outcome = replay_all(&replay, error);
    replay_close(&replay);
    return outcome;
}

struct counts {
    unsigned passed, failed;
};

static void print_result(struct counts *counts, bool passed, const char *path, const char *name)
{
    if (passed)
        counts->passed++;
    else
        counts->failed++;
    printf("%sok %u - %s%s%s\n", passed ? "" : "not ", counts->passed + counts->failed, path,
           *name ? ": " : "", name);
}

/* Print each line of (text) as a TAP comment. */
static void print_comment(const char *text, size_t length)
{
    while (length > 0) {
        const char *newline = memchr(text, '\n', length);
        const size_t piece = newline ? (size_t)(newline - text) : length;

        printf("# %.*s\n", (int)piece, text);
        text += piece + (newline ? 1 : 0);
        length -= piece + (newline ? 1 : 0);
    }
}

static void test_stream(struct counts *counts, const char *path,
                        const struct device_type *const *types)
{
    struct replay replay;
    struct error error;
    int result = replay_open(&replay, path, types, &error);

    if (result < 0) {
        print_result(counts, false, path, "");
        print_comment(error.text, strlen(error.text));
        return;
    }
    while ((result = replay_next(&replay, &error)) != 0) {
        print_result(counts, result > 0, path, replay.name);
        if (result == -EDOM)
            print_comment(replay.difference.bytes, replay.difference.used);
        else if (result < 0)
            print_comment(error.text, strlen(error.text));
        if (result < 0 && result != -EDOM && result != -EINVAL)
            break;
    }
    replay_close(&replay);
}

enum outcome exits_test(char *const *paths, unsigned count, const struct device_type *const *types)
{
    struct counts counts = {0};

    for (unsigned i = 0; i < count; i++)
        test_stream(&counts, paths[i], types);
    printf("1..%u\n%u passed, %u failed, 0 skipped\n", counts.passed + counts.failed, counts.passed,
           counts.failed);
    if (fflush(stdout) != 0)
        return OUTCOME_OUTPUT;
    return counts.failed ? OUTCOME_DIFFERS : OUTCOME_GUEST;
}
