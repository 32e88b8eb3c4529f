/* --stats as tables for a person: 120 columns unless a number is very long, times in microseconds. */
#include "vmm/observe/stats_table.h"

#include "vmm/core/machine.h"

#include "vmm/core/machine.h"

#include <inttypes.h>

/* Columns of the subject of a line: a reason; or an address, its device and its direction. */
#define NAME_WIDTH    34
#define ADDRESS_WIDTH 11
#define DEVICE_WIDTH  19

#define COUNT_WIDTH 15 /* of exits and share */
#define TIMES_WIDTH 35

static const char *const space_titles[BUS_SPACES] = {[BUS_PIO] = "port", [BUS_MMIO] = "memory"};

const char *stats_device_at(struct machine *machine, const struct place *place)
{
    struct bus_region region;

    return bus_find(&machine->bus[place->space], place->address, &region) ? region.name
                                                                          : "unclaimed";
}

/* Six columns and a space for any time: long times are in seconds. */
static void write_time(double ns, FILE *file)
{
    double us = ns / 1000.0;

    if (us < 999.995)
        fprintf(file, " %6.2f", us);
    else if (us < 9999.95)
        fprintf(file, " %6.1f", us);
    else if (us < 999999.5)
        fprintf(file, " %6.0f", us);
    else if (us < 999.95e6)
        fprintf(file, " %5.1fs", us / 1e6);
    else
        fprintf(file, " %5.0fs", us / 1e6);
}

static void write_times(const struct histogram *times, FILE *file)
{
    write_time(histogram_mean(times), file);
    write_time((double)times->min, file);
    write_time((double)histogram_percentile(times, 50), file);
    write_time((double)histogram_percentile(times, 99), file);
    write_time((double)times->max, file);
}

static void write_columns(FILE *file)
{
    static const char times[] = "   mean    min median    p99    max";

    fprintf(file, " %8s %5s%s %s\n", "exits", "share", times, times);
}

static void write_tally(const struct stats_report *report, const struct tally *tally, FILE *file)
{
    const uint64_t exits = tally_exits(tally);
    const double percent = 100.0 * (double)exits / (double)tally_exits(report->all);

    fprintf(file, percent < 99.95 ? " %8" PRIu64 " %4.1f%%" : " %8" PRIu64 " %4.0f%%", exits,
            percent);
    write_times(&tally->handle, file);
    fputc(' ', file);
    write_times(&tally->run, file);
    fputc('\n', file);
}

static void write_reasons(const struct stats_report *report, FILE *file)
{
    fprintf(file, "%*s%-*s %s\n", NAME_WIDTH + COUNT_WIDTH, "", TIMES_WIDTH, "   us in handler",
            "   us in guest");
    fprintf(file, "%-*s", NAME_WIDTH, "reason");
    write_columns(file);
    for (unsigned reason = 0; reason < EXIT_REASONS; reason++) {
        const struct tally *tally = report->stats->reasons[reason];

        if (!tally || !tally_exits(tally))
            continue;
        fprintf(file, "%-*s", NAME_WIDTH, exit_reason_name(reason));
        write_tally(report, tally, file);
    }
    if (tally_exits(report->all)) {
        fprintf(file, "%-*s", NAME_WIDTH, "all");
        write_tally(report, report->all, file);
    }
}

static const char *directions(const struct place *place)
{
    if (place->reads && place->writes)
        return "rw";
    return place->writes ? "w" : place->reads ? "r" : "";
}

/* One table for each address space that was accessed. */
static void write_places(const struct stats_report *report, FILE *file)
{
    const struct place *places = report->stats->places;

    for (unsigned i = 0; i < report->stats->place_count; i++) {
        const struct place *place = &places[i];

        if (i == 0 || place->space != places[i - 1].space) {
            fprintf(file, "\n%-*s %-*s %-2s", ADDRESS_WIDTH, space_titles[place->space],
                    DEVICE_WIDTH, "device", "");
            write_columns(file);
        }
        fprintf(file, "0x%-*" PRIx64 " %-*s %-2s", ADDRESS_WIDTH - 2, place->address, DEVICE_WIDTH,
                stats_device_at(report->machine, place), directions(place));
        write_tally(report, place->tally, file);
    }
}

void stats_write_table(const struct stats_report *report, FILE *file)
{
    const struct place *others = &report->stats->others;

    fprintf(file, "exits %" PRIu64 ", accesses that no device decoded %" PRIu64 "\n\n",
            tally_exits(report->all), report->unclaimed);
    write_reasons(report, file);
    write_places(report, file);
    if (tally_exits(others->tally)) {
        fprintf(file, "\n%-*s %-2s", ADDRESS_WIDTH + 1 + DEVICE_WIDTH, "further addresses",
                directions(others));
        write_tally(report, others->tally, file);
    }
}
