/* The boot contract of real mode. */
#include "guest/lib/check.h"
#include "guest/lib/cpu.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

#include <stddef.h>

static uint64_t block_number(uint32_t block, uint32_t offset, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)boot_read(block, offset + i) << (8 * i);
    return value;
}

int main(const struct boot_info *boot)
{
    uint32_t block = (uint32_t)boot;

    check_equal("CR0: no protection", cr0_read() & CR0_PE, 0);
    check_equal("interrupts are off", flags_read() & RFLAGS_IF, 0);
    check_equal("CS", cs_read(), 0);
    check_equal("DS", ds_read(), 0);
    check_equal("ES", es_read(), 0);
    check_equal("SS", ss_read(), 0);
    check_equal("the stack is below the image", start_stack, BOOT_LOAD_REAL);

    check_group("boot block");
    check_equal("EBX points to it", block, BOOT_INFO);
    check_equal("magic", block_number(block, offsetof(struct boot_info, magic), 8), BOOT_MAGIC);
    check_equal("version", block_number(block, offsetof(struct boot_info, version), 4),
                BOOT_VERSION);

    check_group("ptlcall");
    check("is there", ptlcall_init());
    check_result("version", ptlcall_version(), PTLCALL_VERSION_NUMBER);
    check_result("log", ptlcall_log("a line from real mode"), PTLCALL_OP_LOG);
    check_group("");
    return check_summary();
}
