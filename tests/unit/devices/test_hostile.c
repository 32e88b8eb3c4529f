/* Exits of a hostile guest, see tests/unit/hostile_steps.h: made-up ones, the same each time, and kept ones. */
#include "tests/unit/hex.h"
#include "tests/unit/hostile.h"
#include "tests/unit/hostile_steps.h"
#include "vmm/core/exit.h"
#include "vmm/core/machine_run.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

Suite *hostile_suite(void);

#define KEPT       "tests/fuzz/exits"
#define KEPT_COUNT 8
#define ROUNDS     8   /* tests, each in a process of its own */
#define SEQUENCES  500 /* in each of them */
#define LENGTH     512 /* bytes of a sequence, at most */

static void setup(void)
{
    hostile_prepare();
}

/* Vigna's splitmix64: good enough, and the same everywhere. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t value = *state += 0x9e3779b97f4a7c15;

    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

START_TEST(whatever_a_guest_does_the_monitor_keeps_its_promises)
{
    uint64_t state = (uint64_t)_i;
    uint8_t bytes[LENGTH];

    for (unsigned sequence = 0; sequence < SEQUENCES; sequence++) {
        const size_t size = next_random(&state) % LENGTH;

        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)(next_random(&state) >> 32);
        hostile_run(bytes, size);
    }
}
END_TEST

/* Damage as small as a fuzzer's: one byte of (image) after the other is another one. */
static void run_damaged(const struct hex_image *image)
{
    struct hex_image damaged = *image;
    uint64_t state = image->size;

    for (size_t at = 0; at < image->size; at++) {
        damaged.bytes[at] = (uint8_t)next_random(&state);
        hostile_run(damaged.bytes, damaged.size);
        damaged.bytes[at] = image->bytes[at];
    }
}

START_TEST(kept_sequences_are_survived_whole_and_damaged)
{
    DIR *dir = opendir(KEPT);
    const struct dirent *entry;
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir))) {
        static struct hex_image image;
        const char *end = strrchr(entry->d_name, '.');
        char path[512];

        if (!end || strcmp(end, ".hex") != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", KEPT, entry->d_name);
        ck_assert_msg(hex_read(path, &image) == 0, "%s cannot be read", path);
        hostile_run(image.bytes, image.size);
        run_damaged(&image);
        count++;
    }
    closedir(dir);
    ck_assert_int_ge(count, KEPT_COUNT);
}
END_TEST

#define TURNS 20000 /* exits of each vCPU */

/* Of all ports and pages that a device decodes, one, and what to do there. */
static void set_exit(struct kvm_run *run, uint64_t random)
{
    static const uint16_t ports[] = {0x60,  0x64,  0x71,  0x80,  0xe0, 0xe9,  0x2f8,
                                     0x3f8, 0x511, 0xcf8, 0xcfc, 0xf4, 0xc000};
    static const uint64_t pages[] = {PCI_MEMORY_BASE, PCI_MEMORY_BASE + MIB, 0x8fffff000};
    const uint32_t value = (uint32_t)(random >> 32);

    if (random & 1) {
        run->exit_reason = KVM_EXIT_IO;
        run->io.direction = random & 2 ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
        run->io.size = (uint8_t)(1u << (random >> 2) % 3);
        run->io.port = (uint16_t)(ports[(random >> 4) % 13] + (random >> 8 & 3));
        run->io.count = 1;
        run->io.data_offset = PAGE_SIZE;
        memcpy((uint8_t *)run + PAGE_SIZE, &value, sizeof(value));
        return;
    }
    run->exit_reason = KVM_EXIT_MMIO;
    run->mmio.phys_addr = pages[(random >> 4) % 3] + (random >> 8 & 0xfc);
    run->mmio.len = 4;
    run->mmio.is_write = random >> 1 & 1;
    memcpy(run->mmio.data, &value, sizeof(value));
}

static void *play(void *argument)
{
    struct vcpu *vcpu = argument;
    uint64_t state = vcpu->id;

    vcpu->registers_valid = true;
    for (unsigned turn = 0; turn < TURNS; turn++) {
        set_exit(vcpu->run, next_random(&state));
        exit_handle(vcpu->machine, vcpu);
        exit_remember(vcpu);
        atomic_store(&vcpu->machine->end, 0);
    }
    return NULL;
}

/* The host types and counts meanwhile. */
START_TEST(vcpus_that_do_it_at_once_do_not_lock_each_other_out)
{
    static struct hostile hostile;
    pthread_t threads[HOSTILE_VCPUS];
    uint64_t counts[EXIT_REASONS];

    hostile_begin(&hostile);
    for (unsigned id = 0; id < HOSTILE_VCPUS; id++)
        ck_assert_int_eq(pthread_create(&threads[id], NULL, play, &hostile.machine.vcpus[id]), 0);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        console_type(&hostile.machine.console, (const uint8_t *)"typed", 5);
        machine_count_exits(&hostile.machine, counts);
    }
    for (unsigned id = 0; id < HOSTILE_VCPUS; id++)
        pthread_join(threads[id], NULL);
    hostile_end(&hostile);
}
END_TEST

Suite *hostile_suite(void)
{
    Suite *suite = suite_create("hostile");
    TCase *tcase = tcase_create("hostile");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_loop_test(tcase, whatever_a_guest_does_the_monitor_keeps_its_promises, 0, ROUNDS);
    tcase_add_test(tcase, kept_sequences_are_survived_whole_and_damaged);
    tcase_add_test(tcase, vcpus_that_do_it_at_once_do_not_lock_each_other_out);
    suite_add_tcase(suite, tcase);
    return suite;
}
