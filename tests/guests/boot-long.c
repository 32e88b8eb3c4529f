/*
 * The boot contract of long mode, completely.
 *
 * Guest arguments: the memory size in bytes, the number of CPUs.
 */
#include "guest/lib/check.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/exception.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"
#include "guest/lib/string.h"

#define STACK_ROOM  (1ull << 16) /* the stack begins at the end of RAM */
#define GIB         (1ull << 30)
#define LARGE_PAGE  (2ull << 20)
#define TABLE_SPAN  512u
#define PTE_OPEN    0x07ull /* present, writable, for ring 3 */
#define PTE_LARGE   0x80ull
#define PTE_ADDRESS 0x000ffffffffff000ull

static void check_processor(void)
{
    check_group("processor");
    check_equal("CS is the 64-bit code segment, in ring 0", cs_read(), BOOT_CODE64);
    check_equal("SS is the data segment", ss_read(), BOOT_DATA);
    check_equal("DS is the data segment", ds_read(), BOOT_DATA);
    check_equal("ES is the data segment", es_read(), BOOT_DATA);
    check_equal("CR0: protection and paging", cr0_read() & (CR0_PE | CR0_PG), CR0_PE | CR0_PG);
    check_equal("CR4: PAE, and no 5-level paging", cr4_read() & (CR4_PAE | CR4_LA57), CR4_PAE);
    check_equal("CR4: no UMIP", cr4_read() & CR4_UMIP, 0);
    check_equal("EFER: long mode is on", msr_read(MSR_EFER) & (EFER_LME | EFER_LMA),
                EFER_LME | EFER_LMA);
    check_equal("interrupts are off", flags_read() & RFLAGS_IF, 0);
}

static void check_block(const struct boot_info *boot)
{
    const char *second = boot->command;

    while (*second != '\0' && *second != ' ')
        second++;

    check_group("boot block");
    check_equal("RDI points to it", (uint64_t)boot, BOOT_INFO);
    check_equal("magic", boot->magic, BOOT_MAGIC);
    check_equal("version", boot->version, BOOT_VERSION);
    check_equal("size", boot->size, sizeof(*boot));
    check_equal("memory size", boot->memory_size, number_read(boot->command));
    check_equal("number of CPUs", boot->vcpu_count, number_read(*second ? second + 1 : second));
    check_equal("length of the command line", boot->command_size, strlen(boot->command) + 1);
    check("RAM below 4 GiB ends on a page", boot->low_end % 4096 == 0);
    check("RAM below 4 GiB is not more than all", boot->low_end <= boot->memory_size);

    check_group("stack");
    check_equal("at the top of RAM below 4 GiB", start_stack, boot->low_end);
    check_equal("16-byte aligned", start_stack % 16, 0);
}

/* The entry of a boot page table that maps the 2 MiB at (address); 0 if there is none. */
static uint64_t large_page_entry(uint64_t address)
{
    const unsigned shifts[] = {39, 30, 21};
    uint64_t entry = cr3_read() | PTE_OPEN;

    for (unsigned level = 0; level < 3; level++) {
        if ((entry & PTE_OPEN) != PTE_OPEN)
            return 0;
        const uint64_t *table = (const uint64_t *)(entry & PTE_ADDRESS);
        entry = table[address >> shifts[level] & (TABLE_SPAN - 1)];
    }
    return entry;
}

/*
 * The number of large pages in (first)..(end) that are not mapped to themselves and accessible to
 * ring 3.
 */
static uint64_t pages_not_mapped(uint64_t first, uint64_t end)
{
    uint64_t wrong = 0;

    for (uint64_t address = first; address < end; address += LARGE_PAGE) {
        uint64_t entry = large_page_entry(address);
        wrong += (entry & (PTE_OPEN | PTE_LARGE)) != (PTE_OPEN | PTE_LARGE) ||
                 (entry & PTE_ADDRESS) != address;
    }
    return wrong;
}

static uint64_t read_and_write(void *argument)
{
    volatile uint64_t *place = argument;

    *place += 1;
    return *place;
}

static void check_map(const struct boot_info *boot)
{
    static uint64_t in_image = 41;
    uint64_t *high = (uint64_t *)(boot->low_end - STACK_ROOM);

    check_group("map");
    check_equal("the first 4 GiB to themselves, in 2 MiB pages", pages_not_mapped(0, 4 * GIB), 0);
    check("the ptlcall leaf is there", ptlcall_init());
    uint64_t gib = ptlcall_discovered()->trigger & ~(GIB - 1);
    check_equal("the GiB of the trigger page too", pages_not_mapped(gib, gib + GIB), 0);

    exceptions_init();
    check_equal("ring 3 uses the image", ring3_call(read_and_write, &in_image), 42);
    *high = 7;
    check_equal("ring 3 uses RAM near its end", ring3_call(read_and_write, high), 8);
}

static uint64_t version_by_trigger(void *argument)
{
    (void)argument;
    return (uint64_t)ptlcall_version();
}

int main(const struct boot_info *boot)
{
    check_processor();
    check_block(boot);
    check_map(boot);
    check_equal("ring 3 reaches the trigger page", ring3_call(version_by_trigger, NULL),
                PTLCALL_VERSION_NUMBER);
    check_group("");
    return check_summary();
}
