/* Text that grows: the written forms of numbers, quoted strings and bytes. */
#include "vmm/base/text.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *text_suite(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct text text;

static void setup(void)
{
    text = (struct text){0};
}

static void teardown(void)
{
    text_free(&text);
}

static void check_text(const char *wanted)
{
    ck_assert_msg(text.used == strlen(wanted) &&
                      (text.used == 0 || memcmp(text.bytes, wanted, text.used) == 0),
                  "'%.*s' instead of '%s'", (int)text.used, text.bytes, wanted);
    ck_assert(!text.failed);
}

START_TEST(a_text_is_empty_at_first)
{
    ck_assert_uint_eq(text.used, 0);
    ck_assert_ptr_null(text.bytes);
}
END_TEST

START_TEST(strings_and_bytes_are_put_behind_each_other)
{
    text_append_string(&text, "out ");
    text_append(&text, "0x3f8 and more", 5);
    text_append_string(&text, "");
    text_append_string(&text, " 1");
    check_text("out 0x3f8 1");
}
END_TEST

START_TEST(bytes_may_be_zero)
{
    text_append(&text, "a\0b", 3);
    ck_assert_uint_eq(text.used, 3);
    ck_assert_mem_eq(text.bytes, "a\0b", 3);
}
END_TEST

START_TEST(nothing_can_be_put_into_an_empty_text)
{
    text_append(&text, "", 0);
    text_append_bytes(&text, "", 0);
    text_append_escaped(&text, "", 0);
    check_text("");
}
END_TEST

static const struct {
    uint64_t value;
    const char *hex, *decimal;
} numbers[] = {
    {0, "0x0", "0"},
    {9, "0x9", "9"},
    {10, "0xa", "10"},
    {0x41, "0x41", "65"},
    {0xfedcba98, "0xfedcba98", "4275878552"},
    {1ull << 63, "0x8000000000000000", "9223372036854775808"},
    {UINT64_MAX, "0xffffffffffffffff", "18446744073709551615"},
};

START_TEST(a_hexadecimal_number_is_written_without_leading_zeros)
{
    text_append_hex(&text, numbers[_i].value);
    check_text(numbers[_i].hex);
}
END_TEST

START_TEST(a_decimal_number_is_written_without_leading_zeros)
{
    text_append_decimal(&text, numbers[_i].value);
    check_text(numbers[_i].decimal);
}
END_TEST

/* The quoted form of (byte), as in docs/exits.md. */
static void wanted_escape(char *to, size_t size, int byte)
{
    switch (byte) {
    case '\n':
        snprintf(to, size, "\\n");
        return;
    case '\t':
        snprintf(to, size, "\\t");
        return;
    case '"':
    case '\\':
        snprintf(to, size, "\\%c", byte);
        return;
    default:
        snprintf(to, size, byte >= 0x20 && byte <= 0x7e ? "%c" : "\\x%02x", byte);
    }
}

START_TEST(a_byte_in_quotes_is_itself_if_it_can_be_read_there)
{
    for (int value = 0; value < 256; value++) {
        const char byte = (char)value;
        char wanted[8], escape[TEXT_ESCAPE_MAX];

        wanted_escape(wanted, sizeof(wanted), value);
        text_clear(&text);
        text_append_escaped(&text, &byte, 1);
        check_text(wanted);
        ck_assert_uint_eq(text_escape(escape, byte), strlen(wanted));
        ck_assert_mem_eq(escape, wanted, strlen(wanted));
    }
}
END_TEST

START_TEST(bytes_in_quotes_are_escaped_one_by_one)
{
    text_append_string(&text, "\"");
    text_append_escaped(&text, "say \"hi\"\n\0\x7f", 11);
    text_append_string(&text, "\"");
    check_text("\"say \\\"hi\\\"\\n\\x00\\x7f\"");
}
END_TEST

START_TEST(bytes_are_two_digits_each)
{
    text_append_bytes(&text, "Hi\n\0\xff", 5);
    check_text("48690a00ff");
}
END_TEST

START_TEST(for_people_bytes_are_shown_where_they_can_be_read)
{
    text_append_ascii(&text, "Hi |\"#~\n\0\x7f\xff", 11);
    check_text("|Hi |\"#~....|");
}
END_TEST

START_TEST(a_cleared_text_is_empty_and_keeps_its_room)
{
    const char *bytes;
    size_t room;

    text_append_string(&text, "something");
    bytes = text.bytes;
    room = text.room;
    text_clear(&text);
    check_text("");
    ck_assert_ptr_eq(text.bytes, bytes);
    ck_assert_uint_eq(text.room, room);
    text_append_string(&text, "else");
    check_text("else");
}
END_TEST

START_TEST(a_freed_text_can_be_used_again)
{
    text_append_string(&text, "something");
    text_free(&text);
    check_text("");
    text_append_string(&text, "else");
    check_text("else");
}
END_TEST

/* Pieces of all lengths, so that every way of meeting the end of the room comes up. */
START_TEST(a_text_grows_and_keeps_what_it_has)
{
    static char all[200000];
    size_t used = 0;

    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)(i * 31 + i / 256);
    for (size_t length = 0; used + length <= sizeof(all); used += length, length++)
        text_append(&text, all + used, length);
    ck_assert_uint_eq(text.used, used);
    ck_assert_mem_eq(text.bytes, all, used);
    ck_assert_uint_ge(text.room, text.used);
}
END_TEST

START_TEST(every_form_may_be_the_one_that_fills_the_room)
{
    for (unsigned fill = 200; fill < 260; fill++) {
        char wanted[600];

        memset(wanted, '.', fill);
        text_free(&text);
        text_append(&text, wanted, fill);
        text_append_hex(&text, UINT64_MAX);
        text_append_decimal(&text, UINT64_MAX);
        text_append_escaped(&text, "\1\2", 2);
        text_append_bytes(&text, "\1\2", 2);
        text_append_ascii(&text, "ab", 2);
        strcpy(wanted + fill, "0xffffffffffffffff18446744073709551615\\x01\\x020102|ab|");
        check_text(wanted);
    }
}
END_TEST

Suite *text_suite(void)
{
    Suite *suite = suite_create("text");
    TCase *tcase = tcase_create("text");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_text_is_empty_at_first);
    tcase_add_test(tcase, strings_and_bytes_are_put_behind_each_other);
    tcase_add_test(tcase, bytes_may_be_zero);
    tcase_add_test(tcase, nothing_can_be_put_into_an_empty_text);
    tcase_add_loop_test(tcase, a_hexadecimal_number_is_written_without_leading_zeros, 0,
                        COUNT(numbers));
    tcase_add_loop_test(tcase, a_decimal_number_is_written_without_leading_zeros, 0,
                        COUNT(numbers));
    tcase_add_test(tcase, a_byte_in_quotes_is_itself_if_it_can_be_read_there);
    tcase_add_test(tcase, bytes_in_quotes_are_escaped_one_by_one);
    tcase_add_test(tcase, bytes_are_two_digits_each);
    tcase_add_test(tcase, for_people_bytes_are_shown_where_they_can_be_read);
    tcase_add_test(tcase, a_cleared_text_is_empty_and_keeps_its_room);
    tcase_add_test(tcase, a_freed_text_can_be_used_again);
    tcase_add_test(tcase, a_text_grows_and_keeps_what_it_has);
    tcase_add_test(tcase, every_form_may_be_the_one_that_fills_the_room);
    suite_add_tcase(suite, tcase);
    return suite;
}
