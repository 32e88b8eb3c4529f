/* What an owner can do to machines: in the wrong order, with nothing left, over and over, and with reboots between. */
#include "tests/unit/api_guest.h"
#include "tests/unit/needs.h"
#include "tests/unit/patience.h"

#include "vmm/step/step.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

Suite *api_life_suite(void);

#define PATH     api_guest_core() /* a checkpoint */
#define BOOTS    3u
#define MACHINES 20
#define NOBODY   65534

/*
 * boots: an IN of the region, then an OUT to it, and the IN's value is the status of an OUT to debug-exit. rings: spins
 * in ring 3. counts: an OUT to the region, which wants registers, and 63 elsewhere: after the 64th that did without
 * registers they are KVM's alone. Then RCX is counted for ever.
 */
__asm__(".pushsection .rodata\n"
        ".code64\n"
        "image_boots:\n"
        "    movl $0x700, %edx\n"
        "    inb %dx, %al\n"
        "    outb %al, %dx\n"
        "    outb %al, $0xf4\n"
        "    hlt\n"
        "image_boots_end:\n"
        "image_rings:\n"
        "    lea 97f(%rip), %rax\n"
        "    lea 96f+2(%rip), %rbx\n"
        "    movw $0x27, -2(%rbx)\n"
        "    mov %rax, (%rbx)\n"
        "    movq $0, (%rax)\n"
        "    mov $0x00af9b000000ffff, %rcx\n"
        "    mov %rcx, 8(%rax)\n"
        "    mov $0x00cf93000000ffff, %rcx\n"
        "    mov %rcx, 16(%rax)\n"
        "    mov $0x00affb000000ffff, %rcx\n"
        "    mov %rcx, 24(%rax)\n"
        "    mov $0x00cff3000000ffff, %rcx\n"
        "    mov %rcx, 32(%rax)\n"
        "    lgdt 96f(%rip)\n"
        "    mov %rsp, %rbx\n"
        "    pushq $0x23\n"
        "    push %rbx\n"
        "    pushq $0x3002\n"
        "    pushq $0x1b\n"
        "    lea 1f(%rip), %rax\n"
        "    push %rax\n"
        "    iretq\n"
        "1:  jmp 1b\n"
        "    .balign 8\n"
        "96: .word 0\n"
        "    .quad 0\n"
        "    .balign 16\n"
        "97: .fill 40, 1, 0\n"
        "image_rings_end:\n"
        "image_counts:\n"
        "    movl $0x700, %edx\n"
        "    xorl %ecx, %ecx\n"
        "    movb $9, %al\n"
        "    outb %al, %dx\n"
        "    movl $63, %ebx\n"
        "1:  outb %al, $0x80\n"
        "    decl %ebx\n"
        "    jnz 1b\n"
        "2:  incq %rcx\n"
        "    jmp 2b\n"
        "image_counts_end:\n"
        ".popsection\n");

GUEST(image_boots);
GUEST(image_rings);
GUEST(image_counts);

static struct api_guest guest;
static struct minivmm_error error;

/* What callbacks saw. */
static struct {
    atomic_uint boots, attached, detached;
    struct minivmm_vcpu *vcpu;
    uint64_t rcx;
    int refusal; /* of attach() */
} seen;

static int attach(struct minivmm_machine *machine, const char *options, void **state,
                  struct minivmm_error *reason)
{
    (void)options;
    (void)state;
    ck_assert_ptr_nonnull(minivmm_vcpu(machine, 0));
    if (seen.refusal)
        return minivmm_error_set(reason, seen.refusal, "not today");
    atomic_fetch_add(&seen.attached, 1);
    return 0;
}

static void detach(void *state)
{
    struct minivmm_registers registers;

    (void)state;
    atomic_fetch_add(&seen.detached, 1);
    if (seen.vcpu && minivmm_get_registers(seen.vcpu, &registers, NULL) == 0)
        seen.rcx = registers.rcx;
}

static const struct minivmm_stub own = {.abi = MINIVMM_ABI,
                                        .name = "life",
                                        .attach = attach,
                                        .detach = detach};

/* Which boot this is, from 1 on. */
static uint64_t read_boot(void *opaque, const struct minivmm_access *access)
{
    (void)opaque;
    (void)access;
    return atomic_fetch_add(&seen.boots, 1) + 1;
}

/* All boots but the last are saved, and end with another. */
static void save_boot(void *opaque, const struct minivmm_access *access, uint64_t value)
{
    (void)opaque;
    if (seen.vcpu)
        ck_assert_ptr_eq(access->vcpu, seen.vcpu);
    if (value < BOOTS)
        ck_assert_int_eq(minivmm_save(access->vcpu, PATH, MINIVMM_CHECKPOINT_REBOOT, NULL), 0);
}

static const struct minivmm_region region = {.name = "boot",
                                             .space = MINIVMM_PORTS,
                                             .base = GUEST_PORT,
                                             .size = 1,
                                             .registers = true,
                                             .read = read_boot,
                                             .write = save_boot};

static struct minivmm_config quiet(void)
{
    struct minivmm_config config = MINIVMM_CONFIG;

    config.memory_size = GUEST_MEMORY;
    config.console_fd = config.message_fd = config.stats_fd = -1;
    config.own = &own;
    config.out_dir = "/tmp";
    return config;
}

static void create(const struct minivmm_config *config)
{
    memset(&guest, 0, sizeof(guest));
    ck_assert_msg(minivmm_create(config, &guest.machine, &error) == 0, "%s", error.text);
    ck_assert_int_eq(minivmm_add_region(guest.machine, &region, &error), 0);
}

static void create_quiet(void)
{
    const struct minivmm_config config = quiet();

    create(&config);
}

static void setup(void)
{
    memset(&seen, 0, sizeof(seen));
    memset(&error, 0, sizeof(error));
    minivmm_take_kick_signal(NULL);
}

#define LOAD(image) api_guest_load(&guest, image, image##_end)

/* The file stays, for reboots. */
static char kept_path[64];

static void load_kept(void)
{
    const int fd = memfd_create("image", 0);
    const struct minivmm_image image = {.path = kept_path,
                                        .has_load = true,
                                        .has_entry = true,
                                        .load = GUEST_LOAD,
                                        .entry = GUEST_LOAD};

    ck_assert_int_eq(write(fd, image_boots, (size_t)(image_boots_end - image_boots)),
                     image_boots_end - image_boots);
    snprintf(kept_path, sizeof(kept_path), "/proc/self/fd/%d", fd);
    ck_assert_msg(minivmm_load(guest.machine, &image, &error) == 0, "%s", error.text);
    memset(kept_path, 'x', sizeof(kept_path) - 1);
    guest.vcpu = minivmm_vcpu(guest.machine, 0);
}

/* Of an image of image_boots, which need not be there. */
static int try_load(const char *path)
{
    const struct minivmm_image image = {
        .path = path, .has_load = true, .has_entry = true, .load = GUEST_LOAD, .entry = GUEST_LOAD};

    return minivmm_load(guest.machine, &image, &error);
}

static int try_image(void)
{
    char path[] = "/tmp/minivmm-image-XXXXXX";
    const int fd = mkstemp(path);
    int result;

    ck_assert_int_eq(write(fd, image_boots, (size_t)(image_boots_end - image_boots)),
                     image_boots_end - image_boots);
    close(fd);
    result = try_load(path);
    unlink(path);
    return result;
}

static void run_to(int status)
{
    ck_assert_msg(minivmm_run(guest.machine, &guest.result) == 0, "%s", guest.result.text);
    ck_assert_msg(guest.result.outcome == MINIVMM_GUEST, "%s", guest.result.text);
    ck_assert_int_eq(guest.result.guest_status, status);
}

static unsigned count_entries(const char *path)
{
    DIR *dir = opendir(path);
    unsigned count = 0;

    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

/* ---- Loading ---- */

START_TEST(a_load_that_failed_leaves_no_descriptors_and_may_be_tried_again)
{
    const unsigned before = count_entries("/proc/self/fd");

    create_quiet();
    ck_assert_int_eq(try_load("/nonexistent"), -ENOENT);
    ck_assert_int_eq(error.outcome, MINIVMM_IMAGE);
    seen.refusal = -EPERM;
    ck_assert_int_eq(try_image(), -EPERM);
    ck_assert_str_eq(error.text, "not today");
    ck_assert_int_eq(error.outcome, MINIVMM_SETUP);
    seen.refusal = 5; /* no error, and no success */
    ck_assert_int_eq(try_image(), -EINVAL);
    ck_assert_uint_eq(count_entries("/proc/self/fd"), before);
    ck_assert_ptr_null(minivmm_vcpu(guest.machine, 0));
    ck_assert_uint_eq(seen.detached, 0);
    seen.refusal = 0;
    ck_assert_int_eq(try_image(), 0);
    atomic_store(&seen.boots, BOOTS);
    run_to(BOOTS + 1);
    api_guest_destroy(&guest);
    ck_assert_uint_eq(seen.attached, 1);
    ck_assert_uint_eq(seen.detached, 1);
    ck_assert_uint_eq(count_entries("/proc/self/fd"), before);
}
END_TEST

START_TEST(a_user_who_may_not_use_kvm_is_told_and_may_try_again)
{
    if (getuid() != 0 || seteuid(NOBODY) < 0)
        return;
    create_quiet();
    if (access("/dev/kvm", R_OK | W_OK) == 0 || open("/dev/kvm", O_RDWR) >= 0) {
        ck_assert_int_eq(seteuid(0), 0);
        api_guest_destroy(&guest);
        return;
    }
    ck_assert_int_lt(try_image(), 0);
    ck_assert_int_eq(error.outcome, MINIVMM_NO_KVM);
    ck_assert_ptr_nonnull(strstr(error.text, "/dev/kvm"));
    ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(try_image(), 0);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(without_descriptors_nothing_is_loaded_or_run_and_nothing_is_lost)
{
    struct rlimit limit, none;
    int failures = 0;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    create_quiet();
    for (none.rlim_cur = 3; failures < 100; none.rlim_cur++, failures++) {
        int result;

        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        result = try_load("/proc/self/exe");
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        if (error.outcome == MINIVMM_IMAGE && result != -EMFILE)
            break; /* all that comes before the image is there */
        ck_assert_int_lt(result, 0);
    }
    ck_assert_int_gt(failures, 0);
    ck_assert_int_lt(failures, 100);
    ck_assert_int_eq(try_image(), 0);
    none.rlim_cur = 3;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    ck_assert_int_lt(minivmm_run(guest.machine, &guest.result), 0);
    ck_assert_int_eq(guest.result.outcome, MINIVMM_SETUP);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    atomic_store(&seen.boots, BOOTS);
    run_to(BOOTS + 1);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(a_memory_that_cannot_be_is_refused_by_load)
{
    static const uint64_t sizes[] = {1, 4097, UINT64_MAX, UINT64_MAX & ~0xfffull, 1ull << 62};
    struct minivmm_config config = quiet();

    config.memory_size = sizes[_i];
    create(&config);
    for (int again = 0; again < 2; again++) {
        ck_assert_int_lt(try_image(), 0);
        ck_assert(error.outcome == MINIVMM_USAGE || error.outcome == MINIVMM_SETUP);
        ck_assert_str_ne(error.text, "");
    }
    api_guest_destroy(&guest);
}
END_TEST

static atomic_bool over;

static void *stop_always(void *machine)
{
    while (!atomic_load(&over))
        minivmm_stop(machine);
    return NULL;
}

START_TEST(stops_while_it_is_loaded_end_nothing)
{
    pthread_t thread;

    create_quiet();
    atomic_store(&over, false);
    atomic_store(&seen.boots, BOOTS);
    ck_assert_int_eq(pthread_create(&thread, NULL, stop_always, guest.machine), 0);
    ck_assert_int_eq(try_image(), 0);
    atomic_store(&over, true);
    pthread_join(thread, NULL);
    run_to(BOOTS + 1);
    minivmm_stop(guest.machine);
    ck_assert_int_eq(minivmm_pause(guest.machine, &error), -EINVAL);
    api_guest_destroy(&guest);
}
END_TEST

/* ---- Many ---- */

START_TEST(many_machines_one_after_the_other_leave_nothing)
{
    unsigned descriptors = 0, threads = 0;

    for (unsigned i = 0; i < MACHINES; i++) {
        if (i == 2) { /* sanitizers have threads of their own */
            descriptors = count_entries("/proc/self/fd");
            threads = count_entries("/proc/self/task");
        }
        create_quiet();
        ck_assert_int_eq(try_image(), 0);
        atomic_store(&seen.boots, BOOTS);
        if (i % 3)
            run_to(BOOTS + 1);
        api_guest_destroy(&guest);
    }
    ck_assert_uint_eq(count_entries("/proc/self/fd"), descriptors);
    /* A thread that was joined is there for another moment. */
    ck_assert(comes_true(count_entries("/proc/self/task") == threads));
    ck_assert_uint_eq(seen.attached, MACHINES);
    ck_assert_uint_eq(seen.detached, MACHINES);
}
END_TEST

/* ---- Reboots ---- */

START_TEST(a_reboot_keeps_vcpus_regions_and_paths_and_attaches_the_stub_again)
{
    create_quiet();
    load_kept();
    seen.vcpu = guest.vcpu;
    run_to(BOOTS);
    ck_assert_uint_eq(seen.boots, BOOTS);
    ck_assert_uint_eq(seen.attached, BOOTS);
    ck_assert_uint_eq(seen.detached, BOOTS);
    ck_assert_ptr_eq(minivmm_vcpu(guest.machine, 0), guest.vcpu);
    ck_assert_ptr_eq(minivmm_vcpu_machine(guest.vcpu), guest.machine);
    ck_assert_int_eq(access(PATH, R_OK), 0);
    unlink(PATH);
    api_guest_destroy(&guest);
}
END_TEST

/* A checkpoint of image_boots after its OUT, with AL 1. */
static void make_checkpoint(void)
{
    create_quiet();
    load_kept();
    run_to(BOOTS);
    api_guest_destroy(&guest);
    memset(&seen, 0, sizeof(seen));
}

START_TEST(a_checkpoint_is_restored_and_goes_on)
{
    make_checkpoint();
    create_quiet();
    ck_assert_msg(minivmm_restore(guest.machine, PATH, false, &error) == 0, "%s", error.text);
    unlink(PATH);
    run_to(BOOTS - 1); /* the boot of the last checkpoint */
    ck_assert_uint_eq(seen.boots, 0);
    ck_assert_uint_eq(seen.attached, 1);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(a_checkpoint_of_another_config_is_refused)
{
    struct minivmm_config configs[] = {quiet(), quiet(), quiet(), quiet()};
    static const char *const device[] = {"rtc"};

    configs[0].memory_size *= 2;
    configs[1].vcpu_count = 2;
    configs[2].irqchip = true;
    configs[3].devices = device;
    configs[3].device_count = 1;
    make_checkpoint();
    for (unsigned i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
        create(&configs[i]);
        ck_assert_int_lt(minivmm_restore(guest.machine, PATH, false, &error), 0);
        ck_assert_msg(error.outcome == MINIVMM_USAGE, "%u: %s", i, error.text);
        api_guest_destroy(&guest);
    }
    create_quiet();
    ck_assert_int_lt(minivmm_restore(guest.machine, "/dev/null", false, &error), 0);
    ck_assert_int_eq(error.outcome, MINIVMM_IMAGE);
    ck_assert_int_eq(minivmm_restore(guest.machine, PATH, false, &error), 0);
    unlink(PATH);
    api_guest_destroy(&guest);
}
END_TEST

/* ---- Ends ---- */

START_TEST(a_limit_beyond_the_end_of_time_is_none)
{
    struct minivmm_config config = quiet();

    config.timeout_ns = UINT64_MAX;
    create(&config);
    LOAD(image_boots);
    atomic_store(&seen.boots, BOOTS);
    run_to(BOOTS + 1);
    api_guest_destroy(&guest);
}
END_TEST

START_TEST(behind_a_recorded_run_the_machine_is_there_to_be_looked_at)
{
    struct minivmm_config config = quiet();
    uint32_t word = 0;

    config.own = NULL;
    config.record = PATH;
    memset(&guest, 0, sizeof(guest));
    ck_assert_int_eq(minivmm_create(&config, &guest.machine, &error), 0);
    LOAD(image_boots);
    run_to(127); /* an unclaimed port reads as ones */
    ck_assert_int_eq(minivmm_read_physical(guest.machine, GUEST_LOAD, &word, sizeof(word), &error),
                     0);
    ck_assert_int_eq(minivmm_write_physical(guest.machine, GUEST_LOAD, &word, sizeof(word), &error),
                     0);
    api_guest_destroy(&guest);
    unlink(PATH);
}
END_TEST

static void end_badly(void *opaque, const struct minivmm_access *access, uint64_t value)
{
    (void)opaque;
    (void)value;
    minivmm_end(access->vcpu, 300);
    minivmm_end(access->vcpu, 3);
}

START_TEST(a_status_that_does_not_exist_is_127_and_the_first_end_counts)
{
    const struct minivmm_region ending = {
        .name = "end", .space = MINIVMM_PORTS, .base = GUEST_PORT, .size = 1, .write = end_badly};

    api_guest_create(&guest, 1, &ending);
    LOAD(image_boots);
    run_to(127);
    api_guest_destroy(&guest);
}
END_TEST

static bool has_counted(void)
{
    struct minivmm_registers registers = {0};

    if (minivmm_pause(guest.machine, &error) < 0)
        return false;
    minivmm_get_registers(guest.vcpu, &registers, &error);
    minivmm_resume(guest.machine, &error);
    return registers.rcx > 1000;
}

START_TEST(detach_finds_the_registers_of_the_end)
{
    create_quiet();
    LOAD(image_counts);
    seen.vcpu = guest.vcpu;
    atomic_store(&seen.boots, BOOTS);
    api_guest_start(&guest);
    do {
        uint64_t counts[64];
        const unsigned reasons = minivmm_count_exits(guest.machine, counts, 64);
        uint64_t exits = 0;

        for (unsigned i = 0; i < reasons && i < 64; i++)
            exits += counts[i];
        if (exits >= 64)
            break;
    } while (usleep(1000) == 0);
    ck_assert(comes_true(has_counted()));
    minivmm_stop(guest.machine);
    api_guest_join(&guest);
    ck_assert_uint_gt(seen.rcx, 1000);
    unlink(PATH);
    api_guest_destroy(&guest);
}
END_TEST

static atomic_bool is_stopped;

/* Whether the step has begun by then is not known: again and again. */
static void *stop_often(void *machine)
{
    do {
        usleep(100000);
        minivmm_stop(machine);
    } while (!atomic_load(&is_stopped));
    return NULL;
}

static pthread_t start_to_stop(void)
{
    pthread_t thread;

    atomic_store(&is_stopped, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, stop_often, guest.machine), 0);
    return thread;
}

static void end_to_stop(pthread_t thread)
{
    atomic_store(&is_stopped, true);
    pthread_join(thread, NULL);
}

START_TEST(a_step_that_takes_for_ever_is_stopped_from_another_thread)
{
    pthread_t thread;
    int result = 0;

    if (step_probe()) /* then no step does */
        return;
    create_quiet();
    LOAD(image_rings);
    thread = start_to_stop();
    for (unsigned i = 0; i < 1000 && result == 0; i++)
        result = minivmm_step(guest.vcpu, &error);
    ck_assert_int_eq(result, -EINTR);
    ck_assert_int_eq(error.outcome, MINIVMM_INTERRUPTED);
    end_to_stop(thread);
    api_guest_start(&guest);
    while (minivmm_pause(guest.machine, &error) == -EINVAL)
        ;
    thread = start_to_stop();
    ck_assert_int_eq(minivmm_step(guest.vcpu, &error), 1);
    end_to_stop(thread);
    ck_assert_int_eq(minivmm_resume(guest.machine, &error), 0);
    api_guest_join(&guest);
    ck_assert_int_eq(guest.result.outcome, MINIVMM_INTERRUPTED);
    api_guest_destroy(&guest);
}
END_TEST

/* ---- Domains ---- */

static struct minivmm_machine *domain_of(struct minivmm_world *world, uint16_t domid)
{
    struct minivmm_config config = quiet();

    config.own = NULL;
    config.world = world;
    config.domid = domid;
    create(&config);
    return guest.machine;
}

START_TEST(domains_go_in_any_order_but_not_while_another_runs)
{
    struct minivmm_world *world = minivmm_world_create();
    struct minivmm_machine *machines[3];
    struct api_guest running;

    for (uint16_t i = 0; i < 3; i++) {
        machines[i] = domain_of(world, i);
        if (i < 2)
            LOAD(image_counts);
        if (i == 0)
            running = guest;
        ck_assert_int_eq(minivmm_world_destroy(world, &error), -EBUSY);
    }
    ck_assert_int_eq(minivmm_save(running.vcpu, PATH, MINIVMM_CHECKPOINT_CONTINUE, &error),
                     -EINVAL);
    atomic_store(&seen.boots, BOOTS);
    api_guest_start(&running);
    while (minivmm_pause(running.machine, &error) == -EINVAL)
        ;
    ck_assert_int_eq(minivmm_resume(running.machine, &error), 0);
    ck_assert_int_eq(minivmm_destroy(machines[1], &error), -EBUSY);
    ck_assert_ptr_nonnull(strstr(error.text, "another domain"));
    ck_assert_int_eq(minivmm_destroy(machines[0], &error), -EBUSY);
    ck_assert_ptr_nonnull(strstr(error.text, "minivmm_stop()"));
    ck_assert_int_lt(try_image(), 0); /* there are two */
    ck_assert_int_eq(minivmm_destroy(machines[2], &error), 0);
    minivmm_stop(running.machine);
    api_guest_join(&running);
    ck_assert_int_eq(minivmm_destroy(machines[0], &error), 0);
    ck_assert_int_eq(minivmm_world_destroy(world, &error), -EBUSY);
    ck_assert_int_eq(minivmm_destroy(machines[1], &error), 0); /* never run */
    ck_assert_int_eq(minivmm_world_destroy(world, &error), 0);
}
END_TEST

START_TEST(two_domains_have_two_numbers)
{
    struct minivmm_world *world = minivmm_world_create();
    struct minivmm_machine *first = domain_of(world, 1);

    LOAD(image_boots);
    domain_of(world, 1);
    ck_assert_int_lt(try_image(), 0);
    ck_assert_int_lt(try_image(), 0);
    api_guest_destroy(&guest);
    ck_assert_int_eq(minivmm_destroy(first, &error), 0);
    domain_of(world, 1);
    ck_assert_int_eq(try_image(), 0);
    api_guest_destroy(&guest);
    ck_assert_int_eq(minivmm_world_destroy(world, &error), 0);
}
END_TEST

/* ---- The foreground ---- */

START_TEST(a_checkpoint_that_cannot_be_meant_is_refused)
{
    static const struct minivmm_foreground wrong[] = {
        {.checkpoint_signal = SIGSEGV, .checkpoint_path = "refused.core"},
        {.checkpoint_signal = -1, .checkpoint_path = "refused.core"},
        {.checkpoint_signal = SIGUSR1},
        {.checkpoint_signal = SIGUSR2, .checkpoint_path = ""},
    };

    create_quiet();
    memset(&guest.result, 0x55, sizeof(guest.result));
    ck_assert_int_eq(minivmm_run_foreground(&guest.machine, 1, &wrong[_i], &guest.result), -EINVAL);
    ck_assert_int_eq(guest.result.outcome, MINIVMM_USAGE);
    ck_assert_ptr_nonnull(strstr(guest.result.text, "checkpoint"));
    ck_assert_ptr_null(guest.result.report);
    api_guest_destroy(&guest);
}
END_TEST

Suite *api_life_suite(void)
{
    Suite *suite = suite_create("api_life");
    TCase *tcase = tcase_create("life");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_loop_test(tcase, a_checkpoint_that_cannot_be_meant_is_refused, 0, 4);
    tcase_add_loop_test(tcase, a_memory_that_cannot_be_is_refused_by_load, 0, 5);
    kvm_test_add(tcase, a_load_that_failed_leaves_no_descriptors_and_may_be_tried_again, 1);
    kvm_test_add(tcase, a_user_who_may_not_use_kvm_is_told_and_may_try_again, 1);
    kvm_test_add(tcase, without_descriptors_nothing_is_loaded_or_run_and_nothing_is_lost, 1);
    kvm_test_add(tcase, stops_while_it_is_loaded_end_nothing, 1);
    kvm_test_add(tcase, many_machines_one_after_the_other_leave_nothing, 1);
    kvm_test_add(tcase, a_reboot_keeps_vcpus_regions_and_paths_and_attaches_the_stub_again, 1);
    kvm_test_add(tcase, a_checkpoint_is_restored_and_goes_on, 1);
    kvm_test_add(tcase, a_checkpoint_of_another_config_is_refused, 1);
    kvm_test_add(tcase, a_limit_beyond_the_end_of_time_is_none, 1);
    kvm_test_add(tcase, behind_a_recorded_run_the_machine_is_there_to_be_looked_at, 1);
    kvm_test_add(tcase, a_status_that_does_not_exist_is_127_and_the_first_end_counts, 1);
    kvm_test_add(tcase, detach_finds_the_registers_of_the_end, 1);
    kvm_test_add(tcase, a_step_that_takes_for_ever_is_stopped_from_another_thread, 1);
    kvm_test_add(tcase, domains_go_in_any_order_but_not_while_another_runs, 1);
    kvm_test_add(tcase, two_domains_have_two_numbers, 1);
    suite_add_tcase(suite, tcase);
    return suite;
}
