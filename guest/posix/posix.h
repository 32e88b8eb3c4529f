/*
 * A few POSIX names for guests without a kernel: enough to compile code that maps physical memory
 * through /dev/mem. The other headers here provide them under the usual file names.
 *
 * The pages of the boot contract map addresses to themselves, so mapping has nothing to do.
 */
#ifndef GUEST_POSIX_H
#define GUEST_POSIX_H

#include <stddef.h>

typedef long ssize_t;
typedef long off_t;

/* There are no threads, so one errno is enough. */
extern int errno;

#define EPERM  1
#define ENOENT 2
#define EIO    5
#define E2BIG  7
#define EBADF  9
#define ENOMEM 12
#define EFAULT 14
#define EBUSY  16
#define EINVAL 22
#define ENOSYS 38

#define O_RDONLY    0
#define O_WRONLY    1
#define O_RDWR      2
#define O_SYNC      04010000
#define O_LARGEFILE 0100000

#define PROT_NONE   0
#define PROT_READ   1
#define PROT_WRITE  2
#define MAP_SHARED  1
#define MAP_PRIVATE 2
#define MAP_FAILED  ((void *)-1)

/* The only file is /dev/mem. ENOENT for any other. */
int open(const char *path, int flags, ...);
int close(int fd);

/*
 * Map physical memory from (offset) on, at the same address. EBADF: not /dev/mem; EINVAL: not
 * aligned.
 */
void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
int munmap(void *address, size_t length);

const char *strerror(int number);

/* An arena of fixed size; only the latest allocation is reused when it is freed. */
void *malloc(size_t size);
void free(void *memory);

/* Both write to the console. */
typedef struct posix_file FILE;
extern FILE *const stdout;
extern FILE *const stderr;
int fprintf(FILE *file, const char *text, ...) __attribute__((format(printf, 2, 3)));

#endif
