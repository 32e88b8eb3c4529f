#include "tests/unit/fixture.h"

#include "devices/types.h"
#include "vmm/core/exit.h"
#include "vmm/core/machine_device.h"
#include "vmm/core/machine_run.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* As in KVM's run page: the data of a port access lie after the structure. */
#define RUN_SIZE    (3 * PAGE_SIZE)
#define DATA_OFFSET PAGE_SIZE

void fixture_setup(struct fixture *fixture)
{
    struct machine_config config = {
        .memory_size = 16 * MIB,
        .vcpu_count = 1,
        .console_policy = OUTPUT_FULL,
        .message_fd = -1,
    };
    struct error error;

    memset(fixture, 0, sizeof(*fixture));
    strcpy(fixture->out_dir, "/tmp/minivmm-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(fixture->out_dir));
    fixture->console = memfd_create("console", MFD_CLOEXEC);
    ck_assert_int_ge(fixture->console, 0);
    config.console_fd = fixture->console;
    config.out_dir = fixture->out_dir;
    ck_assert_msg(machine_init(&fixture->machine, &config, &error) == 0, "%s", error.text);

    fixture->vcpu = &fixture->machine.vcpus[0];
    fixture->vcpu->run_size = RUN_SIZE;
    fixture->vcpu->run = aligned_alloc(PAGE_SIZE, RUN_SIZE);
    ck_assert_ptr_nonnull(fixture->vcpu->run);
    memset(fixture->vcpu->run, 0, RUN_SIZE);
    fixture->vcpu->registers_valid = true;
}

static void remove_dir(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(path);
}

void fixture_teardown(struct fixture *fixture)
{
    free(fixture->vcpu->run);
    fixture->vcpu->run = NULL;
    machine_finish(&fixture->machine);
    close(fixture->console);
    remove_dir(fixture->out_dir);
}

int fixture_try_device(struct fixture *fixture, const char *type, const char *properties,
                       struct error *error)
{
    const struct device_type *found = device_type_find(device_types, type);

    ck_assert_msg(found != NULL, "no device type %s", type);
    return device_create(&fixture->machine, found, properties, error);
}

struct device *fixture_device(struct fixture *fixture, const char *type, const char *properties)
{
    struct error error;
    struct device *device;

    ck_assert_msg(fixture_try_device(fixture, type, properties, &error) == 0, "%s", error.text);
    device = fixture->machine.devices;
    while (device->next)
        device = device->next;
    return device;
}

static enum exit_action port_exit(struct fixture *fixture, uint16_t port, unsigned size, bool out,
                                  uint32_t *value)
{
    struct kvm_run *run = fixture->vcpu->run;
    uint8_t *data = (uint8_t *)run + DATA_OFFSET;
    enum exit_action action;

    run->exit_reason = KVM_EXIT_IO;
    run->io.direction = out ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
    run->io.size = (uint8_t)size;
    run->io.port = port;
    run->io.count = 1;
    run->io.data_offset = DATA_OFFSET;
    memcpy(data, value, sizeof(*value));
    action = exit_handle(&fixture->machine, fixture->vcpu);
    if (!out) {
        *value = 0;
        memcpy(value, data, size);
    }
    return action;
}

enum exit_action fixture_out(struct fixture *fixture, uint16_t port, unsigned size, uint32_t value)
{
    return port_exit(fixture, port, size, true, &value);
}

uint32_t fixture_in(struct fixture *fixture, uint16_t port, unsigned size)
{
    uint32_t value = 0;

    port_exit(fixture, port, size, false, &value);
    return value;
}

static enum exit_action memory_exit(struct fixture *fixture, uint64_t address, unsigned size,
                                    bool write, uint64_t *value)
{
    struct kvm_run *run = fixture->vcpu->run;
    enum exit_action action;

    run->exit_reason = KVM_EXIT_MMIO;
    run->mmio.phys_addr = address;
    run->mmio.len = size;
    run->mmio.is_write = write;
    memcpy(run->mmio.data, value, sizeof(run->mmio.data));
    action = exit_handle(&fixture->machine, fixture->vcpu);
    *value = 0;
    memcpy(value, run->mmio.data, size);
    return action;
}

enum exit_action fixture_store(struct fixture *fixture, uint64_t address, unsigned size,
                               uint64_t value)
{
    return memory_exit(fixture, address, size, true, &value);
}

uint64_t fixture_load(struct fixture *fixture, uint64_t address, unsigned size)
{
    uint64_t value = 0;

    memory_exit(fixture, address, size, false, &value);
    return value;
}

/* Read a whole small file into the fixture's text. */
static const char *read_text(struct fixture *fixture, int fd)
{
    ssize_t length = pread(fd, fixture->console_text, sizeof(fixture->console_text) - 1, 0);

    if (length < 0)
        return NULL;
    fixture->console_text[length] = '\0';
    return fixture->console_text;
}

const char *fixture_console(struct fixture *fixture)
{
    console_flush(&fixture->machine.console);
    return read_text(fixture, fixture->console);
}

const char *fixture_out_file(struct fixture *fixture, const char *name)
{
    char path[512];
    const char *text;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", fixture->out_dir, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    text = read_text(fixture, fd);
    close(fd);
    return text;
}
