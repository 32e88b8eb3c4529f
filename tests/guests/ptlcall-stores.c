/* Any store in the trigger page is a call, at any offset, width and value; a load is not. */
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

/* A function that stores by (instruction) while RAX holds the op VERSION; returns RAX. */
#define STORE(name, instruction)                                                                   \
    static uint64_t name(uint64_t address)                                                         \
    {                                                                                              \
        uint64_t result = PTLCALL_OP_VERSION;                                                      \
        __asm__ volatile(instruction                                                               \
                         : "+a"(result)                                                            \
                         : [to] "r"(address), [value] "q"(0x5aul)                                  \
                         : "memory");                                                              \
        return result;                                                                             \
    }

STORE(store_1, "movb %b[value], (%[to])")
STORE(store_2, "movw %w[value], (%[to])")
STORE(store_4, "movl %k[value], (%[to])")
STORE(store_8, "movq %[value], (%[to])")
STORE(store_immediate, "movl $-1, (%[to])")
STORE(store_smsw, "smsw (%[to])")
STORE(store_or, "orl %k[value], (%[to])")

struct store {
    const char *name;
    uint64_t (*store)(uint64_t address);
};

static const struct store stores[] = {
    {"1 byte", store_1},
    {"2 bytes", store_2},
    {"4 bytes", store_4},
    {"8 bytes", store_8},
    {"an immediate", store_immediate},
    {"the machine status word", store_smsw},
    {"read, modify, write", store_or},
};

static const uint64_t offsets[] = {0, 8, 0x7f0, 0xff8};

static void check_stores(uint64_t page)
{
    for (unsigned i = 0; i < sizeof(stores) / sizeof(stores[0]); i++) {
        uint64_t calls = 0;
        for (unsigned j = 0; j < sizeof(offsets) / sizeof(offsets[0]); j++)
            calls += stores[i].store(page + offsets[j]) == PTLCALL_VERSION_NUMBER;
        check_equal(stores[i].name, calls, sizeof(offsets) / sizeof(offsets[0]));
    }
    check_equal("the last byte", store_1(page + 0xfff), PTLCALL_VERSION_NUMBER);
}

static void check_widths_of_port(void)
{
    uint64_t result = PTLCALL_OP_VERSION;

    __asm__ volatile("out %%al, %1" : "+a"(result) : "i"(PTLCALL_DEFAULT_PORT));
    check_equal("out, 1 byte", result, PTLCALL_VERSION_NUMBER);
    result = PTLCALL_OP_VERSION;
    __asm__ volatile("out %%ax, %1" : "+a"(result) : "i"(PTLCALL_DEFAULT_PORT));
    check_equal("out, 2 bytes", result, PTLCALL_VERSION_NUMBER);
    result = PTLCALL_OP_VERSION;
    __asm__ volatile("out %%eax, %1" : "+a"(result) : "i"(PTLCALL_DEFAULT_PORT));
    check_equal("out, 4 bytes", result, PTLCALL_VERSION_NUMBER);
}

int main(const struct boot_info *boot)
{
    (void)boot;
    check("a method is found", ptlcall_init());
    uint64_t page = ptlcall_discovered()->trigger & ~0xfffull;

    check_group("store");
    check_stores(page);
    check_group("port");
    check_widths_of_port();
    check_group("load");
    check_equal("1 byte", load8(page), 0);
    check_equal("8 bytes", load64(page + 0xff8), 0);
    check_group("");
    return check_summary();
}
