/*
 * The effects of one event as lines of an exit stream: the part of a journal that a recorder and a
 * replay have in common.
 *
 * A journal embeds struct exit_lines as its first member and puts the record_… functions into its
 * table. docs/exits.md specifies the lines.
 */
#ifndef VMM_RECORD_EXIT_LINES_H
#define VMM_RECORD_EXIT_LINES_H

#include "vmm/base/text.h"
#include "vmm/io/journal.h"

#include <pthread.h>

/* The words of an exit stream. */
extern const char *const exit_number_names[JOURNAL_NUMBERS];
extern const char *const exit_operation_names[JOURNAL_OPERATIONS];

struct exit_lines {
    struct journal journal; /* the first member: its functions get a pointer to it */
    pthread_mutex_t lock;   /* held during an event */
    struct text effects;    /* of the event; kept until the next one begins */

    const struct output *shown; /* whose text is the last line of (effects); NULL: another line */
    unsigned shown_bytes;       /* of that line; 0: it is complete */
};

void exit_lines_init(struct exit_lines *lines, const struct journal_ops *ops);
void exit_lines_finish(struct exit_lines *lines);

/* Begin an event; exit_lines_try_begin() returns false if another one is under way. */
void exit_lines_begin(struct exit_lines *lines);
bool exit_lines_try_begin(struct exit_lines *lines);
void exit_lines_end(struct exit_lines *lines);

/* For the table of a journal. */
void exit_lines_record_write(struct journal *journal, gpa_t address, const void *bytes,
                             uint64_t length);
void exit_lines_record_effect(struct journal *journal, const char *word, const uint64_t *numbers,
                              unsigned count, bool hex);
void exit_lines_record_text(struct journal *journal, const struct output *output, const void *bytes,
                            size_t length);
void exit_lines_record_file(struct journal *journal, const char *name, uint64_t size,
                            uint64_t hash);
void exit_lines_record_end(struct journal *journal, unsigned outcome, int status);

/* Append " ADDRESS BYTES |BYTES|" and a newline, for at most EXIT_LINE_MEMORY bytes of memory. */
#define EXIT_LINE_MEMORY 32
void exit_lines_print_memory(struct text *text, uint64_t address, const void *bytes, size_t length);

#endif
