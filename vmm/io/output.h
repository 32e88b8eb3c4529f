/*
 * Output to a file descriptor: the guest's console, a device's log.
 *
 * A buffer keeps system calls off the exit path; the policy decides when it is written.
 */
#ifndef VMM_IO_OUTPUT_H
#define VMM_IO_OUTPUT_H

#include "vmm/io/journal.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define OUTPUT_BUFFER     4096 /* at most PIPE_BUF, so that after poll() a write does not block */
#define OUTPUT_PREFIX_MAX 64

enum output_policy {
    OUTPUT_AT_ONCE, /* a terminal */
    OUTPUT_LINES,   /* at each newline */
    OUTPUT_FULL,    /* when the buffer is full */
};

struct output {
    int fd; /* -1: everything is dropped */
    enum output_policy policy;
    const atomic_bool *abandoned; /* may be NULL; once true, a stalled reader is not waited for */
    int failure;                  /* the errno of the first failed write; later bytes are dropped */
    bool lost;                    /* bytes were dropped because the reader stalled */
    struct journal *journal;      /* NULL: a plain run */
    enum journal_operation operation; /* for the journal: JOURNAL_CONSOLE or JOURNAL_LOG */
    const char *name; /* of the device that owns the output; NULL: the machine's, or the only one */
    const char *prefix; /* of every line, see output_set_prefix(); NULL: none */
    size_t used;
    char buffer[OUTPUT_BUFFER];
};

void output_init(struct output *output, int fd, enum output_policy policy,
                 const atomic_bool *abandoned);

/* Report written bytes to (journal), which may be NULL, as lines of (operation) and (name). */
void output_set_journal(struct output *output, struct journal *journal,
                        enum journal_operation operation, const char *name);

/*
 * Begin every line with (prefix), of at most OUTPUT_PREFIX_MAX bytes without a newline, so that
 * several outputs can share a file: for any policy, a line is written by one write, after its
 * newline has come. A line longer than the buffer is split; output_drain() adds the newline of the
 * last one.
 */
void output_set_prefix(struct output *output, const char *prefix);

/*
 * Write (length) bytes. Returns 0, or in every call the negative errno of the first failed write.
 */
int output_write(struct output *output, const void *bytes, size_t length);
int output_flush(struct output *output);

/* The same outside of an exit: at the end. */
int output_drain(struct output *output);

/* The negative errno of the first failed write, or 0. */
int output_failure(const struct output *output);

#endif
