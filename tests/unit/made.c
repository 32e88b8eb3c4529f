/*
 * Temporary files and folders that unit tests make: tests/run removes those that a test which crashed, or
 * was interrupted, has left. It gives the name of the list in UNIT_MADE.
 *
 * The linker puts this between the tests and the C library: --wrap=mkdtemp, in the Makefile.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char *__wrap_mkdtemp(char *path);
char *__real_mkdtemp(char *path);
int __wrap_mkstemp(char *path);
int __real_mkstemp(char *path);

static void note_made(const char *path)
{
    const char *list = getenv("UNIT_MADE");
    const int fd = list ? open(list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;

    if (fd < 0)
        return;
    dprintf(fd, "%s\n", path);
    close(fd);
}

char *__wrap_mkdtemp(char *path)
{
    char *made = __real_mkdtemp(path);

    if (made)
        note_made(made);
    return made;
}

int __wrap_mkstemp(char *path)
{
    const int fd = __real_mkstemp(path);

    if (fd >= 0)
        note_made(path);
    return fd;
}
