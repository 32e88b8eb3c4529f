/* NT_PRSTATUS of an x86-64 core file: the note from which gdb reads a thread's registers. */
#ifndef VMM_SNAPSHOT_PRSTATUS_H
#define VMM_SNAPSHOT_PRSTATUS_H

#include <linux/kvm.h>
#include <sys/procfs.h>

/* Fill the note of thread (id), from 1, with the registers of a vCPU. */
void prstatus_fill(struct elf_prstatus *status, unsigned id, const struct kvm_regs *regs,
                   const struct kvm_sregs *sregs);

#endif
