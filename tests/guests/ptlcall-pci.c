/*
 * Ptlcalls through a PCI function, as a process on Linux makes them: a store to its mapping of
 * resource0, an OUT to the ports of resource1. With the guest argument `alone` there is no other
 * way to call.
 */
#include "guest/abi/ptlcall.h"
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/exception.h"
#include "guest/lib/guest.h"
#include "guest/lib/pci.h"
#include "guest/lib/ptlcall.h"
#include "guest/lib/string.h"

#define PAGE_BAR 0
#define PORT_BAR 1
#define OFFSET   144 /* any value */

#define PAGE_ELSEWHERE 0xe8000000ul
#define PORT_ELSEWHERE 0xcff0u

#define NO_CALL PTLCALL_OP_VERSION /* the value that stays in RAX */

enum way { BY_PAGE, BY_PORT };

struct request {
    enum way way;
    uint64_t op, first, second;
};

static int slot;

static uint64_t page_address(void)
{
    return pci_read32((unsigned)slot, PCI_REG_BAR(PAGE_BAR)) & ~PCI_BAR_MEMORY_FLAGS;
}

static uint16_t port_number(void)
{
    return (uint16_t)(pci_read32((unsigned)slot, PCI_REG_BAR(PORT_BAR)) & ~PCI_BAR_IO_FLAGS);
}

static uint64_t store_at(uint64_t address, const struct request *request)
{
    uint64_t value = request->op;

    __asm__ volatile("movq %%rax, (%[at])"
                     : "+a"(value)
                     : "D"(request->first), "S"(request->second), [at] "r"(address)
                     : "memory");
    return value;
}

static uint64_t out_to(uint16_t port, const struct request *request)
{
    uint64_t value = request->op;

    __asm__ volatile("outl %%eax, %%dx"
                     : "+a"(value)
                     : "D"(request->first), "S"(request->second), "d"(port)
                     : "memory");
    return value;
}

/* For ring3_call(). */
static uint64_t make_call(void *argument)
{
    const struct request *request = argument;

    if (request->way == BY_PAGE)
        return store_at(page_address() + OFFSET, request);
    return out_to(port_number(), request);
}

static uint64_t call(enum way way, uint64_t op, uint64_t first, uint64_t second)
{
    struct request request = {way, op, first, second};

    return make_call(&request);
}

static void check_function(void)
{
    struct pci_bar page = pci_bar_read((unsigned)slot, PAGE_BAR);
    struct pci_bar port = pci_bar_read((unsigned)slot, PORT_BAR);

    check_group("function");
    check_equal("class", pci_read8((unsigned)slot, PCI_REG_CLASS), 0xff);
    check("resource0 is memory", !page.io);
    check_equal("bytes of resource0", page.size, 4096);
    check("resource1 is ports", port.io);
    check_equal("ports of resource1", port.size, PTLCALL_PORTS);
    check_equal("a load gives nothing", load64(page.address + OFFSET), 0);
    check_equal("an IN gives nothing", in32((uint16_t)port.address), 0);
}

static void check_calls(const char *group, enum way way)
{
    static const char text[] = "a line by resource0 or resource1";
    struct request version = {way, PTLCALL_OP_VERSION, 0, 0};

    check_group(group);
    check_equal("VERSION", call(way, PTLCALL_OP_VERSION, 0, 0), PTLCALL_VERSION_NUMBER);
    check_equal("MARKER", call(way, PTLCALL_OP_MARKER, 7, 0), 0);
    check_equal("LOG", call(way, PTLCALL_OP_LOG, (uint64_t)text, strlen(text)), PTLCALL_OP_LOG);
    check_result("no such op", (int64_t)call(way, 99, 0, 0), -PTLCALL_EINVAL);
    check_equal("VERSION from ring 3", ring3_call(make_call, &version), PTLCALL_VERSION_NUMBER);
}

static void check_moves(void)
{
    const struct request version = {BY_PAGE, PTLCALL_OP_VERSION, 0, 0};
    const uint64_t page = page_address();
    const uint16_t port = port_number();

    check_group("moved");
    pci_bar_move((unsigned)slot, PAGE_BAR, PAGE_ELSEWHERE);
    pci_bar_move((unsigned)slot, PORT_BAR, PORT_ELSEWHERE);
    check_equal("resource0", page_address(), PAGE_ELSEWHERE);
    check_equal("a call there", store_at(PAGE_ELSEWHERE, &version), PTLCALL_VERSION_NUMBER);
    check_equal("none where it was", store_at(page, &version), NO_CALL);
    check_equal("resource1", port_number(), PORT_ELSEWHERE);
    check_equal("a call there", out_to(PORT_ELSEWHERE, &version), PTLCALL_VERSION_NUMBER);
    check_equal("none where it was", out_to(port, &version), NO_CALL);
}

static void check_decoding(void)
{
    check_group("switched off");
    pci_command((unsigned)slot, 0, PCI_COMMAND_MEMORY);
    check_equal("a store is no call", call(BY_PAGE, PTLCALL_OP_VERSION, 0, 0), NO_CALL);
    check_equal("a load gives ones", load64(page_address()), ~0ull);
    check_equal("the port still calls", call(BY_PORT, PTLCALL_OP_VERSION, 0, 0), 1);
    pci_command((unsigned)slot, PCI_COMMAND_MEMORY, PCI_COMMAND_IO);
    check_equal("an OUT is no call", call(BY_PORT, PTLCALL_OP_VERSION, 0, 0), NO_CALL);
    check_equal("the page calls again", call(BY_PAGE, PTLCALL_OP_VERSION, 0, 0), 1);
    pci_command((unsigned)slot, PCI_COMMAND_IO, 0);
}

/* The simulation of this device is not that of the other. */
static void check_session(bool alone)
{
    const struct ptlcall_descriptor run = {(uint64_t) "-run", 4};
    const struct ptlcall_descriptor stop = {(uint64_t) "-stop", 5};

    check_group("session");
    check_equal("the CPUID leaf is the fixed device's", ptlcall_init(), !alone);
    check_equal("-run", call(BY_PAGE, PTLCALL_OP_ENQUEUE, (uint64_t)&run, 1), 2);
    check_equal("VERSION by the port", call(BY_PORT, PTLCALL_OP_VERSION, 0, 0),
                PTLCALL_SIMULATING | PTLCALL_VERSION_NUMBER);
    if (!alone)
        check_equal("VERSION of the fixed device", (uint64_t)ptlcall_version(),
                    PTLCALL_VERSION_NUMBER);
    check_equal("-stop", call(BY_PAGE, PTLCALL_OP_ENQUEUE, (uint64_t)&stop, 1), 2);
}

int main(const struct boot_info *boot)
{
    exceptions_init();
    slot = pci_find(PTLCALL_PCI_VENDOR, PTLCALL_PCI_DEVICE);
    check("there is a function", slot >= 0);
    if (slot < 0)
        return check_summary();
    check_function();
    check_calls("resource0", BY_PAGE);
    check_calls("resource1", BY_PORT);
    check_session(argument_given(boot, "alone"));
    check_moves();
    check_decoding();
    return check_summary();
}
