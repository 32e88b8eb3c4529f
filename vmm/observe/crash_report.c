#include "vmm/observe/crash_report.h"

#include "vmm/core/machine.h"
#include "vmm/core/vcpu.h"
#include "vmm/observe/disasm.h"
#include "vmm/step/decode.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Suberrors of KVM_EXIT_INTERNAL_ERROR, linux/kvm.h. */
static const char *suberror_words(uint32_t suberror)
{
    static const char *const words[] = {
        [KVM_INTERNAL_ERROR_EMULATION] = "KVM cannot emulate the instruction",
        [KVM_INTERNAL_ERROR_SIMUL_EX] = "two exceptions at once",
        [KVM_INTERNAL_ERROR_DELIVERY_EV] = "an exit while an event was being delivered",
        [KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON] = "an unexpected hardware exit",
    };

    if (suberror < sizeof(words) / sizeof(words[0]) && words[suberror])
        return words[suberror];
    return "an unknown suberror";
}

static void write_bytes(const uint8_t *bytes, unsigned count, FILE *file)
{
    for (unsigned i = 0; i < count; i++)
        fprintf(file, " %02x", bytes[i]);
}

static void write_internal_error(const struct kvm_run *run, FILE *file)
{
    const unsigned insn_words = 3; /* flags, insn_size, insn_bytes: of emulation_failure.ndata */
    unsigned size = run->emulation_failure.insn_size;

    fprintf(file, "  suberror %u: %s\n", run->internal.suberror,
            suberror_words(run->internal.suberror));
    if (run->internal.suberror != KVM_INTERNAL_ERROR_EMULATION ||
        run->emulation_failure.ndata < insn_words ||
        !(run->emulation_failure.flags & KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES))
        return;
    fprintf(file, "  bytes that KVM fetched:");
    write_bytes(run->emulation_failure.insn_bytes, size < INSTRUCTION_MAX ? size : INSTRUCTION_MAX,
                file);
    fprintf(file, "\n");
}

static void write_reason(const struct kvm_run *run, FILE *file)
{
    switch (run->exit_reason) {
    case KVM_EXIT_INTERNAL_ERROR:
        write_internal_error(run, file);
        break;
    case KVM_EXIT_FAIL_ENTRY:
        fprintf(file, "  hardware entry failure reason 0x%" PRIx64 " on host CPU %u\n",
                (uint64_t)run->fail_entry.hardware_entry_failure_reason, run->fail_entry.cpu);
        break;
    case KVM_EXIT_UNKNOWN:
        fprintf(file, "  hardware exit reason 0x%" PRIx64 "\n",
                (uint64_t)run->hw.hardware_exit_reason);
        break;
    case KVM_EXIT_EXCEPTION:
        fprintf(file, "  exception %u, error code 0x%x\n", run->ex.exception, run->ex.error_code);
        break;
    case KVM_EXIT_SYSTEM_EVENT:
        fprintf(file, "  system event %u\n", run->system_event.type);
        break;
    default:
        break;
    }
}

static void write_registers(const struct kvm_regs *r, FILE *file)
{
    const struct {
        const char *name;
        uint64_t value;
    } registers[] = {
        {"rip", r->rip}, {"rflags", r->rflags}, {"rax", r->rax}, {"rbx", r->rbx}, {"rcx", r->rcx},
        {"rdx", r->rdx}, {"rsi", r->rsi},       {"rdi", r->rdi}, {"rsp", r->rsp}, {"rbp", r->rbp},
        {"r8", r->r8},   {"r9", r->r9},         {"r10", r->r10}, {"r11", r->r11}, {"r12", r->r12},
        {"r13", r->r13}, {"r14", r->r14},       {"r15", r->r15},
    };
    const unsigned count = sizeof(registers) / sizeof(registers[0]);

    for (unsigned i = 0; i < count; i++)
        fprintf(file, "  %-6s %016" PRIx64 "%s", registers[i].name, registers[i].value,
                i % 3 == 2 || i == count - 1 ? "\n" : "");
}

static void write_segment(const char *name, const struct kvm_segment *s, FILE *file)
{
    fprintf(file, "  %-3s %04x base %016" PRIx64 " limit %08x type %x dpl %u%s%s%s\n", name,
            s->selector, (uint64_t)s->base, s->limit, s->type, s->dpl, s->l ? " 64-bit" : "",
            s->db ? " 32-bit" : "", s->present ? "" : " not present");
}

static void write_special_registers(const struct kvm_sregs *s, FILE *file)
{
    fprintf(file,
            "  cr0 %08" PRIx64 "  cr2 %016" PRIx64 "  cr3 %016" PRIx64 "  cr4 %08" PRIx64
            "  efer %04" PRIx64 "\n",
            (uint64_t)s->cr0, (uint64_t)s->cr2, (uint64_t)s->cr3, (uint64_t)s->cr4,
            (uint64_t)s->efer);
    write_segment("cs", &s->cs, file);
    write_segment("ss", &s->ss, file);
    fprintf(file, "  gdt base %016" PRIx64 " limit %04x   idt base %016" PRIx64 " limit %04x\n",
            (uint64_t)s->gdt.base, s->gdt.limit, (uint64_t)s->idt.base, s->idt.limit);
}

/* A linear address: in 64-bit code, code and stack have no segment base. */
static gva_t linear(struct vcpu *vcpu, const struct kvm_segment *segment, uint64_t offset)
{
    if (vcpu_in_64_bit_mode(vcpu))
        return gva(offset);
    return gva((uint32_t)(segment->base + offset));
}

static gva_t linear_rip(struct vcpu *vcpu)
{
    return linear(vcpu, &vcpu_special_registers(vcpu)->cs, vcpu_registers(vcpu)->rip);
}

/* Read as many bytes as possible at (address), up to the longest instruction. */
static unsigned read_instruction(struct machine *machine, const struct paging_registers *paging,
                                 gva_t address, uint8_t *bytes)
{
    unsigned count = 0;

    while (count < INSTRUCTION_MAX &&
           paging_read(&machine->memory, paging, gva(address.value + count), &bytes[count], 1) == 0)
        count++;
    return count;
}

/* The place in the monitor's memory: bytes after the start of the guest's RAM. */
static void write_host_offset(const struct memory *memory, gpa_t address, FILE *file)
{
    const uint8_t *host = memory_at(memory, address, 1);

    if (host)
        fprintf(file, " -> RAM + 0x%tx\n", host - memory->slots[0].host);
    else
        fprintf(file, ", which is not RAM\n");
}

/*
 * Translate an address in two steps: the guest's page tables, entry by entry, then the monitor's
 * memory.
 */
static void write_translation(struct machine *machine, const struct paging_registers *paging,
                              const char *name, gva_t address, FILE *file)
{
    struct paging_walk walk;
    int result = paging_walk(&machine->memory, paging, address, &walk);

    fprintf(file, "  %s: gva 0x%" PRIx64, name, address.value);
    if (result < 0)
        fprintf(file, ": the guest's page tables map nothing there\n");
    else {
        fprintf(file, " -> gpa 0x%" PRIx64, walk.address.value);
        write_host_offset(&machine->memory, walk.address, file);
    }
    for (unsigned i = 0; i < walk.entry_count; i++)
        fprintf(file, "    level %u entry at 0x%" PRIx64 ": 0x%016" PRIx64 "\n",
                walk.entries[i].level, walk.entries[i].address.value, walk.entries[i].value);
}

static void write_addresses(struct machine *machine, struct vcpu *vcpu, FILE *file)
{
    const struct paging_registers paging = vcpu_paging(vcpu);
    const struct kvm_segment *stack = &vcpu_special_registers(vcpu)->ss;

    write_translation(machine, &paging, "rip", linear_rip(vcpu), file);
    write_translation(machine, &paging, "rsp", linear(vcpu, stack, vcpu_registers(vcpu)->rsp),
                      file);
}

/* The line after the bytes. */
static void write_disassembled(struct vcpu *vcpu, gva_t address, const uint8_t *bytes,
                               unsigned count, FILE *file)
{
    struct disasm disasm = {0};
    char text[DISASM_TEXT];

    if (disasm_open(&disasm) < 0)
        fprintf(file, "  (install libzydis to disassemble it)\n");
    else if (disasm_instruction(&disasm, bytes, count, address.value,
                                x86_code_bits(vcpu_special_registers(vcpu)), text,
                                sizeof(text)) < 0)
        fprintf(file, "  instruction: unknown\n");
    else
        fprintf(file, "  instruction: %s\n", text);
    disasm_close(&disasm);
}

static void write_instruction(struct machine *machine, struct vcpu *vcpu, FILE *file)
{
    const struct paging_registers paging = vcpu_paging(vcpu);
    gva_t address = linear_rip(vcpu);
    uint8_t bytes[INSTRUCTION_MAX];
    unsigned count = read_instruction(machine, &paging, address, bytes);

    if (!count)
        return;
    fprintf(file, "  bytes:");
    write_bytes(bytes, count, file);
    fprintf(file, "\n");
    write_disassembled(vcpu, address, bytes, count, file);
}

static void write_record(const struct exit_record *record, FILE *file)
{
    const uint64_t mask = record->size < 8 ? (UINT64_C(1) << 8 * record->size) - 1 : UINT64_MAX;

    fprintf(file, "  %8" PRIu64 "  %-*s", record->number, record->size ? 14 : 0,
            exit_reason_name(record->reason));
    if (record->size) {
        fprintf(file, " %s 0x%" PRIx64 " size %u data 0x%" PRIx64,
                record->write ? "write" : "read ", record->address, record->size,
                record->data & mask);
        if (record->count > 1)
            fprintf(file, " and %u more", record->count - 1);
    }
    fprintf(file, "\n");
}

static void write_history(const struct exit_history *history, FILE *file)
{
    uint64_t count = history->total < EXIT_HISTORY ? history->total : EXIT_HISTORY;

    fprintf(file, "last exits:\n");
    for (uint64_t i = history->total - count; i < history->total; i++)
        write_record(&history->records[i % EXIT_HISTORY], file);
}

/* The guest's last milestone, if it writes any to the POST port. */
static void write_milestone(struct machine *machine, FILE *file)
{
    unsigned post = atomic_load_explicit(&machine->post, memory_order_relaxed);

    if (post & MACHINE_POST)
        fprintf(file, "  last milestone (port 0x80): 0x%02x\n", post & 0xff);
}

/*
 * After a triple fault AMD's processors leave no defined state, and KVM resets the vCPU. No guest
 * has a triple fault at the first instruction after a reset.
 */
static bool was_reset(struct vcpu *vcpu)
{
    const uint64_t reset_ip = 0xfff0, reset_base = 0xffff0000;

    return vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN && vcpu_registers(vcpu)->rip == reset_ip &&
           vcpu_special_registers(vcpu)->cs.base == reset_base;
}

void crash_report_write(struct machine *machine, struct vcpu *vcpu, FILE *file)
{
    fprintf(file, "vCPU %u: %s\n", vcpu->id, exit_reason_words(vcpu->run->exit_reason));
    write_reason(vcpu->run, file);
    if (vcpu->registers_valid && was_reset(vcpu)) {
        fprintf(file, "  the registers are lost: AMD's KVM resets a vCPU after a triple fault\n");
    } else if (vcpu->registers_valid) {
        write_registers(vcpu_registers(vcpu), file);
        write_special_registers(vcpu_special_registers(vcpu), file);
        write_addresses(machine, vcpu, file);
        write_instruction(machine, vcpu, file);
    }
    write_milestone(machine, file);
    write_history(&vcpu->history, file);
}
