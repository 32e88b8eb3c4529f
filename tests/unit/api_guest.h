/*
 * API machines with tiny guests from memory, for the tests of api/.
 */
#ifndef TESTS_UNIT_API_GUEST_H
#define TESTS_UNIT_API_GUEST_H

#include "include/minivmm.h"

#include <check.h>
#include <pthread.h>
#include <stdatomic.h>

#define GUEST_LOAD   0x10000u /* gpa of the image, and of its first instruction */
#define GUEST_MEMORY (2u << 20)
#define GUEST_PORT   0x700u  /* of the region of api_guest_create() */
#define GUEST_COUNTS 0x7000u /* gpa where image_spin counts, four bytes for each vCPU */

/* Machine code between two labels. */
#define GUEST(name) extern const uint8_t name[], name##_end[]

/* CPU 0 starts CPU 1 at 0x8000, where api_guest_spin() puts its code, and both count for ever. */
GUEST(image_spin);

struct api_guest {
    struct minivmm_machine *machine;
    struct minivmm_vcpu *vcpu; /* the first, once it is loaded */
    struct minivmm_error error;
    struct minivmm_result result; /* of api_guest_join() */
    int run_result;
    pthread_t thread;
};

/* A machine of (vcpu_count) without any guest, with (region) unless that is NULL. */
void api_guest_create(struct api_guest *guest, unsigned vcpu_count,
                      const struct minivmm_region *region);
void api_guest_destroy(struct api_guest *guest);

/* Load the code from (from) to (to). */
void api_guest_load(struct api_guest *guest, const uint8_t *from, const uint8_t *to);

/* Let it run on a thread of its own, and wait for its end. */
void api_guest_start(struct api_guest *guest);
void api_guest_join(struct api_guest *guest);

/* Two vCPUs of image_spin that count already. */
void api_guest_spin(struct api_guest *guest, const struct minivmm_region *region);

/* What vCPU (id) of image_spin has counted: read while it runs. */
uint32_t api_guest_count(const struct api_guest *guest, unsigned id);

/* Where a test's checkpoint goes: another place in each process, and static text. */
const char *api_guest_core(void);

#endif
