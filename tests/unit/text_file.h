/*
 * Files in memory for the unit tests, with a path that opens them.
 */
#ifndef TESTS_UNIT_TEXT_FILE_H
#define TESTS_UNIT_TEXT_FILE_H

#include <stddef.h>

struct text_file {
    int fd; /* a memfd; the path is valid while it is open */
    char path[32];
};

/* A file that holds (length) bytes; aborts the test if it cannot be made. */
void text_file_make(struct text_file *file, const void *bytes, size_t length);

/* The same with the bytes of a string. */
void text_file_make_string(struct text_file *file, const char *text);
void text_file_close(struct text_file *file);

#endif
