/*
 * A machine without /dev/kvm for the unit tests: memory, buses, one vCPU over an ordinary page.
 *
 * Exits are invented: fill fixture.vcpu.run, call exit_handle(). The fixture_in/out/load/store
 * helpers do that for the common ones, so that every test takes the way of a real exit.
 */
#ifndef TESTS_UNIT_FIXTURE_H
#define TESTS_UNIT_FIXTURE_H

#include "vmm/core/exit.h"
#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"

#include <check.h>

struct fixture {
    struct machine machine;
    struct vcpu *vcpu; /* vCPU 0 of the machine; registers_valid is true */
    char out_dir[64];  /* the machine's --out directory: empty at first, removed at the end */
    int console;       /* a memfd that the console writes to */
    char console_text[65536];
};

/* 16 MiB of RAM, no devices. Aborts the test if it cannot be made. */
void fixture_setup(struct fixture *fixture);
void fixture_teardown(struct fixture *fixture);

/* Make a device by type name, with a property list or NULL; aborts the test on an error. */
struct device *fixture_device(struct fixture *fixture, const char *type, const char *properties);

/* The same, giving the result and its sentence to the test. */
int fixture_try_device(struct fixture *fixture, const char *type, const char *properties,
                       struct error *error);

/* One exit each, through exit_handle(). (size) is 1, 2 or 4; MMIO also 8. */
enum exit_action fixture_out(struct fixture *fixture, uint16_t port, unsigned size, uint32_t value);
uint32_t fixture_in(struct fixture *fixture, uint16_t port, unsigned size);
enum exit_action fixture_store(struct fixture *fixture, uint64_t address, unsigned size,
                               uint64_t value);
uint64_t fixture_load(struct fixture *fixture, uint64_t address, unsigned size);

/* What the guest's console showed so far. */
const char *fixture_console(struct fixture *fixture);

/* The contents of a file in the --out directory, or NULL; valid until the next call. */
const char *fixture_out_file(struct fixture *fixture, const char *name);

#endif
