#include "vmm/snapshot/prstatus.h"

#include <string.h>
#include <sys/user.h>

void prstatus_fill(struct elf_prstatus *status, unsigned id, const struct kvm_regs *regs,
                   const struct kvm_sregs *sregs)
{
    const struct user_regs_struct user = {
        .rax = regs->rax,
        .rbx = regs->rbx,
        .rcx = regs->rcx,
        .rdx = regs->rdx,
        .rsi = regs->rsi,
        .rdi = regs->rdi,
        .rbp = regs->rbp,
        .rsp = regs->rsp,
        .r8 = regs->r8,
        .r9 = regs->r9,
        .r10 = regs->r10,
        .r11 = regs->r11,
        .r12 = regs->r12,
        .r13 = regs->r13,
        .r14 = regs->r14,
        .r15 = regs->r15,
        .rip = regs->rip,
        .eflags = regs->rflags,
        .orig_rax = ~0ull, /* not in a system call */
        .cs = sregs->cs.selector,
        .ss = sregs->ss.selector,
        .ds = sregs->ds.selector,
        .es = sregs->es.selector,
        .fs = sregs->fs.selector,
        .gs = sregs->gs.selector,
        .fs_base = sregs->fs.base,
        .gs_base = sregs->gs.base,
    };

    _Static_assert(sizeof(user) == sizeof(status->pr_reg), "gdb's registers are the kernel's");
    memset(status, 0, sizeof(*status));
    status->pr_pid = (int)id;
    memcpy(&status->pr_reg, &user, sizeof(user));
}
