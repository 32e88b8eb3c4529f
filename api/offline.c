/* Functions that need no machine: lists, numbers, exit streams and checkpoints as files. */
#include "api/config.h"
#include "api/result.h"

#include "devices/types.h"
#include "stubs/types.h"
#include "vmm/base/property.h"
#include "vmm/html/html.h"
#include "vmm/io/device.h"
#include "vmm/replay/exit_tests.h"
#include "vmm/snapshot/info.h"

#include <errno.h>

void minivmm_print_devices(int fd)
{
    device_print_types(device_types, fd);
}

int minivmm_print_device(const char *type, int fd, struct minivmm_error *error)
{
    const struct device_type *found;
    const char *properties;
    struct error failure;

    found = device_type_of(device_types, type, &properties, &failure);
    if (!found)
        return api_fail(error, MINIVMM_USAGE, -EINVAL, &failure);
    device_print_properties(found, fd);
    return 0;
}

void minivmm_print_stubs(int fd)
{
    stub_print_types(stub_types, fd);
}

int minivmm_parse_number(const char *text, const char *suffixes, uint64_t *number)
{
    return number_parse(text, suffixes, number);
}

/* A recording has devices only. */
static int check_replayed(const struct minivmm_config *config, const char *path,
                          struct error *error)
{
    struct stub stub = {0};
    int result =
        stub_open(&stub, stub_types, config->stub, config->own, config->stub_options, error);

    if (result < 0)
        return result;
    if (!stub_is_plain(&stub))
        result = error_set(error, -EINVAL, "--replay %s: runs no stub; leave out --stub", path);
    stub_close(&stub);
    return result;
}

enum minivmm_outcome minivmm_replay(const struct minivmm_config *config, const char *path,
                                    struct minivmm_error *error)
{
    enum minivmm_outcome outcome = MINIVMM_USAGE;
    struct error failure = {""};
    struct machine_plan plan = {0};
    unsigned parts;

    if (check_replayed(config, path, &failure) == 0 &&
        config_plan(config, &plan, &parts, &failure) == 0)
        outcome = (enum minivmm_outcome)exits_replay(path, device_types, &plan, parts, &failure);
    machine_plan_free(&plan);
    api_fail(error, outcome, 0, &failure);
    return outcome;
}

enum minivmm_outcome minivmm_test_streams(const char *const *paths, unsigned count)
{
    return (enum minivmm_outcome)exits_test((char *const *)(uintptr_t)paths, count, device_types);
}

int minivmm_write_report(const char *path, const char *page, struct minivmm_error *error)
{
    struct error failure;
    const int result = html_write(path, page, &failure);

    return result < 0 ? api_fail(error, MINIVMM_STREAM, result, &failure) : 0;
}

int minivmm_print_info(const char *path, const uint64_t *gva_asked, int fd,
                       struct minivmm_error *error)
{
    struct error failure;
    const int result = info_print(path, device_types, gva_asked, fd, &failure);

    return result < 0 ? api_fail(error, MINIVMM_IMAGE, result, &failure) : 0;
}
