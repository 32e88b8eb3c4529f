/*
 * A machine that is recorded, without /dev/kvm: exits are written as lines of an exit stream, the
 * vCPUs of the machine have them, and what the recorder makes of it is a stream again.
 */
#ifndef TESTS_UNIT_RECORDING_H
#define TESTS_UNIT_RECORDING_H

#include "tests/unit/replay_file.h"
#include "vmm/core/machine.h"
#include "vmm/core/machine_plan.h"
#include "vmm/core/vcpu.h"
#include "vmm/record/exit_parse.h"
#include "vmm/record/recorder.h"

struct recording {
    struct machine_plan plan;
    struct machine machine;
    struct recorder *recorder;
    struct journal *journal; /* the recorder's */
    char out_dir[64];        /* the machine's --out directory */
    int console;             /* where the console goes: a memfd */
    int file;                /* the recording: a memfd */
    char *text;              /* of the recording, once it is over; ends with a 0 */
    size_t length;
};

/*
 * A machine made from (header), `machine` and `device` lines; NULL: 16 MiB, one vCPU, no device.
 * Its vCPUs are as in a replay. Aborts the test if it cannot be made.
 */
void recording_begin(struct recording *recording, const char *header);

/* vCPU (event->vcpu) has the exit; its registers are those of its run page. Any thread. */
void recording_have(struct recording *recording, const struct exit_event *event);

/* The same, for an exit as a stream writes it. */
void recording_exit(struct recording *recording, const char *line);

/* The guest has (bytes) in its memory. */
void recording_put(struct recording *recording, uint64_t address, const void *bytes, size_t length);

/* (text) is typed at the console. How much of it was taken. */
size_t recording_type(struct recording *recording, const char *text);

/* The run is over, from outside unless it has ended: recording->text is all that was recorded. */
void recording_finish(struct recording *recording);

/* What was recorded between header and end, times left out, is (wanted). Finishes the recording. */
void recording_check(struct recording *recording, const char *wanted);

/* Finishes the recording, if it is not; replays it: all must agree. */
void recording_check_replay(struct recording *recording, struct replay_result *result);

void recording_end(struct recording *recording);

#endif
