/*
 * HYPERVISOR_xen_version: names and features of this interface. Texts fill their whole field,
 * padded with zeros.
 */
#include "devices/xen/ops.h"

#include <errno.h>
#include <string.h>

/* Guest frame numbers are used directly: the guest has no machine frames to translate. */
#define FEATURES                                                                                   \
    (1u << XENFEAT_writable_page_tables | 1u << XENFEAT_auto_translated_physmap |                  \
     1u << XENFEAT_supervisor_mode_kernel)

static int64_t get_features(struct xen_call *call, uint64_t argument)
{
    struct xen_feature_info info;
    int result = xen_copy_from_guest(call, &info, argument, sizeof(info));

    if (result < 0)
        return result;
    if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
        return -EINVAL;
    info.submap = FEATURES;
    return xen_copy_to_guest(call, argument, &info, sizeof(info));
}

int64_t xen_op_version(struct xen_call *call)
{
    static const xen_extraversion_t extraversion = ".minivmm";
    static const struct xen_compile_info compile_info = {.compiler = __VERSION__,
                                                         .compile_by = "minivmm"};
    static const xen_capabilities_info_t capabilities = "hvm-3.0-x86_64";
    static const xen_changeset_info_t changeset = "";
    static const struct xen_platform_parameters parameters = {.virt_start = 0};
    static const xen_domain_handle_t handle = {0};
    static const xen_commandline_t command_line = "";
    static const struct {
        const void *answer;
        size_t size;
    } answers[] = {
        [XENVER_extraversion] = {extraversion, sizeof(extraversion)},
        [XENVER_compile_info] = {&compile_info, sizeof(compile_info)},
        [XENVER_capabilities] = {capabilities, sizeof(capabilities)},
        [XENVER_changeset] = {changeset, sizeof(changeset)},
        [XENVER_platform_parameters] = {&parameters, sizeof(parameters)},
        [XENVER_guest_handle] = {handle, sizeof(handle)},
        [XENVER_commandline] = {command_line, sizeof(command_line)},
    };
    const uint64_t what = call->arguments[0], argument = call->arguments[1];

    switch (what) {
    case XENVER_version:
        return XEN_VERSION;
    case XENVER_pagesize:
        return PAGE_SIZE;
    case XENVER_get_features:
        return get_features(call, argument);
    case XENVER_build_id:
        return -ENODATA;
    default:
        break;
    }
    if (what >= sizeof(answers) / sizeof(answers[0]) || !answers[what].answer)
        return -ENOSYS;
    return xen_copy_to_guest(call, argument, answers[what].answer, answers[what].size);
}
