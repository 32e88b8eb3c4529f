/*
 * launch [-m] COUNT PROGRAM ARGUMENTS…: start a program COUNT times, one after another, with its
 * output thrown away, and print a line for each: nanoseconds from before the start until the kernel
 * has ended it, or with -m the peak of its resident memory in KiB. waitpid() returns when all threads have
 * closed their descriptors, so the time includes what the kernel needs to take the VM down.
 *
 * This program is small and does nothing between, so it adds little to what it measures. The kernel's
 * own ru_maxrss would begin with the size of whoever starts the program; so -m stops the program at its
 * end and looks.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

_Noreturn static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* In the child, which shares our memory until exec. */
_Noreturn static void become(char **words, bool traced, int null_fd)
{
    if (dup2(null_fd, STDOUT_FILENO) < 0 || dup2(null_fd, STDIN_FILENO) < 0 ||
        (traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0))
        _exit(127);
    execv(words[0], words);
    _exit(127);
}

static void check_status(const char *name, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) != 127 && WEXITSTATUS(status) < 200)
        return;
    fprintf(stderr, "launch: %s ended with wait status 0x%x\n", name, (unsigned)status);
    exit(1);
}

static uint64_t time_once(char **words, int null_fd)
{
    const uint64_t begun = now();
    const pid_t child = vfork();
    uint64_t ended;
    int status;

    if (child == 0)
        become(words, false, null_fd);
    if (child < 0 || waitpid(child, &status, 0) < 0)
        fail(words[0]);
    ended = now();
    check_status(words[0], status);
    return ended - begun;
}

/* VmHWM of a process that is about to end, in KiB. */
static uint64_t read_peak(pid_t child)
{
    char path[64], line[256];
    uint64_t peak = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)child);
    file = fopen(path, "re");
    if (!file)
        fail(path);
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "VmHWM: %" SCNu64, &peak) == 1)
            break;
    fclose(file);
    return peak;
}

/*
 * The child stops at its exec, and its main thread again at its end, while its memory still exists.
 */
static uint64_t weigh_once(char **words, int null_fd)
{
    const long options = PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL;
    const pid_t child = fork();
    uint64_t peak = 0;
    int status;

    if (child == 0)
        become(words, true, null_fd);
    if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, child, NULL, options) < 0)
        fail(words[0]);
    ptrace(PTRACE_CONT, child, NULL, NULL);
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        const bool ends = status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8);

        if (ends)
            peak = read_peak(child);
        ptrace(PTRACE_CONT, child, NULL, ends ? 0 : WSTOPSIG(status));
    }
    check_status(words[0], status);
    return peak;
}

int main(int argc, char **argv)
{
    const bool weighs = argc > 1 && strcmp(argv[1], "-m") == 0;
    char **words = argv + (weighs ? 3 : 2);
    const int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    unsigned long count;

    if (argc < (weighs ? 4 : 3)) {
        fprintf(stderr, "usage: launch [-m] COUNT PROGRAM [ARGUMENTS]\n");
        return 2;
    }
    if (null_fd < 0)
        fail("/dev/null");
    count = strtoul(words[-1], NULL, 10);
    for (unsigned long i = 0; i < count; i++)
        printf("%" PRIu64 "\n", weighs ? weigh_once(words, null_fd) : time_once(words, null_fd));
    return 0;
}
