/*
 * Replaying exit streams in the unit tests.
 */
#ifndef TESTS_UNIT_REPLAY_FILE_H
#define TESTS_UNIT_REPLAY_FILE_H

#include "tests/unit/text_file.h"
#include "vmm/replay/replay.h"

#include <stddef.h>

/* The result of a replay. */
struct replay_result {
    int result;                 /* 1: all tests agree; -EDOM, or another negative errno */
    bool broken_off;            /* it is a recording without its end */
    unsigned tests;             /* that were begun */
    uint64_t exits, effects;    /* of all */
    char sentence[4096];        /* the difference or the error's sentence, without "PATH:" */
    char name[REPLAY_NAME_MAX]; /* of the test that was begun last */
};

/* Replay the file up to its end, or to the first test that differs. */
void replay_file(const struct text_file *file, struct replay_result *result);

/* The same for the stream that is (length) bytes. */
void replay_bytes(const void *bytes, size_t length, struct replay_result *result);
void replay_text(const char *text, struct replay_result *result);

#endif
