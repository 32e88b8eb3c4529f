#include "tests/unit/api_guest.h"

#include "api/handle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND_CODE 0x8000u

__asm__(".pushsection .rodata\n"
        ".code64\n"
        "image_spin:\n"
        "    movl $0x7000, %esi\n"
        "    movl $0xfee00000, %ebx\n"
        "    movl $0x1ff, 0xf0(%rbx)\n"
        "    movl $0x01000000, 0x310(%rbx)\n"
        "    movl $0x4500, 0x300(%rbx)\n"
        "    movl $0x01000000, 0x310(%rbx)\n"
        "    movl $0x4608, 0x300(%rbx)\n"
        "1:  incl (%rsi)\n"
        "    jmp 1b\n"
        "image_spin_end:\n"
        ".code16\n"
        "image_spin_second:\n"
        "1:  incl 0x7004\n"
        "    jmp 1b\n"
        "image_spin_second_end:\n"
        ".code64\n"
        ".popsection\n");

GUEST(image_spin_second);

void api_guest_create(struct api_guest *guest, unsigned vcpu_count,
                      const struct minivmm_region *region)
{
    struct minivmm_config config = MINIVMM_CONFIG;

    memset(guest, 0, sizeof(*guest));
    minivmm_take_kick_signal(NULL);
    config.memory_size = GUEST_MEMORY;
    config.vcpu_count = vcpu_count;
    config.console_fd = -1;
    config.message_fd = -1;
    config.out_dir = "/tmp";
    ck_assert_msg(minivmm_create(&config, &guest->machine, &guest->error) == 0, "%s",
                  guest->error.text);
    if (region)
        ck_assert_msg(minivmm_add_region(guest->machine, region, &guest->error) == 0, "%s",
                      guest->error.text);
}

void api_guest_destroy(struct api_guest *guest)
{
    ck_assert_msg(minivmm_destroy(guest->machine, &guest->error) == 0, "%s", guest->error.text);
    guest->machine = NULL;
}

void api_guest_load(struct api_guest *guest, const uint8_t *from, const uint8_t *to)
{
    char path[] = "/tmp/minivmm-image-XXXXXX";
    const struct minivmm_image image = {
        .path = path, .has_load = true, .has_entry = true, .load = GUEST_LOAD, .entry = GUEST_LOAD};
    const int fd = mkstemp(path);
    int result;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, from, (size_t)(to - from)), to - from);
    close(fd);
    result = minivmm_load(guest->machine, &image, &guest->error);
    unlink(path);
    ck_assert_msg(result == 0, "%s", guest->error.text);
    guest->vcpu = minivmm_vcpu(guest->machine, 0);
    ck_assert_ptr_nonnull(guest->vcpu);
}

static void *run(void *opaque)
{
    struct api_guest *guest = opaque;

    guest->run_result = minivmm_run(guest->machine, &guest->result);
    return NULL;
}

void api_guest_start(struct api_guest *guest)
{
    ck_assert_int_eq(pthread_create(&guest->thread, NULL, run, guest), 0);
}

void api_guest_join(struct api_guest *guest)
{
    pthread_join(guest->thread, NULL);
    ck_assert_msg(guest->run_result == 0, "%s", guest->result.text);
}

uint32_t api_guest_count(const struct api_guest *guest, unsigned id)
{
    const uint32_t *counts =
        memory_at(&guest->machine->machine.memory, gpa(GUEST_COUNTS), 2 * sizeof(uint32_t));

    return __atomic_load_n(&counts[id], __ATOMIC_RELAXED);
}

void api_guest_spin(struct api_guest *guest, const struct minivmm_region *region)
{
    api_guest_create(guest, 2, region);
    api_guest_load(guest, image_spin, image_spin_end);
    ck_assert_int_eq(minivmm_write_physical(guest->machine, SECOND_CODE, image_spin_second,
                                            (size_t)(image_spin_second_end - image_spin_second),
                                            NULL),
                     0);
    api_guest_start(guest);
    while (api_guest_count(guest, 0) == 0 || api_guest_count(guest, 1) == 0)
        usleep(100);
}

/* Made once: several threads of a test ask for it. */
static char core_path[64];

static void make_core_path(void)
{
    snprintf(core_path, sizeof(core_path), "/tmp/minivmm-api-%d.core", (int)getpid());
}

const char *api_guest_core(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_core_path);
    return core_path;
}
