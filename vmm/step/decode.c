/*
 * The length of an instruction is the sum of its prefixes, its opcode, a ModRM byte with SIB and
 * displacement, and its immediate operands. The opcode decides which of them there are: Intel SDM
 * volume 2D, appendix A.
 */
#include "vmm/step/decode.h"

#include <stddef.h>

enum map { MAP_ONE_BYTE, MAP_0F, MAP_0F38, MAP_0F3A, MAP_MODRM, MAP_XOP_A, MAP_NONE };

struct reader {
    const uint8_t *bytes;
    unsigned count, at; /* (at) may exceed (count): bytes there are read as 0 */
    unsigned bits;
    bool operand, address; /* prefixes 66 and 67 */
    bool repeat;           /* F2 or F3 */
    bool lock;             /* F0 */
    bool wide;             /* REX.W */
    bool vector;           /* VEX, EVEX or XOP */
    enum map map;
    uint8_t opcode;
};

/*
 * What follows an opcode, a letter for each, sixteen in a row:
 *   .  nothing                              m  ModRM
 *   b  1 byte                               M  ModRM and 1 byte
 *   w  2 bytes                              e  2 and 1 bytes: ENTER
 *   z  2 or 4 bytes, as the operands are    Z  ModRM and 2 or 4 bytes
 *   v  2, 4 or 8 bytes, as the operands     a  2, 4 or 8 bytes, as addresses are
 *   f  z and 2 bytes: a far pointer         j  as z, but 4 bytes in 64-bit code
 *   g  as M for /0 and /1, else m           G  as Z for /0 and /1, else m
 *   c  ModRM that always names registers    x  ModRM, with 66 or F2 also 2 bytes: SSE4a
 *   p  a prefix or an escape to another map: read before
 */
static const char one_byte[] = "mmmmbz..mmmmbz.p"
                               "mmmmbz..mmmmbz.."
                               "mmmmbzp.mmmmbzp."
                               "mmmmbzp.mmmmbzp."
                               "................"
                               "................"
                               "..mmppppzZbM...."
                               "bbbbbbbbbbbbbbbb"
                               "MZMMmmmmmmmmmmmm"
                               "..........f....."
                               "aaaa....bz......"
                               "bbbbbbbbvvvvvvvv"
                               "MMw.mmMZe.w..b.."
                               "mmmmbb..mmmmmmmm"
                               "bbbbbbbbjjfb...."
                               "p.pp..gG......mm";

static const char two_bytes[] = "mmmm.........m.M"
                                "mmmmmmmmmmmmmmmm"
                                "ccccmmmmmmmmmmmm"
                                "........p.p....."
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "MMMMmmm.xmmmmmmm"
                                "jjjjjjjjjjjjjjjj"
                                "mmmmmmmmmmmmmmmm"
                                "...mMmmm...mMmmm"
                                "mmmmmmmmmmMmmmmm"
                                "mmMmMMMm........"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm"
                                "mmmmmmmmmmmmmmmm";

static const struct {
    enum map map;
    uint8_t first, last; /* opcodes */
} block_ends[] = {
    {MAP_ONE_BYTE, 0x70, 0x7f}, /* Jcc */
    {MAP_ONE_BYTE, 0x9a, 0x9a}, /* far CALL */
    {MAP_ONE_BYTE, 0xc2, 0xc3}, /* RET */
    {MAP_ONE_BYTE, 0xca, 0xcf}, /* far RET, INT3, INT, INTO, IRET */
    {MAP_ONE_BYTE, 0xe0, 0xe3}, /* LOOPcc, JrCXZ */
    {MAP_ONE_BYTE, 0xe8, 0xeb}, /* CALL, JMP */
    {MAP_ONE_BYTE, 0xf1, 0xf1}, /* INT1 */
    {MAP_0F, 0x05, 0x05},       /* SYSCALL */
    {MAP_0F, 0x07, 0x07},       /* SYSRET */
    {MAP_0F, 0x34, 0x35},       /* SYSENTER, SYSEXIT */
    {MAP_0F, 0x80, 0x8f},       /* Jcc */
    {MAP_0F, 0xaa, 0xaa},       /* RSM */
};

static uint8_t peek(const struct reader *reader, unsigned ahead)
{
    unsigned at = reader->at + ahead;

    return at < reader->count ? reader->bytes[at] : 0;
}

/* Pass one prefix; false: the byte is not a prefix. A REX counts only right before the opcode. */
static bool read_prefix(struct reader *reader)
{
    const uint8_t byte = peek(reader, 0);

    if (reader->at >= reader->count)
        return false;
    if (reader->bits == 64 && (byte & 0xf0) == 0x40) {
        reader->wide = byte & 8;
        reader->at++;
        return true;
    }
    switch (byte) {
    case 0x66:
        reader->operand = true;
        break;
    case 0x67:
        reader->address = true;
        break;
    case 0xf2:
    case 0xf3:
        reader->repeat = true;
        break;
    case 0xf0:
        reader->lock = true;
        break;
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
        break;
    default:
        return false;
    }
    reader->wide = false;
    reader->at++;
    return true;
}

/*
 * The length of a VEX, EVEX or XOP prefix, and in *map the opcode map that it selects; 0: there is
 * no such prefix.
 */
static unsigned vector_prefix(const struct reader *reader, enum map *map)
{
    static const enum map maps[] = {
        MAP_NONE,  MAP_0F,   MAP_0F38, MAP_0F3A,  MAP_NONE,  MAP_MODRM,
        MAP_MODRM, MAP_NONE, MAP_0F3A, MAP_MODRM, MAP_XOP_A,
    };
    const uint8_t byte = peek(reader, 0), next = peek(reader, 1);
    const unsigned selector = byte == 0x62 ? next & 7 : next & 0x1f;
    /* In other code LES, LDS and BOUND have these opcodes, with an operand in memory. */
    const bool extended = reader->bits == 64 || next >= 0xc0;

    *map = byte == 0xc5                                ? MAP_0F
           : selector < sizeof(maps) / sizeof(maps[0]) ? maps[selector]
                                                       : MAP_NONE;
    if (byte == 0x8f) /* POP, unless the three bits in the middle are not 0 */
        return selector >= 8 ? 3 : 0;
    if (!extended)
        return 0;
    return byte == 0xc5 ? 2 : byte == 0xc4 ? 3 : byte == 0x62 ? 4 : 0;
}

static void read_opcode(struct reader *reader)
{
    unsigned prefix;

    while (read_prefix(reader))
        ;
    prefix = vector_prefix(reader, &reader->map);
    reader->vector = prefix > 0;
    if (reader->vector) {
        reader->at += prefix;
    } else if (peek(reader, 0) != 0x0f) {
        reader->map = MAP_ONE_BYTE;
    } else if (peek(reader, 1) == 0x38 || peek(reader, 1) == 0x3a) {
        reader->map = peek(reader, 1) == 0x38 ? MAP_0F38 : MAP_0F3A;
        reader->at += 2;
    } else {
        reader->map = MAP_0F;
        reader->at++;
    }
    reader->opcode = peek(reader, 0);
    reader->at++;
}

static unsigned operand_size(const struct reader *reader)
{
    return reader->vector || reader->wide || (reader->bits == 16) == reader->operand ? 4 : 2;
}

static unsigned address_size(const struct reader *reader)
{
    if (reader->bits == 64)
        return reader->address ? 4 : 8;
    return (reader->bits == 16) == reader->address ? 4 : 2;
}

/* ModRM, SIB and displacement: Intel SDM volume 2A, tables 2-1 to 2-3. */
static void read_modrm(struct reader *reader)
{
    const uint8_t modrm = peek(reader, 0);
    const unsigned mode = modrm >> 6;
    unsigned base = modrm & 7;

    reader->at++;
    if (mode == 3)
        return;
    if (address_size(reader) == 2) {
        reader->at += mode == 1 ? 1 : mode == 2 || base == 6 ? 2 : 0;
        return;
    }
    if (base == 4) {
        base = peek(reader, 0) & 7;
        reader->at++;
    }
    reader->at += mode == 1 ? 1 : mode == 2 || base == 5 ? 4 : 0;
}

static char operands_of(const struct reader *reader)
{
    switch (reader->map) {
    case MAP_ONE_BYTE:
        return one_byte[reader->opcode];
    case MAP_0F:
        if (reader->vector && two_bytes[reader->opcode] == 'x')
            return 'm';
        return two_bytes[reader->opcode];
    case MAP_0F3A:
        return 'M';
    case MAP_XOP_A:
        return 'Z';
    default:
        return 'm';
    }
}

static void read_immediate(struct reader *reader, char kind)
{
    switch (kind) {
    case 'b':
    case 'M':
        reader->at += 1;
        break;
    case 'w':
        reader->at += 2;
        break;
    case 'e':
        reader->at += 3;
        break;
    case 'z':
    case 'Z':
        reader->at += operand_size(reader);
        break;
    case 'v':
        reader->at += reader->wide ? 8 : operand_size(reader);
        break;
    case 'a':
        reader->at += address_size(reader);
        break;
    case 'f':
        reader->at += operand_size(reader) + 2;
        break;
    case 'j':
        reader->at += reader->bits == 64 ? 4 : operand_size(reader);
        break;
    default:
        break;
    }
}

static void read_operands(struct reader *reader)
{
    const bool test = (peek(reader, 0) >> 3 & 7) < 2; /* TEST in the group of NOT, NEG, MUL, DIV */
    char kind = operands_of(reader);

    if (kind == 'g' || kind == 'G')
        kind = !test ? 'm' : kind == 'g' ? 'M' : 'Z';
    if (kind == 'c')
        reader->at++;
    else if (kind == 'm' || kind == 'M' || kind == 'Z' || kind == 'x')
        read_modrm(reader);
    if (kind == 'x' && (reader->operand || reader->repeat))
        reader->at += 2;
    read_immediate(reader, kind);
}

static bool ends_block(const struct reader *reader, uint8_t modrm)
{
    const unsigned group = modrm >> 3 & 7;

    if (reader->map == MAP_ONE_BYTE && reader->opcode == 0xff)
        return group >= 2 && group <= 5; /* CALL, far CALL, JMP, far JMP */
    for (size_t i = 0; i < sizeof(block_ends) / sizeof(block_ends[0]); i++)
        if (reader->map == block_ends[i].map && reader->opcode >= block_ends[i].first &&
            reader->opcode <= block_ends[i].last)
            return true;
    return false;
}

/* INS, OUTS; MOVS, CMPS; STOS, LODS, SCAS. */
static bool is_string(const struct reader *reader)
{
    const uint8_t opcode = reader->opcode;

    return reader->map == MAP_ONE_BYTE &&
           ((opcode >= 0x6c && opcode <= 0x6f) || (opcode >= 0xa4 && opcode <= 0xa7) ||
            (opcode >= 0xaa && opcode <= 0xaf));
}

struct instruction instruction_decode(const uint8_t *bytes, unsigned count, unsigned bits)
{
    struct reader reader = {.bytes = bytes,
                            .count = count < INSTRUCTION_MAX ? count : INSTRUCTION_MAX,
                            .bits = bits};
    uint8_t modrm;

    read_opcode(&reader);
    modrm = peek(&reader, 0);
    if (reader.map == MAP_NONE)
        return (struct instruction){0};
    read_operands(&reader);
    if (reader.at > reader.count)
        return (struct instruction){0};
    return (struct instruction){
        .length = reader.at,
        .ends_block = ends_block(&reader, modrm),
        .repeats = reader.repeat && is_string(&reader),
        .opcode = reader.map == MAP_ONE_BYTE && !reader.lock ? reader.opcode : 0,
        .wide = reader.wide,
        .operand = reader.operand,
    };
}
