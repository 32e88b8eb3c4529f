/* Nothing written here needs escaping. */
#include "vmm/observe/stats_json.h"

#include <inttypes.h>

#define SCHEMA 2

static const char *const space_names[BUS_SPACES] = {[BUS_PIO] = "port", [BUS_MMIO] = "memory"};

static void write_times(const char *name, const struct histogram *times, FILE *file)
{
    fprintf(file,
            "\"%s\":{\"sum\":%" PRIu64 ",\"min\":%" PRIu64 ",\"median\":%" PRIu64
            ",\"p99\":%" PRIu64 ",\"max\":%" PRIu64 "}",
            name, times->sum, times->min, histogram_percentile(times, 50),
            histogram_percentile(times, 99), times->max);
}

static void write_tally(const struct tally *tally, FILE *file)
{
    fprintf(file, "\"exits\":%" PRIu64 ",\n  ", tally_exits(tally));
    write_times("run_ns", &tally->run, file);
    fputs(",\n  ", file);
    write_times("handle_ns", &tally->handle, file);
}

static void write_accesses(const struct place *place, FILE *file)
{
    fprintf(file, "\"reads\":%" PRIu64 ",\"writes\":%" PRIu64 ",", place->reads, place->writes);
    write_tally(place->tally, file);
    fputc('}', file);
}

static void write_reasons(const struct stats_table *stats, FILE *file)
{
    const char *comma = "";

    fputs("\"reasons\":[", file);
    for (unsigned reason = 0; reason < EXIT_REASONS; reason++) {
        const struct tally *tally = stats->reasons[reason];

        if (!tally || !tally_exits(tally))
            continue;
        fprintf(file, "%s\n {\"reason\":\"%s\",", comma, exit_reason_name(reason));
        write_tally(tally, file);
        fputc('}', file);
        comma = ",";
    }
    fputs("],\n", file);
}

static void write_places(const struct stats_report *report, FILE *file)
{
    const char *comma = "";

    fputs("\"addresses\":[", file);
    for (unsigned i = 0; i < report->stats->place_count; i++) {
        const struct place *place = &report->stats->places[i];

        fprintf(file, "%s\n {\"space\":\"%s\",\"address\":%" PRIu64 ",\"device\":\"%s\",", comma,
                space_names[place->space], place->address, stats_device_at(report->machine, place));
        write_accesses(place, file);
        comma = ",";
    }
    fputs("],\n", file);
}

void stats_write_json(const struct stats_report *report, FILE *file)
{
    fprintf(file, "{\"schema\":%d,\"unclaimed\":%" PRIu64 ",", SCHEMA, report->unclaimed);
    write_tally(report->all, file);
    fputs(",\n", file);
    write_reasons(report->stats, file);
    write_places(report, file);
    fputs("\"further\":{", file);
    write_accesses(&report->stats->others, file);
    fputs("}\n", file);
}
