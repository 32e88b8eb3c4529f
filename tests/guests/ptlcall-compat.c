/*
 * Calls from compatibility mode: 32-bit code under a 64-bit kernel. Registers are 32 bits wide,
 * also where 64-bit code has set their high halves.
 */
#include "guest/lib/check.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"

/*
 * compat_call(op, arg1, arg2): a call by the default port, made by 32-bit code. The code here does
 * not touch the high halves of the registers, so the processor keeps them.
 */
uint64_t compat_call(uint64_t op, uint64_t arg1, uint64_t arg2);

__asm__(".globl compat_call\n"
        "compat_call:\n"
        "    push %rbx\n"
        "    mov %rdi, %rax\n"
        "    mov %rsi, %rdi\n"
        "    mov %rdx, %rsi\n"
        "    pushq $0x18\n" /* BOOT_CODE32 */
        "    pushq $compat_begin\n"
        "    lretq\n"
        ".code32\n"
        "compat_begin:\n"
        "    out %al, $0xe0\n"          /* PTLCALL_DEFAULT_PORT */
        "    ljmp $0x08, $compat_end\n" /* BOOT_CODE64 */
        ".code64\n"
        "compat_end:\n"
        "    pop %rbx\n"
        "    ret\n");

#define HIGH 0xdead000000000000ull

int main(const struct boot_info *boot)
{
    static const char line[] = "a line from compatibility mode";
    uint64_t string = (uint64_t)line, length = sizeof(line) - 1;

    (void)boot;
    check("ptlcalls are there", ptlcall_init());
    check_equal("version", compat_call(PTLCALL_OP_VERSION, 0, 0), PTLCALL_VERSION_NUMBER);
    check_equal("log", compat_call(PTLCALL_OP_LOG, string, length), PTLCALL_OP_LOG);
    check_equal("log, with high halves", compat_call(PTLCALL_OP_LOG, HIGH | string, HIGH | length),
                PTLCALL_OP_LOG);
    check_equal("an error counts 32 bits", compat_call(99, 0, 0), (uint32_t)-PTLCALL_EINVAL);
    check_equal("a range past 4 GiB", compat_call(PTLCALL_OP_LOG, 0xfffffffe, 4),
                (uint32_t)-PTLCALL_EFAULT);
    ptlcall_use(PTLCALL_BY_PORT);
    check_result("64-bit code as before",
                 ptlcall(PTLCALL_OP_LOG, HIGH | string, length, 0, 0, 0, 0), -PTLCALL_EFAULT);
    return check_summary();
}
