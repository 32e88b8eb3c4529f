/* Interrupt lines and messages, with a sink that writes down what reaches it. */
#include "vmm/io/irq.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

Suite *irq_suite(void);

static struct irq_hub hub;
static char seen[256]; /* "GSI+ " for up, "GSI- " for down, "ADDRESS=DATA " for a message */

static void note_set(void *opaque, unsigned gsi, bool level)
{
    char *text = opaque;
    size_t used = strlen(text);

    snprintf(text + used, sizeof(seen) - used, "%u%c ", gsi, level ? '+' : '-');
}

static void note_message(void *opaque, uint64_t address, uint32_t data)
{
    char *text = opaque;
    size_t used = strlen(text);

    snprintf(text + used, sizeof(seen) - used, "%" PRIx64 "=%x ", address, data);
}

static void setup(void)
{
    seen[0] = '\0';
    irq_init(&hub);
    hub.sink = (struct irq_sink){.set = note_set, .message = note_message, .opaque = seen};
}

static void teardown(void)
{
    irq_finish(&hub);
}

START_TEST(a_line_tells_each_change_once)
{
    struct irq_line line;

    ck_assert_int_eq(irq_connect(&hub, &line, 4, false, NULL), 0);
    irq_set(&line, false);
    irq_set(&line, true);
    irq_set(&line, true);
    irq_set(&line, false);
    irq_set(&line, false);
    ck_assert_str_eq(seen, "4+ 4- ");
}
END_TEST

START_TEST(a_shared_gsi_is_up_while_any_of_its_lines_is)
{
    struct irq_line one, two;

    irq_connect(&hub, &one, 10, true, NULL);
    irq_connect(&hub, &two, 10, true, NULL);
    irq_set(&one, true);
    irq_set(&two, true);
    irq_set(&one, false);
    ck_assert_str_eq(seen, "10+ ");
    irq_set(&two, false);
    ck_assert_str_eq(seen, "10+ 10- ");
}
END_TEST

START_TEST(only_a_device_that_cannot_do_without_asks_for_controllers)
{
    struct irq_line line;

    irq_connect(&hub, &line, 4, false, NULL);
    ck_assert(!hub.needed);
    irq_connect(&hub, &line, 4, true, NULL);
    ck_assert(hub.needed);
    irq_connect(&hub, &line, 4, false, NULL);
    ck_assert(hub.needed);
}
END_TEST

START_TEST(a_gsi_that_does_not_exist_is_refused)
{
    struct irq_line line = {0};
    struct error error;

    ck_assert_int_eq(irq_connect(&hub, &line, IRQ_GSIS, false, &error), -EINVAL);
    ck_assert_str_eq(error.text, "there is no interrupt 24; give one below 24");
    ck_assert_int_eq(irq_connect(&hub, &line, IRQ_GSIS - 1, false, &error), 0);
}
END_TEST

START_TEST(a_line_to_nowhere_does_no_harm)
{
    struct irq_line line = {0};

    irq_set(&line, true);
    irq_set(&line, false);
    ck_assert_str_eq(seen, "");
}
END_TEST

START_TEST(without_a_sink_lines_and_messages_are_dropped)
{
    struct irq_line line;

    hub.sink = (struct irq_sink){0};
    irq_connect(&hub, &line, 4, false, NULL);
    irq_set(&line, true);
    irq_send_message(&hub, 0xfee00000, 0x41);
    ck_assert_str_eq(seen, "");
}
END_TEST

START_TEST(a_message_arrives_as_it_was_sent)
{
    irq_send_message(&hub, 0xfee01000, 0x4041);
    ck_assert_str_eq(seen, "fee01000=4041 ");
}
END_TEST

Suite *irq_suite(void)
{
    Suite *suite = suite_create("irq");
    TCase *tcase = tcase_create("irq");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_line_tells_each_change_once);
    tcase_add_test(tcase, a_shared_gsi_is_up_while_any_of_its_lines_is);
    tcase_add_test(tcase, only_a_device_that_cannot_do_without_asks_for_controllers);
    tcase_add_test(tcase, a_gsi_that_does_not_exist_is_refused);
    tcase_add_test(tcase, a_line_to_nowhere_does_no_harm);
    tcase_add_test(tcase, without_a_sink_lines_and_messages_are_dropped);
    tcase_add_test(tcase, a_message_arrives_as_it_was_sent);
    suite_add_tcase(suite, tcase);
    return suite;
}
