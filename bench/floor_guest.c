#include "bench/floor_guest.h"
#include "bench/floor_call.h"
#include "guest/abi/boot.h"
#include "guest/abi/ptlcall.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define PAGE      4096u
#define GIB       (1ull << 30)
#define TABLE     0x07ull /* present, writable, ring 3 */
#define LARGE     0x80ull
#define CPUID_MAX 256

static uint64_t *table_at(uint8_t *memory, unsigned number)
{
    void *table = memory + BOOT_TABLES + number * PAGE;

    return table;
}

static uint64_t table_entry(unsigned number)
{
    return (BOOT_TABLES + number * PAGE) | TABLE;
}

/* A PML4, a PDPT, and directories for the low 4 GiB and for the GiB of the trigger page. */
static void write_page_tables(uint8_t *memory)
{
    static const uint64_t mapped[] = {0, 1, 2, 3, PTLCALL_DEFAULT_TRIGGER / GIB};

    table_at(memory, 0)[0] = table_entry(1);
    for (unsigned i = 0; i < sizeof(mapped) / sizeof(mapped[0]); i++) {
        uint64_t *directory = table_at(memory, 2 + i);

        table_at(memory, 1)[mapped[i]] = table_entry(2 + i);
        for (uint64_t entry = 0; entry < 512; entry++)
            directory[entry] = (mapped[i] * GIB + entry * (2ull << 20)) | TABLE | LARGE;
    }
}

static void write_gdt(uint8_t *memory)
{
    static const uint64_t gdt[] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf9b000000ffff};

    memcpy(memory + BOOT_GDT, gdt, sizeof(gdt));
}

static void read_image(uint8_t *memory, const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || read(fd, memory + BOOT_LOAD, FLOOR_MEMORY - BOOT_LOAD) <= 0)
        floor_fail(path);
    close(fd);
}

void floor_fill_memory(uint8_t *memory, const char *path, unsigned vcpus)
{
    const struct boot_info info = {
        .magic = BOOT_MAGIC,
        .version = BOOT_VERSION,
        .size = sizeof(info),
        .memory_size = FLOOR_MEMORY,
        .low_end = FLOOR_MEMORY,
        .vcpu_count = vcpus,
        .command_size = 1,
    };

    read_image(memory, path);
    memcpy(memory + BOOT_INFO, &info, sizeof(info));
    write_gdt(memory);
    write_page_tables(memory);
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool code64)
{
    return (struct kvm_segment){.limit = 0xffffffff,
                                .selector = selector,
                                .type = type,
                                .present = 1,
                                .db = !code64,
                                .s = 1,
                                .l = code64,
                                .g = 1};
}

void floor_set_registers(int vcpu_fd)
{
    struct kvm_regs regs = {.rip = BOOT_LOAD, .rsp = FLOOR_MEMORY, .rdi = BOOT_INFO, .rflags = 0x2};
    struct kvm_sregs sregs;

    FLOOR_CALL(vcpu_fd, KVM_GET_SREGS, &sregs);
    sregs.cs = segment(BOOT_CODE64, 0xb, true);
    sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = segment(BOOT_DATA, 0x3, false);
    sregs.tr = (struct kvm_segment){.limit = 0xffff, .type = 0xb, .present = 1};
    sregs.ldt = (struct kvm_segment){.unusable = 1};
    sregs.gdt.base = BOOT_GDT;
    sregs.gdt.limit = BOOT_CODE32 + 7;
    sregs.idt.limit = 0;
    sregs.cr3 = BOOT_TABLES;
    sregs.cr4 = 0x620;      /* PAE, OSFXSR, OSXMMEXCPT */
    sregs.cr0 = 0x80000033; /* PG, NE, ET, MP, PE */
    sregs.efer = 0x500;     /* LMA, LME */
    FLOOR_CALL(vcpu_fd, KVM_SET_SREGS, &sregs);
    FLOOR_CALL(vcpu_fd, KVM_SET_REGS, &regs);
}

void floor_set_cpuid(int system_fd, int vcpu_fd, unsigned id)
{
    union {
        struct kvm_cpuid2 header;
        uint8_t room[sizeof(struct kvm_cpuid2) + CPUID_MAX * sizeof(struct kvm_cpuid_entry2)];
    } table;

    table.header.nent = CPUID_MAX;
    FLOOR_CALL(system_fd, KVM_GET_SUPPORTED_CPUID, &table.header);
    for (unsigned i = 0; i < table.header.nent; i++) {
        struct kvm_cpuid_entry2 *entry = &table.header.entries[i];

        if (entry->function == 1)
            entry->ebx = (entry->ebx & 0x00ffffff) | id << 24;
        if (entry->function == 0xb || entry->function == 0x1f)
            entry->edx = id;
    }
    FLOOR_CALL(vcpu_fd, KVM_SET_CPUID2, &table.header);
}
