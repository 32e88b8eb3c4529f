/* vmm/boot/: what the ELF, Multiboot and PVH images of tests/fuzz/images become, whole and damaged. */
#include "guest/abi/boot.h"
#include "tests/unit/hex.h"
#include "vmm/boot/loader.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *loader_images_suite(void);

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define IMAGES   "tests/fuzz/images"
#define DIRTY    0xee

static struct memory memory;
static struct x86_start start;
static struct error error;

static void setup(void)
{
    ck_assert_int_eq(memory_init(&memory, 4 * MIB, NULL), 0);
}

static void teardown(void)
{
    memory_finish(&memory);
}

static void read_image(const char *name, struct hex_image *image)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", IMAGES, name);
    ck_assert_msg(hex_read(path, image) == 0, "%s cannot be read", path);
}

/* Load what is in memory; the bytes are copied, so that one too far is seen. */
static int load_bytes(const uint8_t *bytes, size_t size)
{
    const struct loader_request request = {.path = "image"};
    struct loader_file file = {.path = "image", .bytes = malloc(size), .size = size};
    int result;

    ck_assert_ptr_nonnull(file.bytes);
    memcpy(file.bytes, bytes, size);
    error.text[0] = '\0';
    result = loader_load_files(&memory, &request, &file, NULL, &start, &error);
    free(file.bytes);
    return result;
}

static void check_refused(int result, const char *sentence)
{
    ck_assert_msg(result < 0, "loaded, although: %s", sentence);
    ck_assert_msg(strncmp(error.text, "image: ", 7) == 0, "no name of a file: %s", error.text);
    ck_assert_msg(strstr(error.text, sentence), "not \"%s\": %s", sentence, error.text);
}

/* long 0x100000, or protected 0x100000 eax 0x2badb002 */
static void check_start(const char *expect)
{
    char got[128];

    snprintf(got, sizeof(got), "%s 0x%llx", start.mode == X86_LONG ? "long" : "protected",
             (unsigned long long)start.entry);
    if (start.rax)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), " eax 0x%llx",
                 (unsigned long long)start.rax);
    ck_assert_str_eq(got, expect);
}

START_TEST(each_image_comes_to_what_it_says)
{
    DIR *dir = opendir(IMAGES);
    const struct dirent *entry;
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir))) {
        static struct hex_image image;
        const char *end = strrchr(entry->d_name, '.');

        if (!end || strcmp(end, ".hex") != 0)
            continue;
        read_image(entry->d_name, &image);
        count++;
        if (strncmp(image.expect, "refused ", 8) == 0) {
            check_refused(load_bytes(image.bytes, image.size), image.expect + 8);
            continue;
        }
        ck_assert_msg(load_bytes(image.bytes, image.size) == 0, "%s: %s", entry->d_name,
                      error.text);
        check_start(image.expect);
    }
    closedir(dir);
    ck_assert_int_ge(count, 13);
}
END_TEST

/* One of each format; (first_refused): with fewer bytes it is no image of the format yet. */
static const struct {
    const char *name;
    size_t first_refused;
} whole[] = {
    {"elf64.hex", 4},           {"elf32.hex", 4},           {"elf64-high-half.hex", 4},
    {"multiboot-elf32.hex", 4}, {"multiboot-elf64.hex", 4}, {"multiboot-raw.hex", 16},
    {"pvh-elf64.hex", 4},       {"pvh-elf32.hex", 4},       {"pvh-elf64-align8.hex", 4},
};

START_TEST(an_image_cut_off_anywhere_is_refused)
{
    struct hex_image image;

    read_image(whole[_i].name, &image);
    for (size_t size = 1; size < image.size; size++) {
        int result = load_bytes(image.bytes, size);

        if (size >= whole[_i].first_refused)
            check_refused(result, "");
        else
            ck_assert_int_eq(result, 0);
    }
}
END_TEST

static bool is_zero(uint64_t first, uint64_t end)
{
    const uint8_t *place = memory_at(&memory, gpa(first), end - first);

    return place[0] == 0 && memcmp(place, place + 1, end - first - 1) == 0;
}

/* Whether it is loaded or refused, it stays within bounds. */
static void check_harmless(int result)
{
    if (result < 0) {
        check_refused(result, "");
        ck_assert_ptr_null(strchr(error.text, '\n'));
    } else {
        ck_assert_ptr_nonnull(memory_at(&memory, gpa(start.entry), 1));
    }
    ck_assert_msg(is_zero(BOOT_AREA, BOOT_LOADER), "the boot area was written");
    ck_assert_msg(is_zero(BOOT_TABLES, BOOT_AREA_END), "the boot area was written");
    ck_assert_msg(is_zero(BOOT_BIOS, BOOT_BIOS_END), "the BIOS area was written");
}

START_TEST(an_image_with_any_byte_changed_is_loaded_or_refused)
{
    static const uint8_t flips[] = {0x01, 0x80, 0xff};
    struct hex_image image;

    read_image(whole[_i].name, &image);
    for (size_t i = 0; i < image.size; i++) {
        for (int flip = 0; flip < COUNT(flips); flip++) {
            image.bytes[i] ^= flips[flip];
            check_harmless(load_bytes(image.bytes, image.size));
            image.bytes[i] ^= flips[flip];
        }
    }
}
END_TEST

static bool is_filled(uint64_t first, uint64_t size, uint8_t with)
{
    const uint8_t *place = memory_at(&memory, gpa(first), size);

    for (uint64_t i = 0; i < size; i++)
        if (place[i] != with)
            return false;
    return true;
}

START_TEST(segments_go_where_they_say_and_zeros_behind_them)
{
    struct hex_image image;

    read_image("elf64.hex", &image);
    memset(memory_at(&memory, gpa(BOOT_LOAD), PAGE_SIZE), DIRTY, PAGE_SIZE);
    ck_assert_int_eq(load_bytes(image.bytes, image.size), 0);
    ck_assert(is_filled(0x100000, 0x10, 0xc3));
    ck_assert(is_filled(0x100010, 0x10, 0));
    ck_assert(is_filled(0x100020, 0x10, 0xc3));
    ck_assert(is_filled(0x100030, PAGE_SIZE - 0x30, DIRTY));
}
END_TEST

START_TEST(a_raw_multiboot_image_goes_where_its_header_says)
{
    struct hex_image image;

    read_image("multiboot-raw.hex", &image);
    memset(memory_at(&memory, gpa(BOOT_LOAD), PAGE_SIZE), DIRTY, PAGE_SIZE);
    ck_assert_int_eq(load_bytes(image.bytes, image.size), 0);
    ck_assert_mem_eq(memory_at(&memory, gpa(0x100000), 0x30), image.bytes, 0x30);
    ck_assert(is_filled(0x100030, 0x10, 0));
    ck_assert(is_filled(0x100040, PAGE_SIZE - 0x40, DIRTY));
}
END_TEST

START_TEST(a_raw_multiboot_image_without_an_end_is_loaded_to_its_last_byte)
{
    struct hex_image image;

    read_image("multiboot-raw-whole.hex", &image);
    ck_assert_int_eq(load_bytes(image.bytes, image.size), 0);
    ck_assert_mem_eq(memory_at(&memory, gpa(0x100000), 0x28), image.bytes + 8, 0x28);
}
END_TEST

static const struct {
    const char *name;
    bool bare;
    uint64_t info;
} contracts[] = {
    {"elf64.hex", false, BOOT_INFO},
    {"elf32.hex", false, BOOT_INFO},
    {"multiboot-elf32.hex", true, BOOT_LOADER},
    {"multiboot-raw.hex", true, BOOT_LOADER},
    {"pvh-elf64.hex", true, BOOT_LOADER},
};

START_TEST(each_format_has_its_own_contract_for_the_start)
{
    struct hex_image image;

    read_image(contracts[_i].name, &image);
    ck_assert_int_eq(load_bytes(image.bytes, image.size), 0);
    ck_assert_int_eq(start.bare, contracts[_i].bare);
    ck_assert_uint_eq(start.info, contracts[_i].info);
    ck_assert_uint_eq(start.stack, 4 * MIB);
}
END_TEST

START_TEST(multiboot_comes_before_pvh)
{
    static const uint32_t header[] = {0x1badb002, 0, 0xe4524ffe};
    struct hex_image image;

    read_image("pvh-elf64.hex", &image);
    memcpy(image.bytes + image.size, header, sizeof(header));
    ck_assert_int_eq(load_bytes(image.bytes, image.size + sizeof(header)), 0);
    check_start("protected 0x100000 eax 0x2badb002");
}
END_TEST

static const struct {
    size_t offset;
    int result;
    const char *start;
} searches[] = {
    {8192 - 12, 0, "protected 0x100000 eax 0x2badb002"},
    {8192 - 8, 0, "long 0x100000"},
    {4098, 0, "long 0x100000"},
};

START_TEST(a_multiboot_header_counts_where_its_specification_has_it)
{
    static const uint32_t header[] = {0x1badb002, 0, 0xe4524ffe};
    static uint8_t bytes[8192 + 12];
    struct hex_image image;

    read_image("elf64-high-half.hex", &image);
    memcpy(bytes, image.bytes, image.size);
    memset(bytes + 0x18, 0, 8);                     /* e_entry */
    memset(bytes + 0x50, 0, 16);                    /* p_vaddr, p_paddr */
    bytes[0x1a] = bytes[0x52] = bytes[0x5a] = 0x10; /* 0x100000 */
    memcpy(bytes + searches[_i].offset, header, sizeof(header));
    ck_assert_msg(load_bytes(bytes, sizeof(bytes)) == 0, "%s", error.text);
    check_start(searches[_i].start);
}
END_TEST

#define ELF64 "elf64.hex"
#define ELF32 "elf32.hex"
#define MB32  "multiboot-elf32.hex"
#define RAW   "multiboot-raw.hex"
#define PVH   "pvh-elf64.hex"

#define MB_ADDRESSES 0x4
#define MB_LOAD      0x14
#define MB_LOAD_END  0x18
#define MB_BSS_END   0x1c
#define MB_ENTRY     0x20

/* One bad field of an otherwise good image, and the sentence for it. */
static const struct damage {
    const char *name;
    unsigned offset, width;
    uint64_t value;
    const char *sentence;
} damages[] = {
    /* The header. */
    {ELF64, 0x04, 1, 3, "neither 64-bit nor 32-bit"},
    {ELF64, 0x05, 1, 2, "not little-endian"},
    {ELF64, 0x10, 2, 1, "no executable"},
    {ELF64, 0x10, 2, 4, "no executable"},
    {ELF64, 0x12, 2, 183, "another processor"},
    {ELF64, 0x12, 2, 3, "another processor"},
    {ELF32, 0x12, 2, 62, "another processor"},
    {ELF64, 0x36, 2, 0, "program headers of 0 bytes, not 56"},
    {ELF64, 0x36, 2, 57, "program headers of 57 bytes, not 56"},
    {ELF32, 0x2a, 2, 0xffff, "program headers of 65535 bytes, not 32"},
    {ELF64, 0x38, 2, 0, "no program headers"},
    {ELF64, 0x38, 2, 0xffff, "claims 65535 program headers"},
    {ELF64, 0x38, 2, 100, "program headers reach past the end"},
    {ELF64, 0x20, 8, 0x41, "program headers are not aligned"},
    {ELF32, 0x1c, 4, 0x36, "program headers are not aligned"},
    {ELF64, 0x20, 8, 0xa0, "program headers reach past the end"},
    {ELF64, 0x20, 8, UINT64_MAX - 7, "program headers reach past the end"},
    {ELF32, 0x1c, 4, 0xfffffffc, "program headers reach past the end"},
    /* The entry. */
    {ELF64, 0x18, 8, 0, "entry 0x0 is in none of its segments"},
    {ELF64, 0x18, 8, 0xfffff, "entry 0xfffff is in none"},
    {ELF64, 0x18, 8, 0x100010, "entry 0x100010 is in none"}, /* zeros */
    {ELF64, 0x18, 8, 0x100030, "entry 0x100030 is in none"},
    {ELF64, 0x18, 8, UINT64_MAX, "entry 0xffffffffffffffff is in none"},
    {ELF32, 0x18, 4, 0x90000, "entry 0x90000 is in none"},
    /* Segments. */
    {ELF64, 0x40, 4, 3, "asks for a dynamic linker"},
    {ELF32, 0x34, 4, 6, "no segment to load"},
    {ELF64, 0x60, 8, 0x21, "more bytes in the file than in memory"},
    {ELF64, 0x60, 8, UINT64_MAX, "more bytes in the file than in memory"},
    {ELF64, 0x48, 8, 0xc0, NULL},
    {ELF64, 0x80, 8, 0xc1, "reach past the end of the file"},
    {ELF64, 0x80, 8, UINT64_MAX, "reach past the end of the file"},
    {ELF64, 0x80, 8, UINT64_MAX - 0xf, "reach past the end of the file"},
    {ELF32, 0x38, 4, 0xfffffff8, "reach past the end of the file"},
    {ELF64, 0x90, 8, 0x10001f, "segments at 0x100000 and 0x10001f overlap"},
    {ELF64, 0x90, 8, 0x100000, "segments at 0x100000 and 0x100000 overlap"},
    {ELF64, 0x90, 8, 0xffff1, "overlap the BIOS area, 0xe0000..0xfffff; choose another link"},
    {ELF64, 0x90, 8, 0x8fff1, "overlap the boot area, 0x90000..0x9ffff; choose another link"},
    {ELF64, 0x90, 8, 0x8fff0, NULL},
    {ELF64, 0x90, 8, 0x9ffff, "overlap the boot area"},
    {ELF64, 0x90, 8, 0xe0000, "overlap the BIOS area"},
    {ELF64, 0x90, 8, 0x400000, "there is no RAM at 0x400000"},
    {ELF64, 0x90, 8, 0x3ffff1, "pass the end of the guest's memory"},
    {ELF64, 0x90, 8, 0x3ffff0, NULL},
    {ELF64, 0x90, 8, UINT64_MAX - 7, "there is no RAM at 0xfffffffffffffff8"},
    {ELF64, 0x68, 8, UINT64_MAX, "pass the end of the guest's memory"},
    {ELF64, 0x68, 8, -0x100000ULL, "pass the end of the guest's memory"},
    {ELF32, 0x48, 4, 0xfff00000, "pass the end of the guest's memory"},
    /* Multiboot. */
    {MB32, 0x58, 8, 0xe4524ff700000007, "asks for what is not offered here, flags 0x4"},
    {MB32, 0x58, 8, 0xe4514ffe00008000 + 0x0000800000000000, "flags 0x8000"},
    {MB32, 0x5c, 4, 0, NULL}, /* no header: a plain ELF file */
    {MB32, 0x18, 4, 0x200000, "entry 0x200000 is in none"},
    {MB32, 0x58, 8, 0xe4514ffe00010000, "the Multiboot header is not whole"},
    {RAW, 0x10, 4, 0x100005, "the file begins before its first byte"},
    {RAW, 0x10, 4, 0xfffff, "the file begins before its first byte"},
    {RAW, MB_LOAD, 4, 0, "the file begins before its first byte"},
    {RAW, MB_LOAD_END, 4, 0xfffff, "load_end_addr below load_addr"},
    {RAW, MB_LOAD_END, 4, 0x100031, "reach past the end of the file"},
    {RAW, MB_LOAD_END, 4, 0x100000, "entry 0x100024 is in none"},
    {RAW, MB_BSS_END, 4, 0x10002f, "bss_end_addr below the end"},
    {RAW, MB_BSS_END, 4, 0x400001, "pass the end of the guest's memory"},
    {RAW, MB_BSS_END, 4, 0, NULL},
    {RAW, MB_ENTRY, 4, 0x100030, "entry 0x100030 is in none"},
    /* PVH. */
    {PVH, 0x80, 8, 0xf8, "notes reach past the end of the file"},
    {PVH, 0x80, 8, UINT64_MAX, "notes reach past the end of the file"},
    {PVH, 0x98, 8, UINT64_MAX, "notes reach past the end of the file"},
    {PVH, 0xb0, 4, 0xffffffff, "a note reaches past the end of its segment"},
    {PVH, 0xb4, 4, 0xffffffff, "a note reaches past the end of its segment"},
    {PVH, 0xc4, 4, 0xfffffffd, "a note reaches past the end of its segment"},
    {PVH, 0xc8, 4, 9, "a note reaches past the end of its segment"},
    {PVH, 0xc8, 4, 2, "PVH note has 2 bytes of entry"},
    {PVH, 0xd4, 8, 0x100010, "entry 0x100010 is in none"},
    {PVH, 0xd4, 8, 0x100100008, "entry 0x100100008 is in none"},
    {PVH, 0xcc, 4, 17, NULL}, /* another note: a plain ELF file */
    {PVH, 0xd0, 1, 'Y', NULL},
};

START_TEST(a_damaged_field_is_named_in_a_sentence)
{
    const struct damage *damage = &damages[_i];
    struct hex_image image;
    int result;

    read_image(damage->name, &image);
    for (unsigned i = 0; i < damage->width; i++)
        image.bytes[damage->offset + i] = (uint8_t)(damage->value >> 8 * i);
    result = load_bytes(image.bytes, image.size);
    if (damage->sentence)
        check_refused(result, damage->sentence);
    else
        ck_assert_msg(result == 0, "%s", error.text);
}
END_TEST

/* elf64.hex with (count) copies of its first program header at the end, each 4 KiB further on. */
static size_t make_many(uint8_t *bytes, uint16_t count)
{
    struct hex_image image;
    uint64_t table = 0x100;

    read_image(ELF64, &image);
    memcpy(bytes, image.bytes, image.size);
    memcpy(bytes + 0x20, &table, sizeof(table));
    memcpy(bytes + 0x38, &count, sizeof(count));
    for (unsigned i = 0; i < count; i++) {
        uint64_t address = BOOT_LOAD + i * PAGE_SIZE;

        memcpy(bytes + table + i * 56, image.bytes + 0x40, 56);
        memcpy(bytes + table + i * 56 + 0x18, &address, sizeof(address));
    }
    return table + count * 56u;
}

/* p_filesz and p_memsz of the second segment are 0: where it goes does not matter. */
START_TEST(a_segment_of_no_bytes_is_none)
{
    struct hex_image image;

    read_image(ELF64, &image);
    memset(image.bytes + 0x98, 0, 16);
    memset(image.bytes + 0x90, 0xff, 8);
    ck_assert_msg(load_bytes(image.bytes, image.size) == 0, "%s", error.text);
}
END_TEST

START_TEST(there_is_a_most_of_segments)
{
    uint8_t bytes[8192];

    ck_assert_int_eq(load_bytes(bytes, make_many(bytes, 64)), 0);
    check_refused(load_bytes(bytes, make_many(bytes, 65)), "more than 64 segments");
}
END_TEST

START_TEST(notes_that_are_too_many_to_search_are_refused)
{
    const size_t size = 128 * KIB;
    uint8_t *bytes = calloc(1, size);
    const uint64_t notes = 64 * KIB + 1;
    struct hex_image image;

    ck_assert_ptr_nonnull(bytes);
    read_image(PVH, &image);
    memcpy(bytes, image.bytes, image.size);
    memcpy(bytes + 0x98, &notes, sizeof(notes));
    check_refused(load_bytes(bytes, size), "its notes have 65537 bytes");
    free(bytes);
}
END_TEST

START_TEST(an_entry_above_4_gib_is_refused)
{
    const uint64_t high = MEMORY_HIGH;
    struct hex_image image;

    memory_finish(&memory);
    ck_assert_int_eq(memory_init(&memory, 4 * GIB, NULL), 0);
    read_image("elf64-high-half.hex", &image);
    memcpy(image.bytes + 0x58, &high, sizeof(high));
    check_refused(load_bytes(image.bytes, image.size), "entry 0x100000004 is above 4 GiB");
}
END_TEST

START_TEST(nothing_is_loaded_where_a_later_segment_is_refused)
{
    struct hex_image image;

    read_image(ELF64, &image);
    image.bytes[0x92] = 0x09; /* the second one to 0x90020 */
    check_refused(load_bytes(image.bytes, image.size), "overlap the boot area");
    ck_assert(is_filled(0x100000, PAGE_SIZE, 0));
}
END_TEST

static const struct {
    const char *name;
    struct loader_request request;
    const char *sentence; /* NULL: allowed */
} requests[] = {
    {ELF64,
     {.has_load = true, .load = 0x100000},
     "this ELF file says where it goes; leave out --load"},
    {MB32, {.has_load = true, .load = 0}, "this Multiboot image says where it goes"},
    {PVH,
     {.has_entry = true, .entry = 0},
     "this PVH image says where it begins; leave out --entry"},
    {ELF64, {.has_mode = true, .mode = X86_REAL}, "begins in long mode; leave out --mode"},
    {ELF64, {.has_mode = true, .mode = X86_PROTECTED}, "begins in long mode; leave out --mode"},
    {ELF64, {.has_mode = true, .mode = X86_LONG}, NULL},
    {ELF64, {.mode = X86_REAL}, NULL},
    {ELF32, {.has_mode = true, .mode = X86_LONG}, "begins in protected mode; leave out --mode"},
    {ELF32, {.has_mode = true, .mode = X86_PROTECTED}, NULL},
    {PVH, {.has_mode = true, .mode = X86_LONG}, "this PVH image begins in protected mode"},
};

START_TEST(an_image_that_says_how_it_starts_is_not_contradicted)
{
    struct hex_image image;
    struct loader_file file = {.path = "image"};
    int result;

    read_image(requests[_i].name, &image);
    file.bytes = image.bytes;
    file.size = image.size;
    result = loader_load_files(&memory, &requests[_i].request, &file, NULL, &start, &error);
    if (requests[_i].sentence)
        check_refused(result, requests[_i].sentence);
    else
        ck_assert_int_eq(result, 0);
}
END_TEST

Suite *loader_images_suite(void)
{
    Suite *suite = suite_create("loader_images");
    TCase *tcase = tcase_create("loader_images");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, each_image_comes_to_what_it_says);
    tcase_add_loop_test(tcase, an_image_cut_off_anywhere_is_refused, 0, COUNT(whole));
    tcase_add_loop_test(tcase, an_image_with_any_byte_changed_is_loaded_or_refused, 0,
                        COUNT(whole));
    tcase_add_test(tcase, segments_go_where_they_say_and_zeros_behind_them);
    tcase_add_test(tcase, a_raw_multiboot_image_goes_where_its_header_says);
    tcase_add_test(tcase, a_raw_multiboot_image_without_an_end_is_loaded_to_its_last_byte);
    tcase_add_loop_test(tcase, each_format_has_its_own_contract_for_the_start, 0, COUNT(contracts));
    tcase_add_test(tcase, multiboot_comes_before_pvh);
    tcase_add_loop_test(tcase, a_multiboot_header_counts_where_its_specification_has_it, 0,
                        COUNT(searches));
    tcase_add_loop_test(tcase, a_damaged_field_is_named_in_a_sentence, 0, COUNT(damages));
    tcase_add_test(tcase, a_segment_of_no_bytes_is_none);
    tcase_add_test(tcase, there_is_a_most_of_segments);
    tcase_add_test(tcase, notes_that_are_too_many_to_search_are_refused);
    tcase_add_test(tcase, an_entry_above_4_gib_is_refused);
    tcase_add_test(tcase, nothing_is_loaded_where_a_later_segment_is_refused);
    tcase_add_loop_test(tcase, an_image_that_says_how_it_starts_is_not_contradicted, 0,
                        COUNT(requests));
    suite_add_tcase(suite, tcase);
    return suite;
}
