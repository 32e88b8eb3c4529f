/*
 * Bytes on their way to a file descriptor: the guest's console, a device's log.
 *
 * A buffer keeps the system calls off the exit path; the policy says when it is written out.
 */
#ifndef VMM_IO_OUTPUT_H
#define VMM_IO_OUTPUT_H

#include "vmm/io/journal.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define OUTPUT_BUFFER                                                                              \
    4096 /* at most PIPE_BUF, so that poll() can promise a write that does not block */
#define OUTPUT_PREFIX_MAX 64

enum output_policy {
    OUTPUT_AT_ONCE, /* a terminal: a person is watching */
    OUTPUT_LINES,   /* at each newline */
    OUTPUT_FULL,    /* when the buffer is full */
};

struct output {
    int fd; /* -1: everything is dropped */
    enum output_policy policy;
    const atomic_bool
        *abandoned; /* may be NULL; once true, a reader that does not read is not waited for */
    int failure;    /* the errno of the first failed write; later bytes are dropped */
    bool lost;      /* bytes were dropped because nobody waited for the reader */
    struct journal *journal;          /* NULL: a plain run */
    enum journal_operation operation; /* for the journal: JOURNAL_CONSOLE or JOURNAL_LOG */
    const char *name;   /* of the device it belongs to; NULL: the machine's or the only one */
    const char *prefix; /* of every line, see output_set_prefix(); NULL: none */
    size_t used;
    char buffer[OUTPUT_BUFFER];
};

void output_init(struct output *output, int fd, enum output_policy policy,
                 const atomic_bool *abandoned);

/* Report what is written to (journal), which may be NULL, as lines of (operation) and (name). */
void output_set_journal(struct output *output, struct journal *journal,
                        enum journal_operation operation, const char *name);

/*
 * Begin every line with (prefix), of at most OUTPUT_PREFIX_MAX bytes without a newline, so that several
 * outputs can share a file: whatever the policy, a line is written as a whole, by one write, once its newline has come.
 * A line that fills the buffer is cut in two; the last one gets its newline from output_drain().
 */
void output_set_prefix(struct output *output, const char *prefix);

/* Take (length) bytes. 0, or the negative errno of the first failed write, each time again. */
int output_write(struct output *output, const void *bytes, size_t length);
int output_flush(struct output *output);

/* The same when no exit asks for it: at the end. */
int output_drain(struct output *output);

/* The negative errno of the first failed write, or 0. */
int output_failure(const struct output *output);

#endif
