/*
 * Exit streams as files for the unit tests: in memory, with a path that opens them.
 */
#ifndef TESTS_UNIT_STREAM_FILE_H
#define TESTS_UNIT_STREAM_FILE_H

#include "vmm/replay/replay_parts.h"

#include <stddef.h>

struct stream_file {
    int fd; /* a memfd; the path is valid while it is open */
    char path[32];
};

/* A file that holds (length) bytes; aborts the test if it cannot be made. */
void stream_file_make(struct stream_file *file, const void *bytes, size_t length);

/* The same of a string. */
void stream_file_make_text(struct stream_file *file, const char *text);
void stream_file_close(struct stream_file *file);

/* What became of a replay. */
struct replay_result {
    int result;                 /* 1: all tests agree; -EDOM, or another negative errno */
    bool broken_off;            /* it is a recording without its end */
    unsigned tests;             /* that were begun */
    uint64_t exits, effects;    /* of all */
    char sentence[4096];        /* the difference or the error's sentence, without "PATH:" */
    char name[REPLAY_NAME_MAX]; /* of the test that was begun last */
};

/* Replay the file up to its end, or to the first test that is not as the stream says. */
void stream_file_replay(const struct stream_file *file, struct replay_result *result);

/* The same for the stream that is (length) bytes. */
void replay_bytes(const void *bytes, size_t length, struct replay_result *result);
void replay_text(const char *text, struct replay_result *result);

#endif
