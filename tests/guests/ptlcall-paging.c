/*
 * Pointers of calls are translated by the guest's own page tables: scattered 4 KiB pages, pages
 * that ring 3 may not access, absent pages.
 */
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/exception.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"
#include "guest/lib/string.h"

#define PAGE        4096ul
#define WINDOW      0x8000000000ul /* where the pages below are mapped: the second entry of the PML4 */
#define OUTSIDE_RAM 0x100000000000ul
#define PTE_OPEN    0x07ul /* present, writable, for ring 3 */
#define PTE_SYSTEM  0x03ul /* present, writable, not for ring 3 */
#define PTE_READ    0x05ul /* present, for ring 3, not writable */

typedef uint64_t table[512] __attribute__((aligned(4096)));

static table level4, level3, level2, level1;
static uint8_t pages[8][PAGE] __attribute__((aligned(4096)));

/* Page (number) of the window is pages[(index)]. */
static void map_page(unsigned number, unsigned index, uint64_t bits)
{
    level1[number] = (uint64_t)pages[index] | bits;
}

static char *window(uint64_t offset)
{
    return (char *)(WINDOW + offset);
}

static void make_tables(void)
{
    memcpy(level4, (const void *)(cr3_read() & ~0xffful), sizeof(level4));
    level4[1] = (uint64_t)level3 | PTE_OPEN;
    level3[0] = (uint64_t)level2 | PTE_OPEN;
    level2[0] = (uint64_t)level1 | PTE_OPEN;
    map_page(0, 5, PTE_OPEN);
    map_page(1, 2, PTE_OPEN);
    map_page(2, 7, PTE_OPEN);
    map_page(4, 0, PTE_SYSTEM);
    map_page(5, 3, PTE_READ);
    memset(pages, 1, sizeof(pages)); /* a byte that no command may contain */
    cr3_write((unsigned long)level4);
}

static ptlcall_status log_call(const char *string, uint64_t length)
{
    return ptlcall(PTLCALL_OP_LOG, (uint64_t)string, length, 0, 0, 0, 0);
}

static bool simulating(void)
{
    return ((uint64_t)ptlcall_version() & PTLCALL_SIMULATING) != 0;
}

static void check_straddles(void)
{
    char *across = window(PAGE - 2);

    memcpy(across, "-run", 5);
    check("the window works",
          memcmp(pages[5] + PAGE - 2, "-r", 2) == 0 && memcmp(pages[2], "un", 2) == 0);
    check_result("a string across two pages", ptlcall_single_flush(across), PTLCALL_OP_ENQUEUE);
    check("it was read from both", simulating());

    struct ptlcall_descriptor *descriptor = (void *)window(2 * PAGE - 8);
    memcpy(window(64), "-stop", 5);
    *descriptor = (struct ptlcall_descriptor){(uint64_t)window(64), 5};
    check_result("a descriptor across two pages",
                 ptlcall(PTLCALL_OP_ENQUEUE, (uint64_t)descriptor, 1, 0, 0, 0, 0),
                 PTLCALL_OP_ENQUEUE);
    check("it was read from both", !simulating());

    memcpy(window(2 * PAGE - 12), "a line across pages", 19);
    check_result("a log line across two pages", log_call(window(2 * PAGE - 12), 19),
                 PTLCALL_OP_LOG);
}

static void check_holes(void)
{
    memset(window(3 * PAGE - 8), ' ', 8);
    check_result("up to a page that is absent", log_call(window(3 * PAGE - 8), 8), PTLCALL_OP_LOG);
    check_result("into a page that is absent", log_call(window(3 * PAGE - 8), 9), -PTLCALL_EFAULT);
    level1[3] = OUTSIDE_RAM | PTE_OPEN;
    check_result("a page outside RAM", log_call(window(3 * PAGE), 1), -PTLCALL_EFAULT);
}

static uint64_t log_from_ring3(void *argument)
{
    return (uint64_t)log_call(argument, 17);
}

static uint64_t touch(void *argument)
{
    return *(volatile uint8_t *)argument;
}

static void touch_in_ring3(void *argument)
{
    ring3_call(touch, argument);
}

static void check_rights(void)
{
    struct exception caught;

    memcpy(pages[0], "a supervisor page", 17);
    memcpy(pages[3], "a read-only page ", 17);
    check("ring 3 may not touch a supervisor page",
          exception_catch(touch_in_ring3, window(4 * PAGE), &caught) &&
              caught.vector == EXCEPTION_PF);
    check_result("but may name it", (int64_t)ring3_call(log_from_ring3, window(4 * PAGE)),
                 PTLCALL_OP_LOG);
    check_result("a read-only page", (int64_t)ring3_call(log_from_ring3, window(5 * PAGE)),
                 PTLCALL_OP_LOG);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    check("a method is found", ptlcall_init());
    exceptions_init();
    make_tables();
    check_straddles();
    check_holes();
    check_rights();
    return check_summary();
}
