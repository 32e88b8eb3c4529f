/*
 * For tests/system/stubs: a piece of code of known length at known addresses, between -run and
 * -stop, whatever compiler made the rest of the guest. 60 instructions run from the one after
 * -run's OUT up to -stop's OUT; number 54 is the OUT of a call of its own.
 *
 * Guest arguments: lists of commands with `;` between them, each of which is given to an ENQUEUE.
 * The code runs at each `;`, and after the last list if there is no `;`. `checkpoint` in place of a
 * list: the call in the code is CHECKPOINT, not VERSION.
 */
#include "guest/lib/console.h"
#include "guest/lib/guest.h"
#include "guest/lib/ptlcall.h"
#include "guest/lib/string.h"

#define LIST_MAX 256 /* bytes */

/* Returns the result of its call (op). (name) is for CHECKPOINT, and has three bytes. */
uint64_t step_model(uint64_t op, const char *name);

/* After the start code, which is the first in the image and short. */
__asm__(".pushsection .text.start, \"ax\"\n"
        "   .balign 4096\n" /* 0x101000 */
        "model_page:\n"
        "   .org  model_page + 0x22\n"
        ".globl step_model\n"
        "step_model:\n"
        "   push  %rbx\n"
        "   push  %r12\n"
        "   push  %r13\n"
        "   mov   %rdi, %r12\n"
        "   mov   %rsi, %r13\n"
        "   mov   $model_run, %edi\n"
        "   mov   $1, %esi\n"
        "   xor   %edx, %edx\n"
        "   mov   $2, %eax\n"
        "   out   %al, $0xe0\n"
        "   .org  model_page + 0x40\n" /* the address at which the OUT ends */
        "   mov   $3, %ebx\n"          /* 1 */
        "1: mov   $4, %ecx\n"          /* 3 rounds of 16: one, */
        "2: dec   %ecx\n"              /* 4 times two, */
        "   jnz   2b\n"
        "   call  model_fill\n" /* one, and four, */
        "   dec   %ebx\n"       /* and two */
        "   jnz   1b\n"         /* 49 so far */
        "   mov   %r13, %rdi\n" /* 5 with the OUT: 54 */
        "   mov   $3, %esi\n"
        "   xor   %edx, %edx\n"
        "   mov   %r12d, %eax\n"
        "   out   %al, $0xe0\n"
        "   mov   %rax, %rbx\n" /* 6 with the OUT: 60 */
        "   mov   $model_stop, %edi\n"
        "   mov   $1, %esi\n"
        "   xor   %edx, %edx\n"
        "   mov   $2, %eax\n"
        "   out   %al, $0xe0\n"
        "   mov   %rbx, %rax\n"
        "   pop   %r13\n"
        "   pop   %r12\n"
        "   pop   %rbx\n"
        "   ret\n"
        "   .org  model_page + 0xc0\n"
        "model_fill:\n"
        "   mov   $model_page + 0x200, %edi\n"
        "   mov   $100, %ecx\n"
        "   rep   stosb\n"
        "   ret\n"
        "   .org  model_page + 0x100\n"
        "model_run:\n"
        "   .quad 3f, 4\n"
        "model_stop:\n"
        "   .quad 4f, 5\n"
        "3: .ascii \"-run\"\n"
        "4: .ascii \"-stop\"\n"
        "   .org  model_page + 0x300\n"
        ".popsection\n");

static ptlcall_word op = PTLCALL_OP_VERSION;

static void run_model(void)
{
    const ptlcall_status result = (ptlcall_status)step_model(op, "roi");

    if (op == PTLCALL_OP_CHECKPOINT)
        printf("checkpoint: %ld%s\n", ptlcall_plain(result),
               ptlcall_is_restored(result) ? ", restored" : "");
    else
        printf("in it: 0x%lx\n", (unsigned long)result);
    printf("behind it: 0x%lx\n", (unsigned long)ptlcall_version());
    ptlcall_marker(1);
}

static void obey(const char *list)
{
    if (strcmp(list, "checkpoint") == 0)
        op = PTLCALL_OP_CHECKPOINT;
    else if (*list)
        printf("list: %ld\n", ptlcall_single_flush(list));
}

int main(const struct boot_info *boot)
{
    const char *rest = boot->command;
    char list[LIST_MAX];
    bool ran = false;

    if (!ptlcall_init() || strlen(rest) >= sizeof(list))
        return 1;
    for (;;) {
        size_t length = 0;

        while (rest[length] && rest[length] != ';')
            length++;
        memcpy(list, rest, length);
        list[length] = 0;
        obey(list);
        rest += length;
        if (!*rest && ran)
            return 0;
        run_model();
        ran = true;
        if (!*rest)
            return 0;
        rest++;
    }
}
