/*
 * The parser for ENQUEUE's command list. It carries out nothing.
 *
 * `-name [value]`… separated by spaces, tabs and newlines. In `"…"` a value may contain spaces and
 * begin with '-'. '#' outside quotes begins a comment up to the end of the line. docs/ptlcall.md
 * has the table.
 */
#ifndef DEVICES_PTLCALL_COMMAND_H
#define DEVICES_PTLCALL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PTLCALL_LIST_MAX   128        /* commands in one list */
#define PTLCALL_NUMBER_INF UINT64_MAX /* `inf` */

enum ptlcall_command_kind {
    PTLCALL_RUN,
    PTLCALL_STOP,
    PTLCALL_KILL,
    PTLCALL_KILL_AFTER_RUN,
    PTLCALL_SNAPSHOT,
    PTLCALL_LIMIT, /* a number that is kept */
    PTLCALL_NOTED, /* logged, without other effect: accepted, refused and unknown options */
};

enum ptlcall_limit {
    PTLCALL_LIMIT_INSNS,
    PTLCALL_LIMIT_CYCLE,
    PTLCALL_LIMIT_FAST_FORWARD,
    PTLCALL_LIMIT_FREQUENCY,
    PTLCALL_LIMITS,
};

enum ptlcall_value {
    PTLCALL_VALUE_NONE,
    PTLCALL_VALUE_OPTIONAL,
    PTLCALL_VALUE_WORD,
    PTLCALL_VALUE_NUMBER, /* decimal or 0x, with a suffix k, m, g, t (powers of 1000); or inf */
    PTLCALL_VALUE_FILE,   /* optional; must pass outfile_name_allowed() */
};

struct ptlcall_command_info {
    const char *name;
    enum ptlcall_command_kind kind;
    enum ptlcall_value value;
    enum ptlcall_limit limit; /* which one, for PTLCALL_LIMIT */
    const char *effect;       /* for the log */
};

/* Part of the parsed text; valid as long as the text is. */
struct ptlcall_span {
    const char *text; /* NULL: absent */
    size_t length;
};

struct ptlcall_command {
    const struct ptlcall_command_info *info;
    struct ptlcall_span name, value;
    uint64_t number; /* of a PTLCALL_VALUE_NUMBER */
};

/*
 * Parse (length) bytes into (commands), which has room for PTLCALL_LIST_MAX; *count is their
 * number. -EINVAL: malformed, or a file name that is not allowed; -E2BIG: too many; *reason is a
 * static text with the cause.
 */
int ptlcall_command_parse(const char *text, size_t length, struct ptlcall_command *commands,
                          unsigned *count, const char **reason);

#endif
