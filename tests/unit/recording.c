#include "tests/unit/recording.h"

#include "devices/types.h"
#include "vmm/base/clock.h"
#include "vmm/core/exit.h"
#include "vmm/core/machine_run.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define START "start 1\n" /* the last line of the header */

static void read_header(struct machine_plan *plan, const char *header)
{
    struct text_file file;
    struct lines lines;
    struct cursor line;
    struct error error = {""};
    int result;

    *plan = (struct machine_plan){.types = device_types, .memory_size = 16 * MIB, .vcpu_count = 1};
    if (!header)
        return;
    text_file_make_string(&file, header);
    ck_assert_int_eq(lines_open(&lines, file.path, &error), 0);
    while ((result = lines_next(&lines, &line, &error)) > 0)
        ck_assert_msg(machine_plan_parse_line(plan, &line, &error) == 1, "%s", error.text);
    ck_assert_int_eq(result, 0);
    lines_close(&lines);
    text_file_close(&file);
}

static void make_vcpu(struct vcpu *vcpu)
{
    vcpu->run = calloc(1, EXIT_RUN_SIZE);
    ck_assert_ptr_nonnull(vcpu->run);
    vcpu->run_size = EXIT_RUN_SIZE;
    vcpu->registers_valid = true;
    vcpu_set_register(vcpu, VCPU_CR0, X86_CR0_PE);
    vcpu_set_register(vcpu, VCPU_EFER, X86_EFER_LME | X86_EFER_LMA);
    vcpu_set_register(vcpu, VCPU_CS_L, 1);
}

static void put_header(struct recording *recording)
{
    struct text text = {0};

    text_append_string(&text, "exits 1\nrecorded \"test\"\n");
    machine_plan_print(&recording->plan, &text);
    text_append_string(&text, START);
    recorder_begin(recording->recorder, &text);
    text_free(&text);
}

void recording_begin(struct recording *recording, const char *header)
{
    struct machine_config config = {.console_policy = OUTPUT_FULL, .message_fd = -1};
    struct machine *machine = &recording->machine;
    struct error error = {""};

    memset(recording, 0, sizeof(*recording));
    read_header(&recording->plan, header);
    machine_plan_configure(&recording->plan, &config);
    snprintf(recording->out_dir, sizeof(recording->out_dir), "%s/minivmm-test-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"); /* without a wait for a disk */
    ck_assert_ptr_nonnull(mkdtemp(recording->out_dir));
    recording->console = memfd_create("console", MFD_CLOEXEC);
    recording->file = memfd_create("recording", MFD_CLOEXEC);
    config.console_fd = recording->console;
    config.out_dir = recording->out_dir;
    ck_assert_msg(machine_init(machine, &config, &error) == 0, "%s", error.text);
    recording->recorder =
        recorder_create(recording->file, machine->vcpu_count, &machine->abandoned);
    ck_assert_ptr_nonnull(recording->recorder);
    recording->journal = recorder_journal(recording->recorder);
    machine_set_journal(machine, recording->journal);
    for (unsigned id = 0; id < machine->vcpu_count; id++)
        make_vcpu(&machine->vcpus[id]);
    ck_assert_msg(machine_plan_make_devices(&recording->plan, machine, NULL, &error) == 0, "%s",
                  error.text);
    put_header(recording);
}

/* As vcpu_loop.c handles an exit with a journal. */
void recording_have(struct recording *recording, const struct exit_event *event)
{
    struct vcpu *vcpu = &recording->machine.vcpus[event->vcpu];

    exit_event_fill_run(event, vcpu);
    journal_begin_exit(recording->journal, vcpu, clock_now());
    vcpu_count_exit(vcpu);
    exit_handle(&recording->machine, vcpu);
    exit_remember(vcpu);
    vcpu->run->kvm_dirty_regs = 0;
    journal_end_exit(recording->journal, clock_now());
}

void recording_exit(struct recording *recording, const char *line)
{
    const struct lines lines = {.path = "exit", .number = 1};
    struct cursor cursor = {&lines, line, line + strlen(line)};
    struct exit_event event = {0};
    struct error error = {""};

    ck_assert_msg(exit_parse_event(&cursor, &event, &error) == 0, "%s", error.text);
    recording_have(recording, &event);
    exit_event_free(&event);
}

void recording_put(struct recording *recording, uint64_t address, const void *bytes, size_t length)
{
    void *host = memory_at(&recording->machine.memory, gpa(address), length);

    ck_assert_ptr_nonnull(host);
    memcpy(host, bytes, length);
}

size_t recording_type(struct recording *recording, const char *text)
{
    return console_type(&recording->machine.console, (const uint8_t *)text, strlen(text));
}

void recording_finish(struct recording *recording)
{
    const struct text report = {0};
    struct stat status;

    machine_stop(&recording->machine, OUTCOME_INTERRUPTED); /* if it runs */
    ck_assert_int_eq(recorder_finish(recording->recorder, &recording->machine, &report), 0);
    ck_assert_int_eq(fstat(recording->file, &status), 0);
    recording->length = (size_t)status.st_size;
    recording->text = malloc(recording->length + 1);
    ck_assert_ptr_nonnull(recording->text);
    ck_assert_int_eq(pread(recording->file, recording->text, recording->length, 0),
                     (ssize_t)recording->length);
    recording->text[recording->length] = '\0';
}

/* Cut off the times of exits, which are at their lines' ends. */
static void cut_times(char *text)
{
    char *to = text;

    while (*text) {
        const size_t length = strcspn(text, "\n");
        size_t kept = length;

        for (size_t i = 0; *text != '<' && *text != '>' && i + 3 <= length; i++)
            if (memcmp(text + i, " ; ", 3) == 0)
                kept = i;
        memmove(to, text, kept);
        to += kept;
        text += length;
        if (*text)
            *to++ = *text++;
    }
    *to = '\0';
}

void recording_check(struct recording *recording, const char *wanted)
{
    char *start, *end;

    recording_finish(recording);
    start = strstr(recording->text, START);
    ck_assert_ptr_nonnull(start);
    start += strlen(START);
    end = strstr(start, "ended ");
    ck_assert_ptr_nonnull(end);
    *end = '\0';
    cut_times(start);
    ck_assert_str_eq(start, wanted);
}

void recording_check_replay(struct recording *recording, struct replay_result *result)
{
    if (!recording->text)
        recording_finish(recording);
    replay_bytes(recording->text, recording->length, result);
    ck_assert_msg(result->result == 1, "%s", result->sentence);
    ck_assert(!result->broken_off);
}

static void remove_dir(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(path);
}

void recording_end(struct recording *recording)
{
    for (unsigned id = 0; id < recording->machine.vcpu_count; id++) {
        free(recording->machine.vcpus[id].run);
        recording->machine.vcpus[id].run = NULL;
    }
    machine_finish(&recording->machine);
    recorder_destroy(recording->recorder);
    machine_plan_free(&recording->plan);
    close(recording->console);
    close(recording->file);
    free(recording->text);
    remove_dir(recording->out_dir);
}
