#include "firewall/http2_flood.h"

#include "base/check.h"

enum { MS_PER_SECOND = 1000, WINDOW_UPDATE_BYTES = 1024, PADDED_EMPTY_MAX = 256 };

struct flood_row {
    const char *text;
    uint32_t burst;
    uint32_t per_second;
};

static const struct flood_row flood_rows[] = {
    [HTTP2_FLOOD_RESETS] = {"RST_STREAM frames", HTTP2_RESETS_BURST, HTTP2_RESETS_PER_SECOND},
    [HTTP2_FLOOD_OWN_RESETS] = {"invalid frames that reset streams", HTTP2_OWN_RESETS_BURST,
                                HTTP2_OWN_RESETS_PER_SECOND},
    [HTTP2_FLOOD_PINGS] = {"PING frames", HTTP2_PINGS_BURST, HTTP2_PINGS_PER_SECOND},
    [HTTP2_FLOOD_SETTINGS] = {"SETTINGS frames", HTTP2_SETTINGS_BURST, HTTP2_SETTINGS_PER_SECOND},
    [HTTP2_FLOOD_EMPTY_DATA] = {"empty DATA frames", HTTP2_EMPTY_DATA_BURST,
                                HTTP2_EMPTY_DATA_PER_SECOND},
    [HTTP2_FLOOD_CONTINUATIONS] = {"CONTINUATION frames", HTTP2_CONTINUATIONS_BURST,
                                   HTTP2_CONTINUATIONS_PER_SECOND},
    [HTTP2_FLOOD_WINDOW_UPDATES] = {"WINDOW_UPDATE frames", HTTP2_WINDOW_UPDATES_BURST,
                                    HTTP2_WINDOW_UPDATES_PER_SECOND},
    [HTTP2_FLOOD_PRIORITIES] = {"PRIORITY frames", HTTP2_PRIORITIES_BURST,
                                HTTP2_PRIORITIES_PER_SECOND},
    [HTTP2_FLOOD_GOAWAYS] = {"GOAWAY frames", HTTP2_GOAWAYS_BURST, HTTP2_GOAWAYS_PER_SECOND},
    [HTTP2_FLOOD_UNKNOWN] = {"frames of unknown type", HTTP2_UNKNOWN_BURST,
                             HTTP2_UNKNOWN_PER_SECOND},
};
_Static_assert(sizeof(flood_rows) / sizeof(flood_rows[0]) == HTTP2_FLOOD_COUNT,
               "every kind has its row");

const char *http2_flood_text(enum http2_flood flood)
{
    CHECK(flood < HTTP2_FLOOD_COUNT);
    return flood_rows[flood].text;
}

static void sink(struct http2_flood_meter *meter, enum http2_flood flood, uint64_t amount)
{
    meter->levels[flood] -= amount < meter->levels[flood] ? (uint32_t)amount : meter->levels[flood];
}

bool http2_flood_add(struct http2_flood_meter *meter, enum http2_flood flood, uint64_t now_ms)
{
    const struct flood_row *row = &flood_rows[flood];
    /* Whole seconds only: so that small steps are not lost to rounding. */
    uint64_t seconds = (now_ms - meter->sunk_at_ms[flood]) / MS_PER_SECOND;
    if (meter->sunk_at_ms[flood] == 0) {
        meter->sunk_at_ms[flood] = now_ms;
    } else if (seconds > 0) {
        sink(meter, flood, seconds > row->burst ? row->burst : seconds * row->per_second);
        meter->sunk_at_ms[flood] += seconds * MS_PER_SECOND;
    }
    return ++meter->levels[flood] <= row->burst;
}

/* False: nothing that is counted. */
static bool kind_of(const struct http2_frame *frame, enum http2_flood *flood)
{
    switch (frame->type) {
    case HTTP2_FRAME_DATA:
        *flood = HTTP2_FLOOD_EMPTY_DATA;
        return (frame->flags & HTTP2_FRAME_END_STREAM) == 0 &&
               (frame->length == 0 ||
                ((frame->flags & HTTP2_FRAME_PADDED) && frame->length <= PADDED_EMPTY_MAX));
    case HTTP2_FRAME_HEADERS:
    case HTTP2_FRAME_PUSH_PROMISE:
        return false;
    case HTTP2_FRAME_GOAWAY:
        *flood = HTTP2_FLOOD_GOAWAYS;
        return true;
    case HTTP2_FRAME_PRIORITY:
        *flood = HTTP2_FLOOD_PRIORITIES;
        return true;
    case HTTP2_FRAME_RST_STREAM:
        *flood = HTTP2_FLOOD_RESETS;
        return true;
    case HTTP2_FRAME_SETTINGS:
        *flood = HTTP2_FLOOD_SETTINGS;
        return true;
    case HTTP2_FRAME_PING:
        *flood = HTTP2_FLOOD_PINGS;
        return true;
    case HTTP2_FRAME_WINDOW_UPDATE:
        *flood = HTTP2_FLOOD_WINDOW_UPDATES;
        return true;
    case HTTP2_FRAME_CONTINUATION:
        *flood = HTTP2_FLOOD_CONTINUATIONS;
        return true;
    default:
        *flood = HTTP2_FLOOD_UNKNOWN;
        return true;
    }
}

bool http2_flood_add_frame(struct http2_flood_meter *meter, const struct http2_frame *frame,
                           uint64_t now_ms, enum http2_flood *flood)
{
    if (frame->type == HTTP2_FRAME_HEADERS)
        meter->levels[HTTP2_FLOOD_CONTINUATIONS] = 0;
    return !kind_of(frame, flood) || http2_flood_add(meter, *flood, now_ms);
}

void http2_flood_sent_data(struct http2_flood_meter *meter, size_t bytes)
{
    sink(meter, HTTP2_FLOOD_PINGS, 1);
    sink(meter, HTTP2_FLOOD_WINDOW_UPDATES, 2 + bytes / WINDOW_UPDATE_BYTES);
}
