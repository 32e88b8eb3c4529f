/* `minivmm info`: the vCPUs that were saved, and how vCPU 0 translates an address. */
#include "vmm/snapshot/info_parts.h"

#include "vmm/core/x86.h"

#include <errno.h>
#include <inttypes.h>

static const char *mp_state_name(uint32_t state)
{
    static const char *const names[] = {
        [KVM_MP_STATE_RUNNABLE] = "runs",
        [KVM_MP_STATE_UNINITIALIZED] = "waits for INIT",
        [KVM_MP_STATE_INIT_RECEIVED] = "waits for SIPI",
        [KVM_MP_STATE_HALTED] = "halted",
        [KVM_MP_STATE_SIPI_RECEIVED] = "has got its SIPI",
    };

    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "in a state of KVM's own";
}

/* RIP as the MMU sees it: in 64-bit code there is no segment base. */
static gva_t linear_rip(const struct kvm_vcpu_state *state)
{
    if (x86_code_bits(&state->sregs) == 64)
        return gva(state->regs.rip);
    return gva((uint32_t)(state->sregs.cs.base + state->regs.rip));
}

/* Behind RIP in its line: where it leads. */
static void write_rip_place(const struct info *info, const struct kvm_vcpu_state *state)
{
    const struct paging_registers paging = x86_paging(&state->sregs);
    struct paging_walk walk;
    uint64_t offset;

    if (paging_walk(&info->memory, &paging, linear_rip(state), &walk) < 0) {
        fprintf(info->out, ", which the page tables do not map\n");
        return;
    }
    fprintf(info->out, ", gpa 0x%" PRIx64, walk.address.value);
    switch (info_find(info, walk.address, &offset)) {
    case INFO_IN_FILE:
        fprintf(info->out, ", offset 0x%" PRIx64 "\n", offset);
        break;
    case INFO_ZERO:
        fprintf(info->out, ", not in the file: zero\n");
        break;
    case INFO_NO_RAM:
        fprintf(info->out, ", which is no RAM\n");
        break;
    }
}

int info_write_vcpus(const struct info *info, struct error *error)
{
    const unsigned count = info->file.note.plan.vcpu_count;
    struct kvm_vcpu_state state;

    for (unsigned id = 0; id < count; id++) {
        int result = info_read_vcpu(info, id, &state, error);
        struct paging_registers paging;

        if (result < 0)
            return result;
        paging = x86_paging(&state.sregs);
        fprintf(info->out, "\nvCPU %-4u %s, %u-bit code, %s\n", id,
                mp_state_name(state.mp.mp_state), x86_code_bits(&state.sregs),
                paging_mode_name(&paging));
        fprintf(info->out, "  rip 0x%016" PRIx64, (uint64_t)state.regs.rip);
        write_rip_place(info, &state);
        fprintf(info->out, "  rsp 0x%016" PRIx64 "\n  cr3 0x%016" PRIx64 "\n",
                (uint64_t)state.regs.rsp, (uint64_t)state.sregs.cr3);
    }
    if (core_find(&info->file.core, CORE_VCPU, count))
        return error_set(error, -EINVAL, "%s: it has the state of a vCPU that is not there",
                         info->path);
    return 0;
}
