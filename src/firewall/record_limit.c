#include "firewall/record_limit.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

enum { SUMMARY_INTERVAL_MS = 1000, WAYS = 4 };

/* A record seen within its window. A free entry has no datagram. */
struct limit_entry {
    uint64_t key;
    uint64_t window_end_ms;
    uint64_t last_time_ms; /* time of the last repeat, for the summary */
    uint32_t seen_count;
    uint32_t suppressed_count;
    struct buffer datagram; /* the first one, from which the summary is made */
};

struct limit_bucket {
    uint64_t tokens; /* in thousandths of a record */
    uint64_t filled_ms;
};

struct record_limit {
    unsigned factor;
    struct limit_entry entries[RECORD_LIMIT_ENTRIES];
    struct limit_bucket buckets[AUDIT_DECISION_COUNT];
    uint32_t over_rate[AUDIT_KIND_COUNT][AUDIT_DECISION_COUNT];
    uint64_t last_time_ms; /* of the last record suppressed by rate */
    uint64_t rate_summary_ms;
    uint64_t suppressed_count; /* in entries and over_rate, not told yet */
    struct buffer told;        /* what the last summary borrows from */
};

static const struct {
    uint64_t burst;
    uint64_t per_second;
} rates[AUDIT_DECISION_COUNT] = {
    [AUDIT_ALLOW] = {RECORD_LIMIT_ALLOW_BURST, RECORD_LIMIT_ALLOW_RATE},
    [AUDIT_DENY] = {RECORD_LIMIT_DENY_BURST, RECORD_LIMIT_DENY_RATE},
    [AUDIT_INFO] = {RECORD_LIMIT_DENY_BURST, RECORD_LIMIT_DENY_RATE},
};

struct record_limit *record_limit_new(unsigned factor)
{
    struct record_limit *limit = memory_new(sizeof(*limit));
    limit->factor = factor;
    for (size_t i = 0; i < RECORD_LIMIT_ENTRIES; i++)
        buffer_init(&limit->entries[i].datagram, AUDIT_DATAGRAM_MAX);
    for (int i = 0; i < AUDIT_DECISION_COUNT; i++)
        limit->buckets[i].tokens = rates[i].burst * factor * 1000;
    buffer_init(&limit->told, AUDIT_DATAGRAM_MAX);
    return limit;
}

void record_limit_free(struct record_limit *limit)
{
    for (size_t i = 0; i < RECORD_LIMIT_ENTRIES; i++)
        buffer_done(&limit->entries[i].datagram);
    buffer_done(&limit->told);
    free(limit);
}

static bool is_foldable(const struct audit_record *record)
{
    return record->decision == AUDIT_DENY || record->kind == AUDIT_DNS ||
           record->kind == AUDIT_LINK;
}

/* What makes two records repeats of each other: all but time, traffic and count. */
static uint64_t key_of(const struct audit_record *record)
{
    const struct bytes texts[] = {record->name, record->method, record->path,
                                  record->rule, record->reason, record->detail};
    uint64_t key = (uint64_t)record->kind << 40 | (uint64_t)record->decision << 32 |
                   (uint64_t)record->port << 16 | record->status;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        key = (key ^ bytes_hash(texts[i])) * UINT64_C(0x9e3779b97f4a7c15);
    return key ^ key >> 29;
}

static void clear_entry(struct record_limit *limit, struct limit_entry *entry)
{
    limit->suppressed_count -= entry->suppressed_count;
    entry->suppressed_count = 0;
    entry->seen_count = 0;
    buffer_done(&entry->datagram);
}

static void add_over_rate(struct record_limit *limit, const struct audit_record *record,
                          uint32_t count)
{
    limit->over_rate[record->kind][record->decision] += count;
    limit->suppressed_count += count;
    limit->last_time_ms = record->time_ms;
}

/*
 * The entry of this record, or the one to take for it: within a set of four the free one or the
 * one whose window ends first. What a taken one had counted goes to the counts by kind.
 */
static struct limit_entry *entry_for(struct record_limit *limit, uint64_t key)
{
    struct limit_entry *set = &limit->entries[key % (RECORD_LIMIT_ENTRIES / WAYS) * WAYS];
    struct limit_entry *oldest = set;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].seen_count > 0 && set[i].key == key)
            return &set[i];
        if (set[i].seen_count == 0 && oldest->seen_count > 0)
            oldest = &set[i];
        else if (set[i].window_end_ms < oldest->window_end_ms && oldest->seen_count > 0)
            oldest = &set[i];
    }
    if (oldest->suppressed_count > 0) {
        struct audit_record record;
        CHECK(audit_record_decode(buffer_bytes(&oldest->datagram), &record));
        add_over_rate(limit, &record, oldest->suppressed_count);
    }
    clear_entry(limit, oldest);
    return oldest;
}

/* True when the record is one repeat too many. */
static bool is_repeat(struct record_limit *limit, const struct audit_record *record,
                      uint64_t now_ms)
{
    uint64_t key = key_of(record);
    struct limit_entry *entry = entry_for(limit, key);
    if (entry->seen_count > 0 && now_ms >= entry->window_end_ms && entry->suppressed_count == 0)
        clear_entry(limit, entry);
    if (entry->seen_count == 0) {
        entry->key = key;
        entry->window_end_ms = now_ms + RECORD_LIMIT_WINDOW_MS;
        CHECK(audit_record_encode(record, &entry->datagram));
    }
    entry->last_time_ms = record->time_ms;
    if (entry->seen_count < UINT32_MAX)
        entry->seen_count++;
    if (entry->seen_count <= RECORD_LIMIT_REPEATS * limit->factor)
        return false;
    entry->suppressed_count++;
    limit->suppressed_count++;
    return true;
}

static bool take_token(struct record_limit *limit, enum audit_decision decision, uint64_t now_ms)
{
    struct limit_bucket *bucket = &limit->buckets[decision];
    uint64_t full = rates[decision].burst * limit->factor * 1000;
    uint64_t elapsed_ms = now_ms - bucket->filled_ms;
    uint64_t gained =
        elapsed_ms > full ? full : elapsed_ms * rates[decision].per_second * limit->factor;
    bucket->tokens = bucket->tokens + gained > full ? full : bucket->tokens + gained;
    bucket->filled_ms = now_ms;
    if (bucket->tokens < 1000)
        return false;
    bucket->tokens -= 1000;
    return true;
}

bool record_limit_admit(struct record_limit *limit, const struct audit_record *record,
                        uint64_t now_ms)
{
    /* A summary was limited where it was made. */
    if (record->count > 0 && limit->factor > RECORD_LIMIT_PROXY_FACTOR)
        return take_token(limit, record->decision, now_ms);
    if (is_foldable(record) && is_repeat(limit, record, now_ms))
        return false;
    if (take_token(limit, record->decision, now_ms))
        return true;
    add_over_rate(limit, record, 1);
    return false;
}

bool record_limit_has_summary(const struct record_limit *limit)
{
    return limit->suppressed_count > 0;
}

static bool next_repeat_summary(struct record_limit *limit, uint64_t now_ms,
                                struct audit_record *summary)
{
    for (size_t i = 0; i < RECORD_LIMIT_ENTRIES; i++) {
        struct limit_entry *entry = &limit->entries[i];
        if (entry->suppressed_count == 0 || now_ms < entry->window_end_ms)
            continue;
        buffer_clear(&limit->told);
        CHECK(buffer_append(&limit->told, buffer_bytes(&entry->datagram)));
        CHECK(audit_record_decode(buffer_bytes(&limit->told), summary));
        summary->count = entry->suppressed_count;
        summary->time_ms = entry->last_time_ms;
        clear_entry(limit, entry);
        return true;
    }
    return false;
}

static bool next_rate_summary(struct record_limit *limit, uint64_t now_ms,
                              struct audit_record *summary)
{
    if (now_ms < limit->rate_summary_ms)
        return false;
    for (int kind = 0; kind < AUDIT_KIND_COUNT; kind++) {
        for (int decision = 0; decision < AUDIT_DECISION_COUNT; decision++) {
            uint32_t count = limit->over_rate[kind][decision];
            if (count == 0)
                continue;
            limit->over_rate[kind][decision] = 0;
            limit->suppressed_count -= count;
            *summary = (struct audit_record){
                .time_ms = limit->last_time_ms,
                .kind = (enum audit_kind)kind,
                .decision = (enum audit_decision)decision,
                .reason = BYTES_LITERAL("too many records"),
                .count = count,
            };
            return true;
        }
    }
    limit->rate_summary_ms = now_ms + SUMMARY_INTERVAL_MS;
    return false;
}

bool record_limit_next_summary(struct record_limit *limit, uint64_t now_ms,
                               struct audit_record *summary)
{
    return limit->suppressed_count > 0 && (next_repeat_summary(limit, now_ms, summary) ||
                                           next_rate_summary(limit, now_ms, summary));
}
