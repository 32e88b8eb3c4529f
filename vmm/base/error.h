/*
 * One error, as a sentence a person can act on.
 *
 * A function that can fail returns 0 or a negative errno, and writes the sentence where the cause
 * is known: it names the file, option, ioctl or address, and the remedy. Callers pass it on
 * unchanged; main.c prints it.
 */
#ifndef VMM_BASE_ERROR_H
#define VMM_BASE_ERROR_H

#define ERROR_TEXT_MAX 512

struct error {
    char text[ERROR_TEXT_MAX]; /* no newline, no trailing full stop; cut to fit */
};

/*
 * Write the sentence of (error) and return (code), so that a caller can say
 * `return error_set(error, -EINVAL, "...")`. (error) may be NULL: the text is dropped.
 */
int error_set(struct error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
