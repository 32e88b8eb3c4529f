/*
 * Shared by the guests of 32-bit paging: enabling paging, a window of three pages onto scattered
 * memory, the last of them absent, and the calls with pointers into it.
 */
#ifndef TESTS_GUESTS_PAGING32_H
#define TESTS_GUESTS_PAGING32_H

#include "guest/abi/boot.h"
#include "guest/lib/check.h"
#include "guest/lib/console.h"
#include "guest/lib/cpu.h"
#include "guest/lib/ptlcall.h"
#include "guest/lib/string.h"

#define PAGE   4096u
#define WINDOW 0xc0000000u

/*
 * bool paging_try(void): set CR0.PG. False if that is a #GP: some KVMs page in long mode only. The
 * gate of #GP leads to paging_refused.
 */
bool paging_try(void);
void paging_refused(void);

__asm__(".data\n"
        "paging_stack: .long 0\n"
        ".text\n"
        "paging_try:\n"
        "    mov %esp, paging_stack\n"
        "    mov %cr0, %eax\n"
        "    or $0x80000000, %eax\n"
        "    mov %eax, %cr0\n"
        "    mov $1, %eax\n"
        "    ret\n"
        "paging_refused:\n"
        "    mov paging_stack, %esp\n"
        "    xor %eax, %eax\n"
        "    ret\n");

#define VECTOR_GP      13
#define INTERRUPT_GATE 0x8e00u /* present, DPL 0, 32-bit */

/* Enable paging with the tables at (cr3) and the additional bits (cr4). False: this KVM refuses. */
static bool paging_enable(const void *cr3, unsigned long cr4)
{
    static struct {
        uint16_t offset_low, selector, kind, offset_high;
    } idt[VECTOR_GP + 1];
    const struct table_register idt_register = {sizeof(idt) - 1, (uintptr_t)idt};
    uintptr_t refused = (uintptr_t)paging_refused;

    idt[VECTOR_GP].offset_low = (uint16_t)refused;
    idt[VECTOR_GP].selector = BOOT_CODE32;
    idt[VECTOR_GP].kind = INTERRUPT_GATE;
    idt[VECTOR_GP].offset_high = (uint16_t)(refused >> 16);
    __asm__ volatile("lidt %0" : : "m"(idt_register) : "memory");

    cr4_write(cr4_read() | cr4);
    cr3_write((uintptr_t)cr3);
    if (paging_try())
        return true;
    printf("SKIP this KVM has no paging outside long mode\n");
    return false;
}

static uint8_t window_pages[4][PAGE] __attribute__((aligned(4096)));

/* The pages of the window, in order. */
static const unsigned window_order[] = {3, 1};

static ptlcall_status window_log(uint32_t offset, uint32_t length)
{
    return ptlcall(PTLCALL_OP_LOG, WINDOW + offset, length, 0, 0, 0, 0);
}

static void check_window(void)
{
    char *across = (char *)(WINDOW + PAGE - 2);

    memset(window_pages, 1, sizeof(window_pages)); /* a byte that no command may contain */
    memcpy(across, "-run", 5);
    check("the window works", memcmp(window_pages[3] + PAGE - 2, "-r", 2) == 0 &&
                                  memcmp(window_pages[1], "un", 2) == 0);
    check_result("commands across two pages", ptlcall_single_flush(across), PTLCALL_OP_ENQUEUE);
    memcpy((char *)(WINDOW + PAGE - 5), "a line across pages", 19);
    check_result("a log line across two pages", window_log(PAGE - 5, 19), PTLCALL_OP_LOG);
    check_result("up to a page that is absent", window_log(2 * PAGE - 8, 8), PTLCALL_OP_LOG);
    check_result("into a page that is absent", window_log(2 * PAGE - 8, 9), -PTLCALL_EFAULT);
    check_result("a string in a large page", ptlcall_log("a line in a large page"), PTLCALL_OP_LOG);
}

#endif
