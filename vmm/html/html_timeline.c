#include "vmm/html/html_timeline.h"

#include "vmm/html/html_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_RESOLUTION 64 /* ns */
#define FIRST_ROOM       256
#define PERMILLE         1000

int html_timeline_init(struct html_timeline *timeline)
{
    timeline->recent = calloc(HTML_EXACT, sizeof(*timeline->recent));
    return timeline->recent ? 0 : -ENOMEM;
}

void html_timeline_finish(struct html_timeline *timeline)
{
    for (unsigned i = 0; i < timeline->track_count; i++)
        free(timeline->tracks[i].slices);
    free(timeline->recent);
}

static unsigned track_of(struct html_timeline *timeline, unsigned vcpu)
{
    unsigned i;

    for (i = 0; i < timeline->track_count && i < HTML_TRACKS; i++)
        if (timeline->tracks[i].vcpu == vcpu)
            return i;
    if (i == timeline->track_count)
        timeline->tracks[timeline->track_count++].vcpu = vcpu;
    return i;
}

/* Give (share) its place, or a lighter one's, whose weight is added to the rest. */
static void add_share(struct html_slice *slice, struct html_share share)
{
    struct html_share *least = &slice->mix[0];

    for (unsigned i = 0; i < HTML_MIX; i++) {
        struct html_share *known = &slice->mix[i];

        if (known->weight && known->class == share.class) {
            known->weight += share.weight;
            return;
        }
        if (known->weight < least->weight)
            least = known;
    }
    if (share.weight > least->weight) {
        struct html_share lighter = *least;

        *least = share;
        share = lighter;
    }
    slice->rest += share.weight;
}

static void merge(struct html_slice *slice, const struct html_slice *next)
{
    slice->end = next->end;
    slice->busy += next->busy;
    slice->count += next->count;
    slice->rest += next->rest;
    for (unsigned i = 0; i < HTML_MIX; i++)
        if (next->mix[i].weight)
            add_share(slice, next->mix[i]);
}

/* Merge neighbours, unless the result would be longer than the resolution. */
static void compact_track(struct html_track *track, uint64_t resolution)
{
    size_t kept = track->exact;

    for (size_t i = track->exact; i < track->count; i++) {
        const struct html_slice *next = &track->slices[i];

        if (kept > track->exact && next->end - track->slices[kept - 1].start <= resolution)
            merge(&track->slices[kept - 1], next);
        else
            track->slices[kept++] = *next;
    }
    track->count = kept;
}

/*
 * Merge until there is room. The resolution grows by a quarter each time, so this happens fewer
 * than 200 times for all times of a page.
 */
static void compact(struct html_timeline *timeline)
{
    while (timeline->slices > HTML_SLICES) {
        timeline->resolution += timeline->resolution ? timeline->resolution / 4 : FIRST_RESOLUTION;
        timeline->slices = 0;
        for (unsigned i = 0; i < timeline->track_count; i++) {
            compact_track(&timeline->tracks[i], timeline->resolution);
            timeline->slices += timeline->tracks[i].count;
        }
    }
}

static bool reserve(struct html_track *track)
{
    const size_t room = track->room ? 2 * track->room : FIRST_ROOM;
    struct html_slice *slices;

    if (track->count < track->room)
        return true;
    slices = realloc(track->slices, room * sizeof(*slices));
    if (!slices)
        return false;
    track->slices = slices;
    track->room = room;
    return true;
}

static void append(struct html_timeline *timeline, const struct html_recent *exit, bool alone)
{
    struct html_track *track = &timeline->tracks[exit->track];
    struct html_slice *last = track->count > track->exact ? &track->slices[track->count - 1] : NULL;

    if (!alone && last && exit->slice.end - last->start <= timeline->resolution) {
        merge(last, &exit->slice);
        return;
    }
    if (!reserve(track)) {
        timeline->failed = true;
        return;
    }
    track->slices[track->count++] = exit->slice;
    timeline->slices++;
}

/* An exit that is no longer one of the last goes to the slices that may be merged. */
static void settle(struct html_timeline *timeline, const struct html_recent *exit, uint64_t number)
{
    const bool first = number < HTML_EXACT;

    append(timeline, exit, first);
    if (first)
        timeline->tracks[exit->track].exact = timeline->tracks[exit->track].count;
    else
        compact(timeline);
}

void html_timeline_add(struct html_timeline *timeline, unsigned vcpu, uint64_t start, uint64_t end,
                       unsigned class)
{
    const unsigned index = track_of(timeline, vcpu);
    struct html_track *track = &timeline->tracks[index];
    struct html_recent *recent = &timeline->recent[timeline->exits % HTML_EXACT];
    const uint64_t busy = end - start;

    if (timeline->exits >= HTML_EXACT)
        settle(timeline, recent, timeline->exits - HTML_EXACT);
    timeline->exits++;
    if (start < track->last_end)
        start = track->last_end;
    if (end < start)
        end = start;
    track->last_end = end;
    track->exits++;
    track->busy += busy;
    *recent = (struct html_recent){
        .track = index,
        .slice = {.start = start,
                  .end = end,
                  .busy = busy,
                  .count = 1,
                  .mix = {{.class = class, .weight = busy ? busy : 1}}},
    };
}

/* CLASS for one exit; BUSY, the number of pairs, then pairs CLASS and PERMILLE for several. */
static void write_mix(const struct html_slice *slice, unsigned others, struct text *json)
{
    uint64_t whole = slice->rest;
    unsigned used = slice->rest ? 1 : 0;

    if (slice->count == 1) {
        html_json_number(json, slice->mix[0].class);
        return;
    }
    for (unsigned i = 0; i < HTML_MIX; i++) {
        whole += slice->mix[i].weight;
        used += slice->mix[i].weight != 0;
    }
    html_json_number(json, slice->busy);
    html_json_number(json, used);
    for (unsigned i = 0; i < HTML_MIX; i++) {
        if (!slice->mix[i].weight)
            continue;
        html_json_number(json, slice->mix[i].class);
        html_json_number(json, (uint64_t)((double)slice->mix[i].weight / (double)whole * PERMILLE));
    }
    if (slice->rest) {
        html_json_number(json, others);
        html_json_number(json, (uint64_t)((double)slice->rest / (double)whole * PERMILLE));
    }
}

/* For each slice: ns since the previous one, its length, number of exits, and write_mix(). */
static void write_track(const struct html_track *track, bool shared, struct text *json)
{
    const unsigned others = 0xffff; /* no class has this number */
    uint64_t end = 0;

    html_json_separate(json);
    text_append(json, "{", 1);
    html_json_add(json, "vcpu", track->vcpu);
    html_json_add(json, "shared", shared);
    html_json_add(json, "exits", track->exits);
    html_json_add(json, "busy", track->busy);
    html_json_key(json, "slices");
    text_append(json, "[", 1);
    for (size_t i = 0; i < track->count; i++) {
        const struct html_slice *slice = &track->slices[i];

        html_json_number(json, slice->start - end);
        html_json_number(json, slice->end - slice->start);
        html_json_number(json, slice->count);
        write_mix(slice, others, json);
        end = slice->end;
    }
    text_append(json, "]}", 2);
}

void html_timeline_write(struct html_timeline *timeline, struct text *json)
{
    const uint64_t count = timeline->exits < HTML_EXACT ? timeline->exits : HTML_EXACT;

    for (uint64_t number = timeline->exits - count; number < timeline->exits; number++)
        append(timeline, &timeline->recent[number % HTML_EXACT], true);
    html_json_add(json, "resolution", timeline->resolution);
    html_json_key(json, "tracks");
    text_append(json, "[", 1);
    for (unsigned i = 0; i < timeline->track_count; i++)
        write_track(&timeline->tracks[i], i == HTML_TRACKS, json);
    text_append(json, "]", 1);
    json->failed |= timeline->failed;
}
