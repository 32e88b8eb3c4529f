/* How the floor program calls KVM: checked, and without the C library where a guest waits. */
#ifndef BENCH_FLOOR_CALL_H
#define BENCH_FLOOR_CALL_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* Print that (what) failed, by errno, and end the program. */
_Noreturn static inline void floor_fail(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ioctl(); if it fails, the program ends with a sentence that has (name). */
static inline int floor_call(int fd, unsigned long request, const char *name, void *argument)
{
    const int result = ioctl(fd, request, argument);

    if (result < 0)
        floor_fail(name);
    return result;
}
#define FLOOR_CALL(fd, request, argument) floor_call(fd, request, #request, argument)

#endif
