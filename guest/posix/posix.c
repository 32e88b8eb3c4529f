/* A few POSIX functions for guests without a kernel. */
#include "guest/posix/posix.h"

#include "guest/lib/console.h"
#include "guest/lib/string.h"

#include <stdbool.h>
#include <stdint.h>

#define MEM_FD     3
#define ARENA_SIZE 65536
#define ALIGNMENT  16
#define PAGE_MASK  0xfff

struct posix_file {
    int fd;
};

static const struct posix_file files[] = {{1}, {2}};
FILE *const stdout = (FILE *)(uintptr_t)&files[0];
FILE *const stderr = (FILE *)(uintptr_t)&files[1];

int errno;

static bool mem_open;

static int fail(int number)
{
    errno = number;
    return -1;
}

int open(const char *path, int flags, ...)
{
    (void)flags;
    if (strcmp(path, "/dev/mem") != 0)
        return fail(ENOENT);
    if (mem_open)
        return fail(EBUSY);
    mem_open = true;
    return MEM_FD;
}

int close(int fd)
{
    if (fd != MEM_FD || !mem_open)
        return fail(EBADF);
    mem_open = false;
    return 0;
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    (void)address;
    (void)protection;
    (void)flags;
    if (fd != MEM_FD || !mem_open) {
        errno = EBADF;
        return MAP_FAILED;
    }
    if (length == 0 || (offset & PAGE_MASK) != 0) {
        errno = EINVAL;
        return MAP_FAILED;
    }
    return (void *)(uintptr_t)offset;
}

int munmap(void *address, size_t length)
{
    (void)address;
    return length == 0 ? fail(EINVAL) : 0;
}

struct error_name {
    int number;
    const char *name;
};

static const struct error_name error_names[] = {
    {0, "no error"},
    {EPERM, "not permitted"},
    {ENOENT, "no such file"},
    {EIO, "input or output failed"},
    {E2BIG, "too long"},
    {EBADF, "not an open file"},
    {ENOMEM, "no memory left"},
    {EFAULT, "bad address"},
    {EBUSY, "in use"},
    {EINVAL, "wrong argument"},
    {ENOSYS, "not there"},
};

const char *strerror(int number)
{
    for (size_t i = 0; i < sizeof(error_names) / sizeof(error_names[0]); i++) {
        if (error_names[i].number == number)
            return error_names[i].name;
    }
    return "unknown error";
}

static uint8_t arena[ARENA_SIZE] __attribute__((aligned(ALIGNMENT)));
static size_t arena_used, arena_last; /* (arena_last): the start of the latest allocation */

void *malloc(size_t size)
{
    if (size > ARENA_SIZE - arena_used) {
        errno = ENOMEM;
        return NULL;
    }
    arena_last = arena_used;
    arena_used += (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    return arena + arena_last;
}

void free(void *memory)
{
    if (memory == arena + arena_last)
        arena_used = arena_last;
}

int fprintf(FILE *file, const char *text, ...)
{
    va_list arguments;

    (void)file;
    va_start(arguments, text);
    int length = vprintf(text, arguments);
    va_end(arguments);
    return length;
}
