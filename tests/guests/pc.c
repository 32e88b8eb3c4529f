/*
 * The parts of a PC: clock, milestones, firmware configuration, and the tables that list its CPUs,
 * all of which are started. Guest argument: the number of CPUs.
 */
#include "guest/lib/check.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/smp.h"
#include "guest/lib/string.h"

#define CMOS_INDEX   0x70
#define CMOS_DATA    0x71
#define CMOS_CENTURY 0x32

#define FW_CFG_SELECT 0x510
#define FW_CFG_DATA   0x511
#define FW_CFG_FILES  0x19
#define E820_RAM      1

#define BIOS_HALF 0xf0000ul /* the search for the MP pointer begins here */

#define IDS_MAX     16
#define TICK_ROUNDS 2000000u

static uint8_t cmos(uint8_t reg)
{
    out8(CMOS_INDEX, reg);
    return in8(CMOS_DATA);
}

static unsigned cmos_bcd(uint8_t reg)
{
    uint8_t value = cmos(reg);

    return (value >> 4) * 10u + (value & 15);
}

static uint64_t cmos_number(uint8_t reg, unsigned count)
{
    uint64_t value = 0;

    for (unsigned i = count; i > 0; i--)
        value = value << 8 | cmos((uint8_t)(reg + i - 1));
    return value;
}

static bool clock_ticks(void)
{
    uint8_t seconds = cmos(0);

    for (unsigned round = 0; round < TICK_ROUNDS; round++)
        if (cmos(0) != seconds)
            return true;
    return false;
}

static void check_clock(void)
{
    check_group("clock");
    check("seconds", cmos_bcd(0) < 60);
    check("minutes", cmos_bcd(2) < 60);
    check("hours", cmos_bcd(4) < 24);
    check("day of the week", cmos_bcd(6) >= 1 && cmos_bcd(6) <= 7);
    check("day", cmos_bcd(7) >= 1 && cmos_bcd(7) <= 31);
    check("month", cmos_bcd(8) >= 1 && cmos_bcd(8) <= 12);
    check("year", cmos_bcd(CMOS_CENTURY) * 100 + cmos_bcd(9) >= 2024);
    check_equal("status B: 24 hours, decimal digits", cmos(0x0b), 0x02);
    check_equal("status D: valid", cmos(0x0d), 0x80);
    check("it ticks", clock_ticks());
}

static void check_cmos(const struct boot_info *boot)
{
    uint64_t extended = (boot->low_end - 0x100000) / 1024;
    uint64_t high = (boot->memory_size - boot->low_end) / 0x10000;
    uint64_t middle = (boot->low_end - 0x1000000) / 0x10000;

    check_group("cmos");
    check_equal("KiB of base memory", cmos_number(0x15, 2), 640);
    check_equal("KiB above 1 MiB", cmos_number(0x17, 2), extended < 0xffff ? extended : 0xffff);
    check_equal("units above 16 MiB", cmos_number(0x34, 2), middle);
    check_equal("units above 4 GiB", cmos_number(0x5b, 3), high);
    check_equal("CPUs but one", cmos(0x5f), boot->vcpu_count - 1);
}

static void check_ports(void)
{
    check_group("ports");
    out8(0x80, 0x42);
    check_equal("the last milestone", in8(0x80), 0x42);
    check_equal("A20 is on", in8(0x92) & 3, 2);
    check_equal("the keyboard controller has nothing to say", in8(0x64) & 3, 0);
    out8(0x64, 0xaa);
    check_equal("then its answer", in8(0x64) & 3, 1);
    check_equal("its self test", in8(0x60), 0x55);
    check_equal("the answer is taken", in8(0x64) & 3, 0);
}

static void fw_cfg_read(void *buffer, size_t size)
{
    uint8_t *bytes = buffer;

    for (size_t i = 0; i < size; i++)
        bytes[i] = in8(FW_CFG_DATA);
}

static uint64_t fw_cfg_item(uint16_t key, size_t size)
{
    uint64_t value = 0;

    out16(FW_CFG_SELECT, key);
    fw_cfg_read(&value, size);
    return value;
}

/* The total RAM in etc/e820, which the directory must list. */
static uint64_t e820_ram(void)
{
    struct {
        uint32_t count, size;
        uint16_t key, reserved;
        char name[56];
    } directory;
    uint64_t ram = 0;

    out16(FW_CFG_SELECT, FW_CFG_FILES);
    fw_cfg_read(&directory, sizeof(directory));
    if (__builtin_bswap32(directory.count) != 1 || strcmp(directory.name, "etc/e820") != 0)
        return 0;
    out16(FW_CFG_SELECT, __builtin_bswap16(directory.key));
    for (uint32_t left = __builtin_bswap32(directory.size); left >= 20; left -= 20) {
        struct {
            uint64_t address, size;
            uint32_t type;
        } entry;

        fw_cfg_read(&entry, 20);
        if (entry.type == E820_RAM)
            ram += entry.size;
    }
    return ram;
}

static void check_fw_cfg(const struct boot_info *boot)
{
    check_group("fw_cfg");
    check_equal("signature", fw_cfg_item(0, 4), 0x554d4551); /* "QEMU" */
    check_equal("only the port interface", fw_cfg_item(1, 4), 1);
    check_equal("RAM", fw_cfg_item(3, 8), boot->memory_size);
    check_equal("CPUs", fw_cfg_item(5, 2), boot->vcpu_count);
    check_equal("CPUs at most", fw_cfg_item(0x0f, 2), boot->vcpu_count);
    check_equal("RAM in etc/e820", e820_ram(), boot->memory_size - (BOOT_BIOS_END - BOOT_AREA));
    check_equal("nothing behind the end", in8(FW_CFG_DATA), 0);
}

/* The number of local APICs in a table. */
struct ids {
    unsigned count;
    unsigned ids[IDS_MAX];
};

static void add_id(struct ids *ids, unsigned id)
{
    if (ids->count < IDS_MAX)
        ids->ids[ids->count] = id;
    ids->count++;
}

static bool sums_to_0(uintptr_t table, uint32_t length)
{
    uint8_t sum = 0;

    for (uint32_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + load8(table + i));
    return sum == 0;
}

/* The address of (signature) at a multiple of 16, or 0. */
static uintptr_t find(uintptr_t start, const char *signature)
{
    for (uintptr_t at = start; at < BOOT_BIOS_END; at += 16)
        if (memcmp((const void *)at, signature, strlen(signature)) == 0)
            return at;
    return 0;
}

static void read_mp(struct ids *ids)
{
    uintptr_t pointer = find(BIOS_HALF, "_MP_");
    uintptr_t table = pointer ? load32(pointer + 4) : 0;
    uintptr_t entry = table + 44;

    check("there is a pointer", pointer != 0);
    if (!pointer)
        return;
    check("its sum is 0", sums_to_0(pointer, 16));
    check("it points to a table", memcmp((const void *)table, "PCMP", 4) == 0);
    check("the table's sum is 0", sums_to_0(table, load16(table + 4)));
    for (unsigned i = 0; i < load16(table + 34); i++) {
        uint8_t type = load8(entry);

        if (type == 0)
            add_id(ids, load8(entry + 1));
        if (type == 2)
            check_equal("IOAPIC", load32(entry + 4), 0xfec00000);
        entry += type == 0 ? 20 : 8;
    }
    check_equal("the entries fill the table", entry, table + load16(table + 4));
}

/* The table with (signature) in the XSDT, or 0. */
static uintptr_t find_acpi(const char *signature)
{
    uintptr_t pointer = find(BOOT_BIOS, "RSD PTR ");
    uintptr_t xsdt;

    if (!pointer || !sums_to_0(pointer, 20) || !sums_to_0(pointer, 36))
        return 0;
    xsdt = load64(pointer + 24);
    if (!sums_to_0(xsdt, load32(xsdt + 4)))
        return 0;
    for (uint32_t at = 36; at < load32(xsdt + 4); at += 8) {
        uintptr_t table = load64(xsdt + at);

        if (memcmp((const void *)table, signature, 4) == 0 && sums_to_0(table, load32(table + 4)))
            return table;
    }
    return 0;
}

static void read_acpi(struct ids *ids)
{
    uintptr_t madt = find_acpi("APIC");

    check("there is a FADT", find_acpi("FACP") != 0);
    check("there is a MADT", madt != 0);
    if (!madt)
        return;
    for (uint32_t at = 44; at < load32(madt + 4); at += load8(madt + at + 1))
        if (load8(madt + at) == 0 && load32(madt + at + 4) == 1)
            add_id(ids, load8(madt + at + 3));
}

/* A started CPU reports its id. */
static void tell_id(void *argument)
{
    unsigned *id = argument;

    __atomic_store_n(id, cpuid(1, 0).ebx >> 24, __ATOMIC_RELEASE);
}

static void start(const struct ids *ids)
{
    for (unsigned i = 0; i < ids->count && i < IDS_MAX; i++) {
        unsigned id = ~0u;
        bool started;

        if (ids->ids[i] == cpuid(1, 0).ebx >> 24)
            continue;
        started = smp_start(ids->ids[i], tell_id, &id);
        check("a CPU that is listed starts", started);
        while (started && __atomic_load_n(&id, __ATOMIC_ACQUIRE) == ~0u)
            __asm__ volatile("pause");
        check_equal("it has the id that is listed", id, ids->ids[i]);
    }
}

int main(const struct boot_info *boot)
{
    uint64_t wanted = number_read(boot->command);
    struct ids mp = {0}, acpi = {0};

    check_clock();
    check_cmos(boot);
    check_ports();
    check_fw_cfg(boot);

    check_group("acpi");
    read_acpi(&acpi);
    check_equal("CPUs", acpi.count, wanted);
    start(&acpi);
    check_group("mp");
    if (wanted > 1) {
        read_mp(&mp);
        check_equal("CPUs", mp.count, wanted);
        start(&mp);
    } else {
        check("no table without interrupt controllers", !find(BIOS_HALF, "_MP_"));
    }
    return check_summary();
}
