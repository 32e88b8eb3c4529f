/*
 * The recorder: what a run's stream looks like, and that a replay of it comes to the same, wherever
 * the recording was cut off; and to something else once any of it was changed.
 */
#include "vmm/record/recorder.h"

#include "guest/abi/edu.h"
#include "guest/abi/pci.h"
#include "guest/abi/ptlcall.h"
#include "tests/unit/needs.h"
#include "tests/unit/recording.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Suite *recorder_suite(void);

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct recording recording;
static struct replay_result result;

static void teardown(void)
{
    recording_end(&recording);
}

/* ---- a busy guest ---- */

#define EDU_SLOT      1
#define PTLCALL_SLOT  2
#define EDU_BAR       0xe0000000u /* where BARs are placed at start */
#define PTLCALL_BAR   0xe0100000u
#define PTLCALL_IO    0xc000u
#define AREA          0x100000u /* of each vCPU: 1 MiB */
#define LIST          0x80000u  /* descriptors in there */
#define EXIT_LINE_MAX 6000

#define DEVICES                                                                                    \
    "device serial,irq=4\n"                                                                        \
    "device ptlcall\n"                                                                             \
    "device pci-host\n"                                                                            \
    "device edu\n"                                                                                 \
    "device ptlcall-pci\n"                                                                         \
    "device cmos\n"                                                                                \
    "device fw_cfg\n"                                                                              \
    "device post\n"

/* One vCPU's code: numbers from a seed determine its actions. */
struct guest {
    unsigned id;
    uint64_t state;
    uint64_t area; /* memory that no other vCPU uses */
    bool dma;      /* may use edu's DMA, which goes into this vCPU's memory */
    uint64_t root; /* of page tables that map memory to itself */
};

static void guest_init(struct guest *guest, unsigned id, uint64_t root)
{
    *guest = (struct guest){
        .id = id,
        .state = 88172645463325252u + id,
        .area = AREA * (id + 1),
        .dma = id == 0,
        .root = root,
    };
}

/* Marsaglia's xorshift with 64 bits. */
static unsigned pick(struct guest *guest, unsigned below)
{
    guest->state ^= guest->state << 13;
    guest->state ^= guest->state >> 7;
    guest->state ^= guest->state << 17;
    return (unsigned)(guest->state >> 33) % below;
}

static void have(struct guest *guest, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void have(struct guest *guest, const char *format, ...)
{
    char line[EXIT_LINE_MAX];
    int length = snprintf(line, sizeof(line), "@%u ", guest->id);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line + length, sizeof(line) - (size_t)length, format, arguments);
    va_end(arguments);
    recording_exit(&recording, line);
}

static void use_serial(struct guest *guest)
{
    const unsigned offset = pick(guest, 8);

    switch (pick(guest, 4)) {
    case 0:
        have(guest, "outs 0x3f8 1 \"line %u of \\\"%u\\\"\\n and \\xff more\"", pick(guest, 100),
             guest->id);
        break;
    case 1:
        have(guest, "ins 0x3f8 1 %u", 1 + pick(guest, 20));
        break;
    case 2:
        have(guest, "out 0x%x 1 0x%x", 0x3f8 + offset,
             pick(guest, 256) & (offset == 4 ? 0xf : 0xff));
        break;
    default:
        have(guest, "in 0x%x 1", 0x3f8 + offset);
    }
}

static void set_register(struct guest *guest, enum vcpu_register reg, uint64_t value)
{
    vcpu_set_register(&recording.machine.vcpus[guest->id], reg, value);
}

/* Paging off, or on in 64-bit mode, or 32-bit code. */
static void choose_mode(struct guest *guest)
{
    const unsigned mode = pick(guest, 4);

    set_register(guest, VCPU_CR0, X86_CR0_PE | (mode == 0 ? X86_CR0_PG : 0));
    set_register(guest, VCPU_CR4, X86_CR4_PAE);
    set_register(guest, VCPU_CR3, guest->root);
    set_register(guest, VCPU_EFER, mode == 3 ? 0 : X86_EFER_LME | X86_EFER_LMA);
    set_register(guest, VCPU_CS_L, mode == 3 ? 0 : 1);
}

/* Where a text of the guest's lies: of changing bytes, a list of commands, or a name. */
static uint64_t put_text(struct guest *guest, uint64_t *length)
{
    static const char *const texts[] = {
        "hello",        "say \"hi\"\n\t\\#",     "-run\n-stop", "-stopinsns 5\n-corefreq 2g",
        "\x01\xff\x80", "-snapshot-now\n-go #1", "-nothing=1",  "a/b",
    };
    const char *text = texts[pick(guest, COUNT(texts))];
    const uint64_t at = guest->area + pick(guest, 0x10000);

    *length = strlen(text);
    recording_put(&recording, at, text, strlen(text));
    return at;
}

/* A list of as many strings that its reads are more than a recorder remembers. */
static void put_list(struct guest *guest)
{
    const unsigned count = pick(guest, 3) ? 1 + pick(guest, 3) : 60;

    for (unsigned i = 0; i < count; i++) {
        struct ptlcall_descriptor descriptor;

        descriptor.string = put_text(guest, &descriptor.length);
        recording_put(&recording, guest->area + LIST + i * sizeof(descriptor), &descriptor,
                      sizeof(descriptor));
    }
    set_register(guest, VCPU_RDI, guest->area + LIST);
    set_register(guest, VCPU_RSI, count);
}

static void put_call(struct guest *guest)
{
    const unsigned op = pick(guest, PTLCALL_OPS + 1);
    uint64_t length;

    choose_mode(guest);
    set_register(guest, VCPU_RAX, op);
    if (op == PTLCALL_OP_ENQUEUE) {
        put_list(guest);
        return;
    }
    set_register(guest, VCPU_RDI, put_text(guest, &length));
    set_register(guest, VCPU_RSI, length);
    set_register(guest, VCPU_RDX, guest->area + 0x20000 + pick(guest, 2));
    set_register(guest, VCPU_R10, pick(guest, 4) ? 4 : 0);
    recording_put(&recording, guest->area + 0x20000, "core5", 5);
}

static void use_ptlcall(struct guest *guest)
{
    put_call(guest);
    switch (pick(guest, 4)) {
    case 0:
        have(guest, "store 0x%llx 4 0x1", PTLCALL_DEFAULT_TRIGGER);
        break;
    case 1:
        have(guest, "out 0x%x 1 0x0", PTLCALL_DEFAULT_PORT);
        break;
    case 2:
        have(guest, "store 0x%x 8 0x1", PTLCALL_BAR);
        break;
    default:
        have(guest, "out 0x%x 2 0x0", PTLCALL_IO);
    }
}

static void use_edu(struct guest *guest)
{
    static const unsigned registers[] = {EDU_IDENTIFICATION, EDU_LIVENESS, EDU_FACTORIAL,
                                         EDU_STATUS,         EDU_RAISE,    EDU_ACKNOWLEDGE,
                                         EDU_INTERRUPTS,     EDU_DMA_COUNT};
    const unsigned reg = registers[pick(guest, COUNT(registers))];

    if (pick(guest, 2))
        have(guest, "store 0x%x 4 0x%x", EDU_BAR + reg, pick(guest, 40));
    else
        have(guest, "load 0x%x %u", EDU_BAR + reg, pick(guest, 8) ? 4 : 2);
}

static void use_dma(struct guest *guest)
{
    const uint64_t at = guest->area + 0x30000 + pick(guest, 0x2000);
    const uint8_t bytes[] = {(uint8_t)pick(guest, 256), 0, (uint8_t)pick(guest, 3), 0x41};
    const bool from_edu = pick(guest, 2);

    if (!guest->dma)
        return;
    recording_put(&recording, at + pick(guest, 64), bytes, sizeof(bytes));
    have(guest, "store 0x%x 8 0x%" PRIx64, EDU_BAR + EDU_DMA_SOURCE,
         from_edu ? EDU_BUFFER + pick(guest, 256) : at);
    have(guest, "store 0x%x 8 0x%" PRIx64, EDU_BAR + EDU_DMA_DESTINATION,
         from_edu ? at : EDU_BUFFER + pick(guest, 256));
    have(guest, "store 0x%x 8 0x%x", EDU_BAR + EDU_DMA_COUNT, pick(guest, 200));
    have(guest, "store 0x%x 8 0x%x", EDU_BAR + EDU_DMA_COMMAND,
         EDU_DMA_START | (from_edu ? EDU_DMA_FROM_EDU : 0) |
             (pick(guest, 2) ? EDU_DMA_INTERRUPT : 0));
}

static void use_pci(struct guest *guest)
{
    const unsigned slot = pick(guest, 5);

    have(guest, "out 0x%x 4 0x%x", PCI_PORT_ADDRESS,
         PCI_ADDRESS_ENABLE | slot << 11 | (pick(guest, 256) & 0xfc));
    have(guest, "in 0x%x %u", PCI_PORT_DATA, 1u << pick(guest, 3));
}

static void use_pc(struct guest *guest)
{
    switch (pick(guest, 5)) {
    case 0:
        have(guest, "out 0x70 1 0x%x", pick(guest, 0x40));
        have(guest, "in 0x71 1");
        break;
    case 1:
        have(guest, "out 0x510 2 0x%x", pick(guest, 0x22));
        have(guest, "ins 0x511 1 %u", 1 + pick(guest, 100));
        break;
    case 2:
        have(guest, "out 0x80 1 0x%x", pick(guest, 256));
        break;
    case 3:
        have(guest, "rdmsr 0x%x", pick(guest, 1000));
        break;
    default:
        have(guest, "load 0x%x %u", 0x50000000 + pick(guest, 16), 1u << pick(guest, 4));
    }
}

static void step(struct guest *guest)
{
    static void (*const steps[])(struct guest *) = {use_serial, use_ptlcall, use_edu,
                                                    use_dma,    use_pci,     use_pc};

    steps[pick(guest, COUNT(steps))](guest);
}

/* Devices as they are after the firmware: edu may do DMA. Gives the page tables' root. */
static uint64_t start_machine(const char *header)
{
    uint64_t root = 0;

    recording_begin(&recording, header);
    ck_assert_int_eq(x86_write_page_tables(&recording.machine.memory, NULL, 0, &root, NULL), 0);
    recording_exit(&recording, "out 0xcf8 4 0x80000804");
    recording_exit(&recording, "out 0xcfc 2 0x0006");
    return root;
}

static void run_busy_guest(unsigned steps)
{
    struct guest guest;

    guest_init(&guest, 0, start_machine(DEVICES));
    for (unsigned i = 0; i < steps; i++) {
        char keys[] = {(char)('a' + i % 26), (char)i, '\0'};

        if (i % 16 == 5)
            recording_type(&recording, keys);
        step(&guest);
    }
    have(&guest, "hlt");
}

/* ---- the lines around the exits ---- */

START_TEST(a_recording_is_the_machine_its_exits_and_its_end)
{
    const char *times;

    recording_begin(&recording, "machine memory=2M cpus=2\ndevice serial,irq=4\n");
    recording_exit(&recording, "@1 hlt");
    recording_finish(&recording);
    times = strstr(recording.text, " ; ");
    ck_assert_ptr_nonnull(times);
    ck_assert_int_eq(strncmp(recording.text,
                             "exits 1\nrecorded \"test\"\nmachine memory=2097152 cpus=2\n"
                             "device serial,irq=4\nstart 1\n@1 hlt ; ",
                             (size_t)(times + 3 - recording.text)),
                     0);
    ck_assert_str_eq(strchr(times, '\n'), "\n> end guest 0\nended guest\ndone 1\n");
}
END_TEST

START_TEST(a_run_without_exits_is_a_recording_too)
{
    recording_begin(&recording, NULL);
    machine_stop(&recording.machine, OUTCOME_INTERRUPTED);
    recording_check_replay(&recording, &result);
    ck_assert_str_eq(recording.text, "exits 1\nrecorded \"test\"\nmachine memory=16777216 cpus=1\n"
                                     "start 1\nended interrupted\ndone 0\n");
    ck_assert_uint_eq(result.exits, 0);
}
END_TEST

static const struct {
    const char *report, *wanted;
} reports[] = {
    {"", ""},
    {"a", "report \"a\"\n"},
    {"a\n", "report \"a\"\n"},
    {"a\n\n\"b\"\n", "report \"a\"\nreport \"\"\nreport \"\\\"b\\\"\"\n"},
    {"\n", "report \"\"\n"},
    {"a\tb # \x01", "report \"a\\tb # \\x01\"\n"},
};

START_TEST(each_line_of_a_crash_report_is_a_line_of_the_recording)
{
    struct text report = {0};
    char wanted[256], found[256] = "";

    recording_begin(&recording, NULL);
    text_append_string(&report, reports[_i].report);
    ck_assert_int_eq(recorder_finish(recording.recorder, &recording.machine, &report), 0);
    text_free(&report);
    snprintf(wanted, sizeof(wanted), "start 1\nended none\n%sdone 0\n", reports[_i].wanted);
    ck_assert_int_gt(pread(recording.file, found, sizeof(found) - 1, 0), 0);
    ck_assert_str_eq(strstr(found, "start 1"), wanted);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_told_at_the_end)
{
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    const struct text empty = {0}, header = {.bytes = (char[]){"exits 1\n"}, .used = 8};
    struct recorder *recorder;

    recording_begin(&recording, NULL);
    recorder = recorder_create(full, 1, NULL);
    ck_assert_ptr_nonnull(recorder);
    recorder_begin(recorder, &header);
    ck_assert_int_eq(recorder_finish(recorder, &recording.machine, &empty), -ENOSPC);
    recorder_destroy(recorder);
    close(full);
}
END_TEST

/* As of a monitor that was killed. */
START_TEST(a_recorder_that_was_not_finished_leaves_a_recording_that_broke_off)
{
    const struct text header = {.bytes = (char[]){"exits 1\nrecorded\n"}, .used = 17};
    struct text_file file;
    struct recorder *recorder;

    recording_begin(&recording, NULL);
    text_file_make_string(&file, "");
    recorder = recorder_create(file.fd, 1, NULL);
    ck_assert_ptr_nonnull(recorder);
    recorder_begin(recorder, &header);
    ck_assert(journal_begin_typed(recorder_journal(recorder)));
    journal_end_typed(recorder_journal(recorder), NULL, "", 0);
    recorder_destroy(recorder);
    replay_file(&file, &result);
    text_file_close(&file);
    ck_assert_int_eq(result.result, 1);
    ck_assert(result.broken_off);
}
END_TEST

/* ---- replays that agree ---- */

START_TEST(a_replay_of_a_busy_guest_agrees)
{
    run_busy_guest(3000);
    recording_check_replay(&recording, &result);
    ck_assert_uint_ge(result.exits, 3000);
    ck_assert_uint_ge(result.effects, 3000);
}
END_TEST

START_TEST(a_recording_has_what_such_a_guest_can_make_of_it)
{
    static const char *const wanted[] = {
        "\n< regs ",
        "\n< memory ",
        "\n< clock ",
        "\n< wall ",
        "\n< tsc ",
        "\n> data ",
        "\n> rax ",
        "\n> memory ",
        "\n> irq ",
        "\n> log ",
        "\n> file ",
        "\n> console ",
        "\n> post ",
        "\n> unclaimed",
        "\n> fault",
        "\n> marker ",
        "\n> log ptlcall-pci.0 ",
    };

    run_busy_guest(3000);
    recording_finish(&recording);
    for (size_t i = 0; i < COUNT(wanted); i++)
        ck_assert_msg(strstr(recording.text, wanted[i]) != NULL, "no%s", wanted[i]);
}
END_TEST

/* The end of the file comes while the guest reads, and its rest after an exit. */
START_TEST(input_that_came_from_a_file_is_there_without_the_file)
{
    struct text_file input;
    char header[128], keys[1001];

    for (unsigned i = 0; i < sizeof(keys); i++)
        keys[i] = (char)('a' + i % 26);
    text_file_make(&input, keys, sizeof(keys) - 1);
    snprintf(header, sizeof(header), "device serial,in=%s\n", input.path);
    recording_begin(&recording, header);
    text_file_close(&input);
    for (unsigned i = 0; i < 300; i++)
        recording_exit(&recording, i % 3 ? "ins 0x3f8 1 5" : "in 0x3fd 1");
    recording_check_replay(&recording, &result);
}
END_TEST

/* More of the file than the console's ring holds, in one exit. */
START_TEST(a_string_may_read_more_than_the_ring_holds)
{
    struct text_file input;
    char header[128], keys[1000];

    memset(keys, 'k', sizeof(keys));
    text_file_make(&input, keys, sizeof(keys));
    snprintf(header, sizeof(header), "device serial,in=%s\n", input.path);
    recording_begin(&recording, header);
    text_file_close(&input);
    recording_exit(&recording, "ins 0x3f8 1 800");
    recording_check_replay(&recording, &result);
}
END_TEST

START_TEST(a_string_may_ask_for_the_date_more_often_than_64_times)
{
    recording_begin(&recording, "device cmos\n");
    recording_exit(&recording, "ins 0x71 1 300");
    recording_check_replay(&recording, &result);
}
END_TEST

/* A call whose log takes many writes, all of which fail. */
START_TEST(an_exit_may_fail_more_often_than_64_times)
{
    static const char commands[] =
        "-run\n-stop\n-run\n-stop\n-run\n-stop\n-run\n-stop\n-run\n-stop\n"
        "-run\n-stop\n-run\n-stop\n-run\n-stop\n-run\n-stop\n-run\n-stop";
    const struct ptlcall_descriptor descriptor = {AREA, sizeof(commands) - 1};
    struct guest guest;

    recording_begin(&recording, "device ptlcall,log=/dev/full\n");
    guest_init(&guest, 0, 0);
    recording_put(&recording, AREA, commands, sizeof(commands) - 1);
    recording_put(&recording, AREA + LIST, &descriptor, sizeof(descriptor));
    set_register(&guest, VCPU_RAX, PTLCALL_OP_ENQUEUE);
    set_register(&guest, VCPU_RDI, AREA + LIST);
    set_register(&guest, VCPU_RSI, 1);
    for (unsigned i = 0; i < 6; i++)
        recording_exit(&recording, "out 0xe0 1 0x0");
    recording_finish(&recording);
    ck_assert_ptr_nonnull(strstr(recording.text, "\n< result log 65 28\n"));
    recording_check_replay(&recording, &result);
}
END_TEST

static void dump(uint64_t size)
{
    struct guest guest;

    guest_init(&guest, 0, 0);
    set_register(&guest, VCPU_RAX, PTLCALL_OP_CORE_DUMP);
    set_register(&guest, VCPU_RDI, AREA);
    set_register(&guest, VCPU_RSI, size);
    set_register(&guest, VCPU_RDX, 0x8000);
    set_register(&guest, VCPU_R10, 3);
    recording_put(&recording, 0x8000, "run", 3);
    recording_exit(&recording, "out 0xe0 1 0x0");
}

START_TEST(an_exit_that_reads_a_megabyte_agrees)
{
    static uint8_t bytes[MIB];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    recording_begin(&recording, "device ptlcall\n");
    recording_put(&recording, AREA, bytes, sizeof(bytes));
    dump(sizeof(bytes));
    dump(sizeof(bytes));
    recording_check_replay(&recording, &result);
    ck_assert_uint_eq(result.exits, 2);
}
END_TEST

START_TEST(a_dump_that_the_end_of_the_machine_cut_off_agrees)
{
    recording_begin(&recording, "device ptlcall\n");
    machine_stop(&recording.machine, OUTCOME_TIMEOUT);
    dump(MIB);
    recording_finish(&recording);
    ck_assert_ptr_nonnull(strstr(recording.text, "the machine ended"));
    recording_check_replay(&recording, &result);
}
END_TEST

START_TEST(a_full_disk_is_full_in_a_replay_too)
{
    recording_begin(&recording, "device ptlcall\n");
    close(recording.machine.out_dir_fd);
    recording.machine.out_dir_fd = -1;
    dump(5000);
    recording_finish(&recording);
    ck_assert_ptr_nonnull(strstr(recording.text, "\n< result "));
    recording_check_replay(&recording, &result);
}
END_TEST

START_TEST(exits_without_data_agree)
{
    static const char *const lines[] = {"intr",     "irq-window", "system-event 2",
                                        "other 99", "exception",  "internal-error",
                                        "debug",    "shutdown"};

    recording_begin(&recording, NULL);
    for (size_t i = 0; i < COUNT(lines); i++)
        recording_exit(&recording, lines[i]);
    recording_check_replay(&recording, &result);
    ck_assert_uint_eq(result.exits, COUNT(lines));
}
END_TEST

/* ---- two vCPUs at the same time ---- */

#define STEPS 400

static void *run_vcpu(void *argument)
{
    for (unsigned i = 0; i < STEPS; i++) {
        step(argument);
        if (i % 16 == 0)
            usleep(100); /* so that there are moments without an exit, in which to type */
    }
    return NULL;
}

static void *type_keys(void *argument)
{
    atomic_bool *over = argument;

    for (unsigned i = 0; !atomic_load(over); i++) {
        char key[] = {(char)('a' + i % 26), '\0'};

        recording_type(&recording, key);
        usleep(50);
    }
    return NULL;
}

START_TEST(a_replay_of_two_vcpus_that_ran_in_parallel_agrees)
{
    struct guest guests[2];
    pthread_t threads[2], typist;
    atomic_bool over = false;
    uint64_t root = start_machine("machine cpus=2\n" DEVICES);

    for (unsigned id = 0; id < 2; id++)
        guest_init(&guests[id], id, root);
    pthread_create(&typist, NULL, type_keys, &over);
    for (unsigned id = 0; id < 2; id++)
        pthread_create(&threads[id], NULL, run_vcpu, &guests[id]);
    for (unsigned id = 0; id < 2; id++)
        pthread_join(threads[id], NULL);
    atomic_store(&over, true);
    pthread_join(typist, NULL);
    recording_check_replay(&recording, &result);
    ck_assert_uint_ge(result.exits, 2 * STEPS / 2);
    ck_assert_ptr_nonnull(strstr(recording.text, "\n@1 "));
    ck_assert_ptr_nonnull(strstr(recording.text, "\ntyped "));
}
END_TEST

/* ---- recordings that were changed ---- */

static unsigned long line_of(const char *at)
{
    unsigned long number = 1;

    for (const char *next = recording.text; next < at; next++)
        number += *next == '\n';
    return number;
}

/* The replay differs, and the first difference is that line of the file. */
static void check_difference(unsigned long number)
{
    char wanted[64];

    replay_bytes(recording.text, recording.length, &result);
    snprintf(wanted, sizeof(wanted), "%lu: the effects differ; ", number);
    ck_assert_msg(result.result == -EDOM, "line %lu: %d %s", number, result.result,
                  result.sentence);
    ck_assert_msg(strncmp(result.sentence, wanted, strlen(wanted)) == 0, "line %lu: %s", number,
                  result.sentence);
}

START_TEST(another_property_of_a_device_is_found_at_its_first_effect)
{
    char *property, *effect;

    run_busy_guest(500);
    recording_finish(&recording);
    property = strstr(recording.text, "serial,irq=4");
    effect = strstr(recording.text, "\n> irq 4 ");
    ck_assert_ptr_nonnull(property);
    ck_assert_ptr_nonnull(effect);
    property[strlen("serial,irq=")] = '5';
    check_difference(line_of(effect + 1));
}
END_TEST

/* The next line that has (with), after (from); round again at the end. */
static char *find_line(char *from, const char *with)
{
    char *found = strstr(from, with);

    return found ? found : strstr(recording.text, with);
}

static const struct {
    const char *line;
    char to; /* replaces the byte after it */
} changes[] = {
    {"\n> data 0x", 'e'},          {"\n> rax 0x", 'e'},    {"\n> irq ", '9'},
    {"\n> console \"", '~'},       {"\n> memory 0x", '9'}, {"\n> log \"", '~'},
    {"\n> post 0x", 'f'},          {"\n> marker ", '7'},   {"\n> file \"", '~'},
    {"\n> log ptlcall-pci.", '7'}, {"\n> unclaime", 'x'},
};

START_TEST(one_effect_that_is_another_is_found_in_its_line)
{
    run_busy_guest(500);
    recording_finish(&recording);
    for (unsigned part = 0; part < 4; part++) {
        char *at = find_line(recording.text + part * recording.length / 4, changes[_i].line);
        char *place, old;

        ck_assert_ptr_nonnull(at);
        place = at + strlen(changes[_i].line);
        old = *place;
        if (old == changes[_i].to)
            continue;
        *place = changes[_i].to;
        check_difference(line_of(at + 1));
        *place = old;
    }
    recording_check_replay(&recording, &result);
}
END_TEST

/* Make a comment of the line at (at). */
static void remove_line(char *at)
{
    *at = '#';
}

START_TEST(an_effect_that_is_not_written_down_is_found_at_its_exit)
{
    char *effect, *exit;

    run_busy_guest(500);
    recording_finish(&recording);
    effect = strstr(recording.text, "\n> unclaimed\n> data ");
    ck_assert_ptr_nonnull(effect);
    for (exit = effect - 1; *exit != '\n'; exit--)
        ;
    effect = strstr(effect + 1, "\n> data ") + 1;
    remove_line(effect);
    check_difference(line_of(exit + 1));
}
END_TEST

START_TEST(an_effect_that_does_not_come_is_found_in_its_line)
{
    char *at;

    run_busy_guest(500);
    recording_finish(&recording);
    at = strstr(recording.text, "\n< tsc ");
    ck_assert_ptr_nonnull(at);
    at[1] = '>';
    replay_bytes(recording.text, recording.length, &result);
    ck_assert_int_lt(result.result, 0);
}
END_TEST

START_TEST(an_input_that_is_another_makes_another_effect)
{
    char *at, *effect;

    recording_begin(&recording, "device ptlcall\n");
    set_register(&(struct guest){0}, VCPU_RAX, PTLCALL_OP_LOG);
    set_register(&(struct guest){0}, VCPU_RDI, AREA);
    set_register(&(struct guest){0}, VCPU_RSI, 5);
    recording_put(&recording, AREA, "hello", 5);
    recording_exit(&recording, "out 0xe0 1 0x0");
    recording_finish(&recording);
    at = strstr(recording.text, "68656c6c6f");
    effect = strstr(recording.text, "> log ");
    ck_assert_ptr_nonnull(at);
    ck_assert_ptr_nonnull(effect);
    at[1] = 'a';
    check_difference(line_of(effect));
}
END_TEST

START_TEST(a_wrong_count_at_the_end_is_refused)
{
    char wanted[128];
    char *at;

    recording_begin(&recording, NULL);
    for (unsigned i = 0; i < 3; i++)
        recording_exit(&recording, "intr");
    recording_finish(&recording);
    at = strstr(recording.text, "done 3");
    ck_assert_ptr_nonnull(at);
    at[5] = '4';
    replay_bytes(recording.text, recording.length, &result);
    ck_assert_int_eq(result.result, -EINVAL);
    snprintf(wanted, sizeof(wanted), "%lu: the end of 4 exits, but there are 3", line_of(at));
    ck_assert_str_eq(result.sentence, wanted);
}
END_TEST

/* ---- recordings that broke off ---- */

/* Of everything a little: a recording that is short enough to be cut at each of its bytes. */
static void run_short_guest(void)
{
    struct guest guest;

    guest_init(&guest, 0,
               start_machine("device serial,irq=4\ndevice ptlcall\ndevice pci-host\n"
                             "device edu\n"));
    recording_exit(&recording, "out 0x3fc 1 0x8");
    recording_exit(&recording, "out 0x3f9 1 0x1");
    recording_type(&recording, "x\n");
    recording_exit(&recording, "ins 0x3f8 1 2");
    recording_exit(&recording, "outs 0x3f8 1 \"a \\\"b\\\"\\nc # d\"");
    recording_put(&recording, AREA, "hi #\"", 5);
    set_register(&guest, VCPU_RAX, PTLCALL_OP_LOG);
    set_register(&guest, VCPU_RDI, AREA);
    set_register(&guest, VCPU_RSI, 5);
    recording_exit(&recording, "out 0xe0 1 0x0");
    set_register(&guest, VCPU_RAX, PTLCALL_OP_MARKER);
    recording_exit(&recording, "out 0xe0 1 0x0");
    use_dma(&guest);
    use_dma(&guest);
    recording_exit(&recording, "rdmsr 0x10");
    recording_exit(&recording, "hlt");
    recording_finish(&recording);
}

/* Cut off there, it is replayed up to its end, or refused if the cut is before the `recorded` line. */
static void check_cut(size_t length, size_t header)
{
    replay_bytes(recording.text, length, &result);
    if (result.result == 1) {
        ck_assert_msg(result.broken_off == (length < recording.length && length >= header),
                      "%zu bytes of %zu", length, recording.length);
        return;
    }
    ck_assert_msg(result.result == -EINVAL && length < header, "%zu bytes: %d %s", length,
                  result.result, result.sentence);
    ck_assert_uint_gt(strlen(result.sentence), 10);
}

static size_t header_length(void)
{
    return (size_t)(strstr(recording.text, "recorded") + strlen("recorded") - recording.text);
}

START_TEST(a_recording_that_broke_off_anywhere_is_replayed_up_to_there)
{
    run_short_guest();
    for (size_t length = 0; length <= recording.length; length++)
        check_cut(length, header_length());
}
END_TEST

START_TEST(a_long_recording_that_broke_off_is_replayed_up_to_there)
{
    struct guest random = {.state = 1};

    run_busy_guest(300);
    recording_finish(&recording);
    for (unsigned i = 0; i < 60; i++)
        check_cut(100 + pick(&random, (unsigned)recording.length - 100), header_length());
}
END_TEST

START_TEST(all_exits_but_perhaps_the_last_are_replayed_of_what_broke_off)
{
    const char *last;

    run_short_guest();
    last = strstr(recording.text, "\nhlt ; ");
    ck_assert_ptr_nonnull(last);
    replay_bytes(recording.text, recording.length, &result);
    ck_assert_uint_gt(result.exits, 10);
    ck_assert_str_eq(result.sentence, "");
    const uint64_t all = result.exits;

    replay_bytes(recording.text, (size_t)(last + 1 - recording.text), &result);
    ck_assert_uint_eq(result.exits, all - 1);
}
END_TEST

/* ---- recordings with wrong bytes ---- */

static const char wrong_bytes[] = {'\n', '9', '"', '\xff'};

START_TEST(a_recording_with_a_wrong_byte_is_replayed_or_refused_in_a_sentence)
{
    run_short_guest();
    for (size_t i = 0; i < recording.length; i++) {
        const char old = recording.text[i];

        recording.text[i] = _i < (int)COUNT(wrong_bytes) ? wrong_bytes[_i] : old ^ 1;
        replay_bytes(recording.text, recording.length, &result);
        ck_assert_msg(result.result == 1 || result.result == -EDOM || result.result == -EINVAL,
                      "byte %zu: %d %s", i, result.result, result.sentence);
        ck_assert(result.result == 1 || strlen(result.sentence) > 10);
        recording.text[i] = old;
    }
}
END_TEST

static void add_replay_tests(TCase *tcase)
{
    tcase_add_test(tcase, a_replay_of_a_busy_guest_agrees);
    tcase_add_test(tcase, a_recording_has_what_such_a_guest_can_make_of_it);
    tcase_add_test(tcase, input_that_came_from_a_file_is_there_without_the_file);
    tcase_add_test(tcase, a_string_may_read_more_than_the_ring_holds);
    tcase_add_test(tcase, a_string_may_ask_for_the_date_more_often_than_64_times);
    needs_test_add(tcase, NEED_FULL, an_exit_may_fail_more_often_than_64_times, 1);
    tcase_add_test(tcase, an_exit_that_reads_a_megabyte_agrees);
    tcase_add_test(tcase, a_dump_that_the_end_of_the_machine_cut_off_agrees);
    tcase_add_test(tcase, a_full_disk_is_full_in_a_replay_too);
    tcase_add_test(tcase, exits_without_data_agree);
    tcase_add_test(tcase, a_replay_of_two_vcpus_that_ran_in_parallel_agrees);
}

static void add_difference_tests(TCase *tcase)
{
    tcase_add_test(tcase, another_property_of_a_device_is_found_at_its_first_effect);
    tcase_add_loop_test(tcase, one_effect_that_is_another_is_found_in_its_line, 0, COUNT(changes));
    tcase_add_test(tcase, an_effect_that_is_not_written_down_is_found_at_its_exit);
    tcase_add_test(tcase, an_effect_that_does_not_come_is_found_in_its_line);
    tcase_add_test(tcase, an_input_that_is_another_makes_another_effect);
    tcase_add_test(tcase, a_wrong_count_at_the_end_is_refused);
    tcase_add_test(tcase, a_recording_that_broke_off_anywhere_is_replayed_up_to_there);
    tcase_add_test(tcase, a_long_recording_that_broke_off_is_replayed_up_to_there);
    tcase_add_test(tcase, all_exits_but_perhaps_the_last_are_replayed_of_what_broke_off);
    tcase_add_loop_test(tcase, a_recording_with_a_wrong_byte_is_replayed_or_refused_in_a_sentence,
                        0, COUNT(wrong_bytes) + 1);
}

Suite *recorder_suite(void)
{
    Suite *suite = suite_create("recorder");
    TCase *tcase = tcase_create("recorder");

    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, a_recording_is_the_machine_its_exits_and_its_end);
    tcase_add_test(tcase, a_run_without_exits_is_a_recording_too);
    tcase_add_loop_test(tcase, each_line_of_a_crash_report_is_a_line_of_the_recording, 0,
                        COUNT(reports));
    needs_test_add(tcase, NEED_FULL, a_file_that_cannot_be_written_is_told_at_the_end, 1);
    tcase_add_test(tcase, a_recorder_that_was_not_finished_leaves_a_recording_that_broke_off);
    add_replay_tests(tcase);
    add_difference_tests(tcase);
    suite_add_tcase(suite, tcase);
    return suite;
}
