#include "vmm/snapshot/info_machine.h"

#include "vmm/base/text.h"
#include "vmm/snapshot/kvm_state.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#define NS_PER_SECOND 1000000000u

/* At most so many lines for ranges of memory. */
#define RANGES_SHOWN 32

static void write_escaped(const char *bytes, size_t length, FILE *out)
{
    for (size_t i = 0; i < length; i++) {
        char escaped[TEXT_ESCAPE_MAX];
        const size_t count = text_escape(escaped, bytes[i]);

        fwrite(escaped, 1, count, out);
    }
}

/* In the largest unit that makes it at least 1: 16 MiB, 1.5 GiB. */
static void write_size(uint64_t bytes, FILE *out)
{
    static const char *const names[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    uint64_t unit = 1;
    size_t name = 0;

    while (name + 1 < sizeof(names) / sizeof(names[0]) && bytes / unit >= KIB) {
        unit *= KIB;
        name++;
    }
    fprintf(out, "%.*f %s", bytes % unit ? 1 : 0, (double)bytes / (double)unit, names[name]);
}

static void write_saved(const struct machine_note *note, FILE *out)
{
    const time_t seconds = (time_t)(note->saved / NS_PER_SECOND);
    char date[32] = "";
    struct tm utc;

    if (gmtime_r(&seconds, &utc))
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &utc);
    fprintf(out, "saved     %s UTC by minivmm ", date);
    write_escaped(note->by, strlen(note->by), out);
    fprintf(out, ", after %" PRIu64 " exits\n", note->exits);
}

int info_write_machine(const struct restore *file, FILE *out, struct error *error)
{
    const struct machine_note *machine = &file->note;
    const struct elf_note *note = elf_file_find(&file->elf, ELF_NOTE_VM, 0);
    struct kvm_vm_state vm;
    struct error cause;
    int result;

    if (!note)
        return error_set(error, -EINVAL, "%s: the state of the VM is missing", file->elf.path);
    result = kvm_parse_vm_state(note->bytes, note->size, &vm, &cause);
    if (result < 0)
        return error_set(error, result, "%.200s: %.300s", file->elf.path, cause.text);
    write_saved(machine, out);
    fprintf(out, "machine   ");
    write_size(machine->plan.memory_size, out);
    fprintf(out, " of memory, %u vCPU%s, %s\n", machine->plan.vcpu_count,
            machine->plan.vcpu_count == 1 ? "" : "s",
            vm.has_irqchip ? "interrupt controllers in KVM" : "no interrupt controllers");
    return 0;
}

/* The state of a device, from its note: its first line and the number of further lines. */
struct device_note {
    const char *name; /* in the note */
    size_t name_length;
    uint64_t version;
    unsigned fields;
};

/* Is (name) the type at the start of (description), a dot and a number? */
static bool is_name_of(const struct device_note *device, const char *description)
{
    const size_t type = strcspn(description, ",");
    size_t at = type + 1;

    if (device->name_length <= at || memcmp(device->name, description, type) != 0 ||
        device->name[type] != '.')
        return false;
    while (at < device->name_length && device->name[at] >= '0' && device->name[at] <= '9')
        at++;
    return at == device->name_length;
}

static bool parse_device(const struct elf_note *note, struct device_note *device)
{
    const char *text = note->bytes;
    const char *newline = memchr(text, '\n', note->size);
    const struct lines lines = {.path = "", .fd = -1};
    struct cursor line = {&lines, text, newline};

    if (!newline || !cursor_skip(&line, "device"))
        return false;
    device->name_length = cursor_word(&line, &device->name);
    if (!cursor_skip(&line, "version") ||
        cursor_number(&line, "a version", &device->version, NULL) < 0 ||
        cursor_finish(&line, NULL) < 0)
        return false;
    device->fields = 0;
    for (const char *at = newline + 1; at < text + note->size; at++)
        device->fields += *at == '\n';
    return true;
}

static int write_device(const struct restore *file, FILE *out, unsigned index, struct error *error)
{
    const char *description = file->note.plan.devices[index];
    const struct elf_note *note = elf_file_find(&file->elf, ELF_NOTE_DEVICE, index);
    const int type_length = (int)strcspn(description, ",");
    struct device_note device;

    if (!note)
        return error_set(error, -EINVAL, "%s: the state of device %.*s is missing", file->elf.path,
                         type_length, description);
    if (!parse_device(note, &device) || !is_name_of(&device, description))
        return error_set(error, -EINVAL,
                         "%s: the state of device %.*s does not begin with its name and version",
                         file->elf.path, type_length, description);
    fprintf(out, "  %-14.*s %7" PRIu64 " %7u  ", (int)device.name_length, device.name,
            device.version, device.fields);
    write_escaped(description, strlen(description), out);
    fputc('\n', out);
    return 0;
}

int info_write_devices(const struct restore *file, FILE *out, struct error *error)
{
    const unsigned count = file->note.plan.device_count;
    int result = 0;

    fprintf(out, "\ndevices   %u\n", count);
    if (count > 0)
        fprintf(out, "  name           version  fields  --device\n");
    for (unsigned i = 0; result == 0 && i < count; i++)
        result = write_device(file, out, i, error);
    if (result == 0 && elf_file_find(&file->elf, ELF_NOTE_DEVICE, count))
        return error_set(error, -EINVAL, "%s: it has the state of a device that is not there",
                         file->elf.path);
    return result;
}

static double share(uint64_t bytes, uint64_t all)
{
    return 100.0 * (double)bytes / (double)all;
}

void info_write_memory(const struct restore *file, FILE *out)
{
    const struct elf_file *elf = &file->elf;
    const uint64_t all = file->note.plan.memory_size;
    uint64_t bytes = 0;

    for (unsigned i = 0; i < elf->extent_count; i++)
        bytes += elf->extents[i].size;
    fprintf(out, "\nmemory    ");
    write_size(bytes, out);
    fprintf(out, " of it in the file, %.1f%%; the rest is zero\n", share(bytes, all));
    if (elf->extent_count > 0)
        fprintf(out, "  first gpa       last gpa                 bytes   share  offset\n");
    for (unsigned i = 0; i < elf->extent_count && i < RANGES_SHOWN; i++) {
        const struct memory_extent *extent = &elf->extents[i];

        fprintf(out, "  0x%012" PRIx64 "  0x%012" PRIx64 " %14" PRIu64 "  %5.1f%%  0x%" PRIx64 "\n",
                extent->address.value, extent->address.value + extent->size - 1, extent->size,
                share(extent->size, all), extent->offset);
    }
    if (elf->extent_count > RANGES_SHOWN)
        fprintf(out, "  and %u more; readelf -lW shows them all\n",
                elf->extent_count - RANGES_SHOWN);
}

static const struct {
    const char *owner, *name;
    uint32_t type;
} note_kinds[] = {
    {ELF_GDB_OWNER, "NT_PRSTATUS", NT_PRSTATUS},
    {ELF_OWNER, "machine", ELF_NOTE_MACHINE},
    {ELF_OWNER, "cpuid", ELF_NOTE_CPUID},
    {ELF_OWNER, "vcpu", ELF_NOTE_VCPU},
    {ELF_OWNER, "vm", ELF_NOTE_VM},
    {ELF_OWNER, "device", ELF_NOTE_DEVICE},
    {"other", "unknown", 0},
};
#define NOTE_KINDS (sizeof(note_kinds) / sizeof(note_kinds[0]) - 1) /* known kinds */

/* The index of the kind in note_kinds; NOTE_KINDS: unknown. */
static size_t kind_of(const struct elf_note *note)
{
    size_t kind = 0;

    while (kind < NOTE_KINDS && (note->type != note_kinds[kind].type ||
                                 strcmp(note->owner, note_kinds[kind].owner) != 0))
        kind++;
    return kind;
}

void info_write_notes(const struct restore *file, FILE *out)
{
    const struct elf_file *elf = &file->elf;
    unsigned counts[NOTE_KINDS + 1] = {0};
    uint64_t bytes[NOTE_KINDS + 1] = {0};

    for (unsigned i = 0; i < elf->note_count; i++) {
        const size_t kind = kind_of(&elf->notes[i]);

        counts[kind]++;
        bytes[kind] += elf->notes[i].size;
    }
    fprintf(out, "\nnotes     %u\n  owner    type          count       bytes\n", elf->note_count);
    for (size_t i = 0; i <= NOTE_KINDS; i++)
        if (counts[i] > 0)
            fprintf(out, "  %-7s  %-11s %7u  %10" PRIu64 "\n", note_kinds[i].owner,
                    note_kinds[i].name, counts[i], bytes[i]);
}
