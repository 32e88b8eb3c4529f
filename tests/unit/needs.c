#include "tests/unit/needs.h"

#include "vmm/core/kvm.h"
#include "vmm/observe/disasm.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define SKIPPED_MAX 256

/* Suites are made before any test runs, in one thread. */
static struct {
    const TTest *test;
    const char *reason;
} skipped[SKIPPED_MAX];
static unsigned skipped_count;

static bool probe_kvm(void)
{
    int fd = open(KVM_DEVICE, O_RDWR | O_CLOEXEC);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* In its place there can be a plain file, or nothing. */
static bool probe_full(void)
{
    struct stat status;

    return stat("/dev/full", &status) == 0 && S_ISCHR(status.st_mode) &&
           status.st_rdev == makedev(1, 7);
}

static bool probe_zydis(void)
{
    struct disasm disasm = {0};
    const bool found = disasm_open(&disasm) == 0;

    disasm_close(&disasm);
    return found;
}

static const struct {
    const char *name; /* in PROBES_MISSING, as in tests/probes.sh */
    bool (*probe)(void);
    const char *reason;
} needs[NEEDS] = {
    [NEED_KVM] = {"kvm", probe_kvm, "/dev/kvm cannot be used"},
    [NEED_FULL] = {"full", probe_full, "/dev/full is not the device that is always full"},
    [NEED_ZYDIS] = {"zydis", probe_zydis, "libzydis cannot be loaded"},
};

static bool is_said_to_miss(const char *name)
{
    const char *list = getenv("PROBES_MISSING");
    const size_t length = strlen(name);

    for (; list && *list; list += strcspn(list, " "), list += strspn(list, " ")) {
        if (strncmp(list, name, length) == 0 && (list[length] == ' ' || !list[length]))
            return true;
    }
    return false;
}

static bool is_there(enum need need)
{
    static enum { UNKNOWN, THERE, MISSING } known[NEEDS];

    if (known[need] == UNKNOWN)
        known[need] = !is_said_to_miss(needs[need].name) && needs[need].probe() ? THERE : MISSING;
    return known[need] == THERE;
}

void needs_test_add(TCase *tcase, enum need need, const TTest *test, int loops)
{
    if (is_there(need)) {
        tcase_add_loop_test(tcase, test, 0, loops);
    } else if (skipped_count < SKIPPED_MAX) {
        skipped[skipped_count].test = test;
        skipped[skipped_count++].reason = needs[need].reason;
    }
}

void needs_print_skipped(FILE *tap)
{
    for (unsigned i = 0; i < skipped_count; i++)
        fprintf(tap, "ok - %s:%s # SKIP %s\n", skipped[i].test->file, skipped[i].test->name,
                skipped[i].reason);
}
