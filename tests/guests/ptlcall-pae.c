/* Calls from 32-bit code under PAE paging: by the port, and by the trigger page above 4 GiB. */
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "tests/guests/paging32.h"

#define TRIGGER     0xe0000000u /* where the trigger page is mapped */
#define PTE_OPEN    0x07ull
#define PTE_LARGE   0x80ull
#define LARGE_PAGE  0x200000ull
#define PDPTE       0x01ull
#define ADDRESS_LOW 0xfffull

typedef uint64_t table[512] __attribute__((aligned(4096)));

static uint64_t pointers[4] __attribute__((aligned(32)));
static table directory_low, directory_high, window_table, trigger_table;

static unsigned directory_index(uint32_t address)
{
    return address >> 21 & 511;
}

static void make_tables(void)
{
    for (unsigned i = 0; i < 512; i++)
        directory_low[i] = (i * LARGE_PAGE) | PTE_OPEN | PTE_LARGE;
    for (unsigned i = 0; i < sizeof(window_order) / sizeof(window_order[0]); i++)
        window_table[i] = (uintptr_t)window_pages[window_order[i]] | PTE_OPEN;
    trigger_table[0] = (ptlcall_discovered()->trigger & ~ADDRESS_LOW) | PTE_OPEN;
    directory_high[directory_index(WINDOW)] = (uintptr_t)window_table | PTE_OPEN;
    directory_high[directory_index(TRIGGER)] = (uintptr_t)trigger_table | PTE_OPEN;
    pointers[0] = (uintptr_t)directory_low | PDPTE;
    pointers[3] = (uintptr_t)directory_high | PDPTE;
}

static uint32_t version_by_trigger(void)
{
    uint32_t result = PTLCALL_OP_VERSION;

    __asm__ volatile("smsw (%1)" : "+a"(result) : "r"(TRIGGER) : "memory");
    return result;
}

int main(const struct boot_info *boot)
{
    (void)boot;
    check("a method is found", ptlcall_init());
    make_tables();
    if (!paging_enable(pointers, CR4_PAE))
        return 0;
    check_window();
    check_equal("the trigger page, above 4 GiB", version_by_trigger(), PTLCALL_VERSION_NUMBER);
    return check_summary();
}
