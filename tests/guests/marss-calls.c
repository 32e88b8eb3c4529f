/*
 * What a benchmark on MARSSx86 does, in our words: map the trigger page through /dev/mem, then
 * make calls by storing the machine status word there, from ring 3. The page is looked for in ring 0;
 * with the guest argument `ring3`, there.
 */
#include "guest/abi/ptlcall.h"
#include "guest/lib/check.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/exception.h"
#include "guest/lib/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t *trigger; /* where the page is mapped */

static bool is_found(const struct cpuid *leaf)
{
    return leaf->eax == PTLCALL_CPUID_FOUND;
}

static bool map_trigger(void)
{
    struct cpuid leaf = cpuid(PTLCALL_CPUID_LEAF, 0);
    uint64_t address = (uint64_t)(leaf.edx & 0xffff) << 32 | leaf.ecx;

    if (!is_found(&leaf) || (leaf.ebx & PTLCALL_BY_MMIO) == 0)
        return false;
    int fd = open("/dev/mem", O_RDWR | O_LARGEFILE | O_SYNC, 0);
    if (fd < 0) {
        fprintf(stderr, "/dev/mem: %s\n", strerror(errno));
        return false;
    }
    void *page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)(address & ~0xfffull));
    close(fd);
    if (page == MAP_FAILED)
        return false;
    trigger = (uint64_t *)((uint8_t *)page + (address & 0xfff));
    return true;
}

static uint64_t call(uint64_t op, uint64_t arg1, uint64_t arg2, uint64_t arg3)
{
    uint64_t result;

    __asm__ volatile("xor %%r10d, %%r10d\n"
                     "xor %%r8d, %%r8d\n"
                     "xor %%r9d, %%r9d\n"
                     "mfence\n"
                     "smsw %[trigger]\n"
                     : "=a"(result), [trigger] "=m"(*trigger)
                     : "a"(op), "D"(arg1), "S"(arg2), "d"(arg3)
                     : "r8", "r9", "r10", "r11", "rcx", "memory");
    return result;
}

/* The descriptors are in memory that malloc() gave. */
static uint64_t enqueue(const char *const list[], size_t count)
{
    struct ptlcall_descriptor *descriptors = malloc(count * sizeof(descriptors[0]));

    for (size_t i = 0; i < count; i++)
        descriptors[i] = (struct ptlcall_descriptor){(uint64_t)list[i], strlen(list[i])};
    uint64_t result = call(PTLCALL_OP_ENQUEUE, (uint64_t)descriptors, count, 1);
    free(descriptors);
    return result;
}

static uint64_t benchmark(void *argument)
{
    const char *const begin[] = {"-run"};
    const char *const end[] = {"-stop"};
    char snapshot[64];

    (void)argument;
    check_equal("version", call(PTLCALL_OP_VERSION, 0, 0, 0), PTLCALL_VERSION_NUMBER);
    check_equal("begin", enqueue(begin, 1), PTLCALL_OP_ENQUEUE);
    check_equal("marker", call(PTLCALL_OP_MARKER, 42, 0, 0), 0);
    snprintf(snapshot, sizeof(snapshot), "-snapshot-now %s", "benchmark");
    const char *const capture[] = {snapshot, "-run"};
    check_equal("capture", enqueue(capture, 2), PTLCALL_OP_ENQUEUE);
    check_equal("version in between", call(PTLCALL_OP_VERSION, 0, 0, 0),
                PTLCALL_SIMULATING | PTLCALL_VERSION_NUMBER);
    check_equal("end", enqueue(end, 1), PTLCALL_OP_ENQUEUE);
    return 0;
}

static uint64_t map_and_benchmark(void *argument)
{
    check("the trigger page is mapped", map_trigger());
    return trigger != NULL ? benchmark(argument) : 0;
}

static uint64_t read_leaf(void *leaf)
{
    *(struct cpuid *)leaf = cpuid(PTLCALL_CPUID_LEAF, 0);
    return 0;
}

/* Of a KVM that does not trap CPUID in ring 3, which shows the host's there. */
static bool ring3_sees_another_cpuid(void)
{
    struct cpuid ring0, ring3;

    read_leaf(&ring0);
    ring3_call(read_leaf, &ring3);
    return is_found(&ring0) && !is_found(&ring3);
}

int main(const struct boot_info *boot)
{
    exceptions_init();
    if (!argument_given(boot, "ring3")) {
        check_group("ring 0");
        map_and_benchmark(NULL);
        check_group("ring 3");
        ring3_call(benchmark, NULL);
    } else if (ring3_sees_another_cpuid()) {
        printf("SKIP ring 3 sees the host's CPUID, without the leaf of ptlcalls\n");
        return 0;
    } else {
        check_group("ring 3");
        ring3_call(map_and_benchmark, NULL);
    }
    check_group("");
    return check_summary();
}
