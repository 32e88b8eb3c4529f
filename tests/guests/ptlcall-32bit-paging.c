/* Calls from 32-bit code under 32-bit paging, with 4 KiB and 4 MiB pages. */
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "tests/guests/paging32.h"

#define PTE_OPEN   0x07u
#define PTE_LARGE  0x80u
#define LARGE_PAGE 0x400000u

typedef uint32_t table[1024] __attribute__((aligned(4096)));

static table directory, window_table;

static void make_tables(void)
{
    for (unsigned i = 0; i < 256; i++)
        directory[i] = (i * LARGE_PAGE) | PTE_OPEN | PTE_LARGE;
    for (unsigned i = 0; i < sizeof(window_order) / sizeof(window_order[0]); i++)
        window_table[i] = (uintptr_t)window_pages[window_order[i]] | PTE_OPEN;
    directory[WINDOW / LARGE_PAGE] = (uintptr_t)window_table | PTE_OPEN;
}

int main(const struct boot_info *boot)
{
    (void)boot;
    check("a method is found", ptlcall_init());
    make_tables();
    if (!paging_enable(directory, CR4_PSE))
        return 0;
    check_window();
    return check_summary();
}
