/* Instructions taken apart: how long one is, whether it ends a basic block, whether it repeats. */
#include "vmm/step/decode.h"

#include "tests/unit/needs.h"
#include "vmm/observe/disasm.h"

#include <Zydis/Zydis.h>
#include <check.h>
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

Suite *decode_suite(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The bytes of (text), pairs of digits with a space between them; how many. */
static unsigned read_bytes(const char *text, uint8_t *bytes)
{
    unsigned count = 0, byte;

    for (; *text && sscanf(text, "%2x", &byte) == 1; text += text[2] ? 3 : 2)
        bytes[count++] = (uint8_t)byte;
    return count;
}

/* Decode (text); the instruction is followed by others, up to 15 bytes, as a fetch gives them. */
static struct instruction decode(const char *text, unsigned bits)
{
    uint8_t bytes[32];

    memset(bytes, 0x90, sizeof(bytes));
    read_bytes(text, bytes);
    return instruction_decode(bytes, INSTRUCTION_MAX, bits);
}

static struct instruction decode_alone(const char *text, unsigned bits)
{
    uint8_t bytes[32];
    unsigned count = read_bytes(text, bytes);

    return instruction_decode(bytes, count, bits);
}

static const struct {
    unsigned bits;
    const char *bytes, *name;
} lengths[] = {
    {64, "90", "nop"},
    {64, "04 01", "add al, 1"},
    {64, "05 01 02 03 04", "add eax, 4 bytes"},
    {64, "66 05 01 02", "add ax, 2 bytes"},
    {64, "48 05 01 02 03 04", "add rax, 4 bytes"},
    {64, "66 48 05 01 02 03 04", "REX.W is stronger than 66"},
    {64, "48 66 05 01 02", "a REX before another prefix does not count"},
    {64, "b8 01 02 03 04", "mov eax, 4 bytes"},
    {64, "48 b8 01 02 03 04 05 06 07 08", "mov rax, 8 bytes"},
    {16, "b8 01 02", "mov ax, 2 bytes"},
    {16, "66 b8 01 02 03 04", "mov eax, 4 bytes in 16-bit code"},
    {64, "48 40 b8 01 02 03 04", "of two REX the last one counts"},
    {32, "40", "inc eax, not a REX"},
    {64, "a1 01 02 03 04 05 06 07 08", "mov eax, [8 bytes of address]"},
    {64, "67 a1 01 02 03 04", "mov eax, [4 bytes of address]"},
    {16, "a1 01 02", "mov ax, [2 bytes of address]"},
    {64, "89 03", "mov [rbx], eax"},
    {64, "89 43 01", "mov [rbx+1], eax"},
    {64, "89 83 01 02 03 04", "mov [rbx+4 bytes], eax"},
    {64, "89 05 01 02 03 04", "mov [rip+4 bytes], eax"},
    {64, "89 04 24", "mov [rsp], eax: SIB"},
    {64, "89 44 24 01", "mov [rsp+1], eax"},
    {64, "89 04 25 01 02 03 04", "SIB without a base"},
    {64, "89 c3", "mov ebx, eax"},
    {16, "89 06 01 02", "mov [2 bytes], ax"},
    {16, "89 04", "mov [si], ax: no SIB"},
    {16, "89 84 01 02", "mov [si+2 bytes], ax"},
    {16, "67 89 04 24", "32-bit addresses in 16-bit code"},
    {64, "f6 03 01", "test byte [rbx], 1"},
    {64, "f6 13", "not byte [rbx]"},
    {64, "f7 03 01 02 03 04", "test dword [rbx], 4 bytes"},
    {64, "f7 13", "not dword [rbx]"},
    {64, "c8 01 02 03", "enter"},
    {64, "c2 01 02", "ret 2 bytes"},
    {64, "e8 01 02 03 04", "call"},
    {16, "e8 01 02", "call in 16-bit code"},
    {64, "66 e8 01 02 03 04", "66 does not shorten a call in 64-bit code"},
    {32, "9a 01 02 03 04 05 06", "far call"},
    {16, "ea 01 02 03 04", "far jmp in 16-bit code"},
    {64, "0f 84 01 02 03 04", "jz near"},
    {64, "0f 05", "syscall"},
    {64, "0f a2", "cpuid"},
    {64, "0f ba 23 01", "bt [rbx], 1"},
    {64, "0f 20 04", "mov from cr: ModRM names registers, whatever it says"},
    {64, "66 0f 78 c0 01 02", "extrq"},
    {64, "0f 0f c1 9e", "3DNow has its opcode at the end"},
    {64, "0f 38 f0 03", "movbe"},
    {64, "66 0f 3a 0f c1 01", "palignr"},
    {64, "c5 f8 77", "vzeroupper"},
    {64, "c5 f9 70 c1 01", "vpshufd"},
    {64, "c4 e3 79 0f c1 01", "vpalignr"},
    {32, "c5 03", "lds, not VEX"},
    {32, "c5 f8 77", "vzeroupper in 32-bit code"},
    {64, "62 f1 7c 48 28 43 01", "vmovaps zmm0, [rbx+64]"},
    {32, "62 03", "bound, not EVEX"},
    {64, "8f 03", "pop [rbx], not XOP"},
    {64, "8f e9 78 01 c8", "blcfill"},
    {64, "8f ea 78 10 c1 01 02 03 04", "bextr, 4 bytes"},
    {64, "f3 a4", "rep movsb"},
    {64, "0f 01 20", "smsw [rax]"},
    {64, "f0 48 0f b1 0b", "lock cmpxchg [rbx], rcx"},
    {64, "2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 2e 90", "fourteen prefixes"},
};

START_TEST(an_instruction_is_as_long_as_its_parts)
{
    uint8_t bytes[32];
    const unsigned wanted = read_bytes(lengths[_i].bytes, bytes);
    const unsigned length = decode(lengths[_i].bytes, lengths[_i].bits).length;

    ck_assert_msg(length == wanted, "%s: %u instead of %u", lengths[_i].name, length, wanted);
}
END_TEST

START_TEST(what_is_cut_off_is_no_instruction)
{
    uint8_t bytes[32];
    const unsigned whole = read_bytes(lengths[_i].bytes, bytes);

    for (unsigned count = 0; count < whole; count++) {
        const struct instruction code = instruction_decode(bytes, count, lengths[_i].bits);

        ck_assert_msg(code.length == 0 && !code.ends_block && !code.repeats, "%s: %u bytes of it",
                      lengths[_i].name, count);
    }
}
END_TEST

START_TEST(fifteen_prefixes_leave_no_room_for_an_instruction)
{
    uint8_t bytes[32];

    memset(bytes, 0x66, sizeof(bytes));
    ck_assert_uint_eq(instruction_decode(bytes, INSTRUCTION_MAX, 64).length, 0);
    bytes[INSTRUCTION_MAX] = 0xc3;
    ck_assert_uint_eq(instruction_decode(bytes, sizeof(bytes), 64).length, 0);
}
END_TEST

START_TEST(no_byte_begins_what_is_longer_than_fifteen_bytes_or_reads_past_them)
{
    static const unsigned modes[] = {16, 32, 64};
    uint8_t bytes[2];

    for (unsigned number = 0; number < 0x10000; number++) {
        bytes[0] = (uint8_t)number;
        bytes[1] = (uint8_t)(number >> 8);
        ck_assert_uint_le(instruction_decode(bytes, sizeof(bytes), modes[_i]).length,
                          sizeof(bytes));
    }
}
END_TEST

static const struct {
    unsigned bits;
    const char *bytes, *name;
    bool ends;
} blocks[] = {
    {64, "74 fe", "jz short", true},
    {64, "7f 00", "jg short, to the next", true},
    {64, "6f", "outsd", false},
    {64, "80 c0 01", "add al, 1", false},
    {64, "0f 80 00 00 00 00", "jo near", true},
    {64, "0f 8f 00 00 00 00", "jg near", true},
    {64, "0f 90 c0", "seto al", false},
    {64, "0f 44 c1", "cmovz", false},
    {64, "eb 00", "jmp short", true},
    {64, "e9 00 00 00 00", "jmp near", true},
    {32, "ea 00 00 00 00 00 00", "jmp far", true},
    {64, "e8 00 00 00 00", "call", true},
    {32, "9a 00 00 00 00 00 00", "call far", true},
    {64, "c3", "ret", true},
    {64, "c2 08 00", "ret 8", true},
    {64, "cb", "retf", true},
    {64, "ca 08 00", "retf 8", true},
    {64, "c9", "leave", false},
    {64, "e2 00", "loop", true},
    {64, "e0 00", "loopne", true},
    {64, "e3 00", "jrcxz", true},
    {64, "e4 60", "in al, 0x60", false},
    {64, "e6 e0", "out 0xe0, al", false},
    {64, "cc", "int3", true},
    {64, "cd 80", "int 0x80", true},
    {32, "ce", "into", true},
    {64, "48 cf", "iretq", true},
    {64, "f1", "int1", true},
    {64, "0f 05", "syscall", true},
    {64, "48 0f 07", "sysretq", true},
    {64, "0f 34", "sysenter", true},
    {64, "0f 35", "sysexit", true},
    {64, "0f 06", "clts", false},
    {64, "0f aa", "rsm", true},
    {64, "ff 00", "inc [rax]", false},
    {64, "ff 08", "dec [rax]", false},
    {64, "ff d0", "call rax", true},
    {64, "ff 18", "call far [rax]", true},
    {64, "ff 20", "jmp [rax]", true},
    {64, "ff 28", "jmp far [rax]", true},
    {64, "ff 30", "push [rax]", false},
    {64, "f3 c3", "rep ret", true},
    {64, "3e ff e0", "notrack jmp rax", true},
    {64, "f2 e9 00 00 00 00", "bnd jmp", true},
    {64, "f4", "hlt", false},
    {64, "f3 a4", "rep movsb", false},
    {64, "66 0f 38 80 00", "one of the third map with a jump's opcode", false},
};

START_TEST(a_block_ends_where_it_may_be_left)
{
    const struct instruction code = decode(blocks[_i].bytes, blocks[_i].bits);

    ck_assert_msg(code.ends_block == blocks[_i].ends, "%s", blocks[_i].name);
    ck_assert_msg(code.length > 0, "%s: no length", blocks[_i].name);
}
END_TEST

static const struct {
    const char *bytes;
    bool repeats;
} strings[] = {
    {"f3 a4", true},  {"f2 a6", true},  {"f3 48 a5", true},     {"66 f3 ab", true},
    {"f3 6c", true},  {"f3 6f", true},  {"f3 67 aa", true},     {"f2 ae", true},
    {"a4", false},    {"66 a5", false}, {"f3 90", false},       {"f3 a9 00 00 00 00", false},
    {"f3 c3", false}, {"f0 a4", false}, {"f3 0f ab 03", false}, {"f3 0f b8 c1", false},
};

START_TEST(only_a_string_instruction_with_a_prefix_repeats)
{
    ck_assert_msg(decode_alone(strings[_i].bytes, 64).repeats == strings[_i].repeats, "%s",
                  strings[_i].bytes);
}
END_TEST

static const struct {
    const char *bytes;
    struct instruction code;
} opcodes[] = {
    {"cf", {.opcode = 0xcf}},
    {"48 cf", {.opcode = 0xcf, .wide = true}},
    {"48 66 cf", {.opcode = 0xcf, .operand = true}}, /* a REX counts right before the opcode */
    {"f3 f4", {.opcode = 0xf4}},
    {"f0 f4", {.opcode = 0}},
    {"0f 0b", {.opcode = 0}},
};

START_TEST(an_opcode_of_one_byte_is_told_unless_it_is_locked)
{
    const struct instruction got = decode_alone(opcodes[_i].bytes, 64), *want = &opcodes[_i].code;

    ck_assert_uint_eq(got.opcode, want->opcode);
    ck_assert_int_eq(got.wide, want->wide);
    ck_assert_int_eq(got.operand, want->operand);
}
END_TEST

/* Zydis as the second opinion: it is another decoder, with tables of its own. */

#define ZYDIS_ROUNDS 400000

typedef ZyanStatus (*decoder_init)(ZydisDecoder *decoder, ZydisMachineMode mode,
                                   ZydisStackWidth width);
typedef ZyanStatus (*decoder_decode)(const ZydisDecoder *decoder, ZydisDecoderContext *context,
                                     const void *bytes, ZyanUSize length,
                                     ZydisDecodedInstruction *instruction);

static const struct {
    unsigned bits;
    ZydisMachineMode mode;
    ZydisStackWidth width;
} zydis_modes[] = {
    {16, ZYDIS_MACHINE_MODE_REAL_16, ZYDIS_STACK_WIDTH_16},
    {32, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32},
    {64, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64},
};

/* The next number of a xorshift generator: the same numbers in each run. */
static uint64_t next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Bytes that are often instructions: up to two prefixes, an opcode of each map, and anything. */
static void make_bytes(uint64_t *state, uint8_t *bytes)
{
    static const uint8_t starts[] = {0x66, 0x67, 0xf2, 0xf3, 0x48, 0x41, 0x0f, 0x0f,
                                     0xc4, 0xc5, 0x62, 0x8f, 0xf0, 0x2e, 0x4c, 0x40};
    const uint64_t shape = next_number(state);

    for (unsigned i = 0; i < INSTRUCTION_MAX; i++)
        bytes[i] = (uint8_t)(next_number(state) >> 24);
    for (unsigned i = 0; i < (shape & 3) && i < 2; i++)
        bytes[i] = starts[shape >> (8 + 4 * i) & 15];
    if ((shape >> 20 & 7) == 0) /* the third maps */
        memcpy(bytes + (shape & 1), shape >> 24 & 1 ? "\x0f\x38" : "\x0f\x3a", 2);
}

static void complain_length(const uint8_t *bytes, unsigned ours, unsigned theirs, unsigned bits)
{
    char text[3 * INSTRUCTION_MAX + 1];

    for (unsigned i = 0; i < INSTRUCTION_MAX; i++)
        snprintf(text + 3 * (size_t)i, 4, "%02x ", bytes[i]);
    ck_abort_msg("%u-bit code %s: %u bytes instead of %u", bits, text, ours, theirs);
}

/* What only Zydis refuses has a length of ours too: it is not compared, and neither are
 * the instructions of the Xeon Phi coprocessor. */
START_TEST(lengths_are_those_of_zydis)
{
    const unsigned bits = zydis_modes[_i].bits;
    struct disasm disasm = {0};
    decoder_init init;
    decoder_decode decode_with;
    ZydisDecoder decoder;
    uint64_t state = 0x9e3779b97f4a7c15u + bits;
    unsigned compared = 0;

    ck_assert_int_eq(disasm_open(&disasm), 0);
    init = (decoder_init)dlsym(disasm.library, "ZydisDecoderInit");
    decode_with = (decoder_decode)dlsym(disasm.library, "ZydisDecoderDecodeInstruction");
    ck_assert(init && decode_with);
    ck_assert(ZYAN_SUCCESS(init(&decoder, zydis_modes[_i].mode, zydis_modes[_i].width)));
    for (unsigned round = 0; round < ZYDIS_ROUNDS; round++) {
        uint8_t bytes[INSTRUCTION_MAX];
        ZydisDecodedInstruction theirs;
        unsigned ours;

        make_bytes(&state, bytes);
        if (!ZYAN_SUCCESS(decode_with(&decoder, NULL, bytes, sizeof(bytes), &theirs)))
            continue;
        if (theirs.meta.isa_ext == ZYDIS_ISA_EXT_KNC || theirs.meta.isa_ext == ZYDIS_ISA_EXT_KNCE ||
            theirs.meta.isa_ext == ZYDIS_ISA_EXT_KNCV)
            continue;
        compared++;
        ours = instruction_decode(bytes, sizeof(bytes), bits).length;
        if (ours != theirs.length)
            complain_length(bytes, ours, theirs.length, bits);
    }
    ck_assert_uint_gt(compared, ZYDIS_ROUNDS / 3);
    disasm_close(&disasm);
}
END_TEST

Suite *decode_suite(void)
{
    Suite *suite = suite_create("decode");
    TCase *tcase = tcase_create("code");

    tcase_add_loop_test(tcase, an_instruction_is_as_long_as_its_parts, 0, COUNT(lengths));
    tcase_add_loop_test(tcase, what_is_cut_off_is_no_instruction, 0, COUNT(lengths));
    tcase_add_test(tcase, fifteen_prefixes_leave_no_room_for_an_instruction);
    tcase_add_loop_test(tcase, no_byte_begins_what_is_longer_than_fifteen_bytes_or_reads_past_them,
                        0, 3);
    tcase_add_loop_test(tcase, a_block_ends_where_it_may_be_left, 0, COUNT(blocks));
    tcase_add_loop_test(tcase, only_a_string_instruction_with_a_prefix_repeats, 0, COUNT(strings));
    tcase_add_loop_test(tcase, an_opcode_of_one_byte_is_told_unless_it_is_locked, 0,
                        COUNT(opcodes));
    needs_test_add(tcase, NEED_ZYDIS, lengths_are_those_of_zydis, COUNT(zydis_modes));
    suite_add_tcase(suite, tcase);
    return suite;
}
