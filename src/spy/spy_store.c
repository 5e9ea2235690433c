#include "spy/spy_store.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/printable.h"
#include "llm/llm_event_json.h"
#include "llm/llm_json.h"
#include "llm/llm_price.h"
#include "spy/spy_hash.h"
#include "spy/spy_prefix.h"
#include "spy/spy_spill.h"
#include "spy/spy_table.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_CALLS = 256,
    PREFIXES_MAX = 128 * 1024,
    RUNS_MAX = 1024 * 1024, /* of one call that is loaded */
    LOAD_PIECE = LLM_EVENT_LINE_MAX + 1,
};

#define LINES_MAX ((uint64_t)4 * 1024 * 1024 * 1024)
#define CHAIN_MAX ((uint64_t)512 * 1024 * 1024)

struct call {
    struct spy_summary summary;
    struct spy_prefix prefix;
    uint64_t id_hash; /* of its response's id, 0 none */
    uint64_t conversation_hash;
};

struct spy_store {
    struct spy_spill *lines, *chain; /* owned */
    bool is_replay;
    struct call *calls; /* owned; the call at `position` stands at position % SPY_STORE_CALLS_MAX */
    size_t calls_allocated;
    uint64_t first, end;
    struct spy_note *notes; /* owned, likewise */
    size_t notes_allocated;
    uint64_t first_note, end_note;
    struct spy_table *numbers;      /* position of a call by its number in events */
    struct spy_table *ids;          /* position of a call by the hash of its response's id */
    struct spy_table *sessions;     /* position of the first call by the hash of the session */
    struct spy_table *seen;         /* conversation by boundary between blocks */
    struct llm_price_table *prices; /* owned */
    bool has_built_in_prices;
    struct spy_totals totals;
    uint64_t revision;
    spy_store_observer *observer;
    void *observer_context; /* borrowed */
};

static struct spy_store *make(struct spy_spill *lines, struct error *error)
{
    struct spy_spill *chain = lines ? spy_spill_new(CHAIN_MAX, error) : NULL;
    if (chain == NULL) {
        spy_spill_free(lines);
        return NULL;
    }
    struct spy_store *store = memory_new(sizeof(*store));
    store->lines = lines;
    store->chain = chain;
    store->numbers = spy_table_new(SPY_STORE_CALLS_MAX);
    store->ids = spy_table_new(SPY_STORE_CALLS_MAX);
    store->sessions = spy_table_new(SPY_STORE_CALLS_MAX);
    store->seen = spy_table_new(PREFIXES_MAX);
    store->prices = llm_price_table_new();
    return store;
}

struct spy_store *spy_store_new(struct error *error)
{
    return make(spy_spill_new(LINES_MAX, error), error);
}

struct spy_store *spy_store_new_recording(int fd, struct error *error)
{
    return make(spy_spill_new_over(fd, error), error);
}

struct spy_store *spy_store_new_replay(int fd, struct error *error)
{
    struct spy_store *store = make(spy_spill_new_over(fd, error), error);
    if (store)
        store->is_replay = true;
    return store;
}

void spy_store_free(struct spy_store *store)
{
    if (store == NULL)
        return;
    spy_spill_free(store->lines);
    spy_spill_free(store->chain);
    free(store->calls);
    free(store->notes);
    spy_table_free(store->numbers);
    spy_table_free(store->ids);
    spy_table_free(store->sessions);
    spy_table_free(store->seen);
    llm_price_table_free(store->prices);
    free(store);
}

bool spy_store_add_prices(struct spy_store *store, const char *shown, struct bytes text,
                          struct error *error)
{
    CHECK(!store->has_built_in_prices);
    return llm_price_table_add(store->prices, shown, text, error);
}

void spy_store_observe(struct spy_store *store, spy_store_observer *observer, void *context)
{
    store->observer = observer;
    store->observer_context = context;
}

static struct call *call_at(const struct spy_store *store, uint64_t position)
{
    CHECK(position >= store->first && position < store->end);
    return &store->calls[position % SPY_STORE_CALLS_MAX];
}

/* Room for one more in a list that grows to `maximum` and then goes round. */
static void *grow_list(void *list, size_t *allocated, uint64_t wanted, size_t maximum, size_t size)
{
    if (wanted < *allocated || *allocated == maximum)
        return list;
    size_t next = *allocated ? *allocated * 2 : FIRST_CALLS;
    *allocated = next < maximum ? next : maximum;
    return memory_resize_array(list, *allocated, size);
}

static void forget_first(struct spy_store *store)
{
    const struct call *call = call_at(store, store->first);
    uint64_t position;
    if (spy_table_find(store->numbers, call->summary.number, &position) && position == store->first)
        spy_table_remove(store->numbers, call->summary.number);
    if (call->id_hash && spy_table_find(store->ids, call->id_hash, &position) &&
        position == store->first)
        spy_table_remove(store->ids, call->id_hash);
    store->first++;
}

static uint64_t add_call(struct spy_store *store, const struct llm_event *event)
{
    if (store->end - store->first == SPY_STORE_CALLS_MAX)
        forget_first(store);
    store->calls = grow_list(store->calls, &store->calls_allocated, store->end, SPY_STORE_CALLS_MAX,
                             sizeof(struct call));
    uint64_t position = store->end++;
    *call_at(store, position) = (struct call){
        .summary = {.start_ms = event->time_ms,
                    .number = event->call,
                    .conversation = position,
                    .parent = SPY_STORE_NONE,
                    .lines = {.previous = SPY_STORE_NONE},
                    .input = -1,
                    .cache_read = -1,
                    .cache_write = -1,
                    .output = -1,
                    .reasoning = -1,
                    .cost_nano = -1,
                    .first_byte_ms = -1,
                    .duration_ms = -1,
                    .api = LLM_API_OTHER},
    };
    spy_table_set(store->numbers, event->call, position);
    store->totals.calls++;
    return position;
}

/* Numbers begin anew with each recorder: a call that begins is another one, unless it is told
 * twice. */
static uint64_t position_of(struct spy_store *store, const struct llm_event *event, bool *is_first)
{
    uint64_t position;
    *is_first = false;
    if (spy_table_find(store->numbers, event->call, &position) && position >= store->first) {
        const struct spy_summary *known = &call_at(store, position)->summary;
        if (event->kind != LLM_CALL || (!known->is_over && known->start_ms == event->time_ms))
            return position;
    }
    *is_first = true;
    return add_call(store, event);
}

/* Cut between code points. A NUL of the peer's would end the text: it becomes a space. */
static void set_text(char *text, size_t size, struct bytes from)
{
    size_t length = 0;
    uint32_t code_point;
    if (from.length == 0)
        return;
    while (from.length > 0) {
        size_t taken = printable_next_code_point(from, &code_point);
        taken = taken ? taken : 1;
        if (length + taken >= size)
            break;
        for (size_t i = 0; i < taken; i++)
            text[length++] = (char)(from.data[i] ? from.data[i] : ' ');
        from = bytes_from(from, taken);
    }
    text[length] = '\0';
}

static void join_conversation(struct spy_store *store, struct call *call, uint64_t conversation)
{
    if (conversation < call->summary.conversation)
        call->summary.conversation = conversation;
}

static void take_identity(struct spy_store *store, struct call *call, uint64_t position,
                          const struct llm_event *event)
{
    struct spy_summary *summary = &call->summary;
    uint64_t found;
    set_text(summary->provider, sizeof(summary->provider), event->provider);
    set_text(summary->model, sizeof(summary->model), event->model);
    set_text(summary->operation, sizeof(summary->operation), event->operation);
    set_text(summary->host, sizeof(summary->host), event->host);
    set_text(summary->session, sizeof(summary->session), event->session);
    if (event->session.length > 0) {
        uint64_t hash = spy_hash(event->session);
        if (spy_table_find(store->sessions, hash, &found))
            join_conversation(store, call, found);
        else
            spy_table_set(store->sessions, hash, position);
    }
    if (event->parent.length > 0 && spy_table_find(store->ids, spy_hash(event->parent), &found) &&
        found >= store->first && found < position) {
        summary->parent = found;
        join_conversation(store, call, call_at(store, found)->summary.conversation);
    }
}

static void take_block(struct spy_store *store, struct call *call, const struct llm_event *event,
                       struct spy_added *added)
{
    struct spy_summary *summary = &call->summary;
    if (event->is_open)
        return;
    if (!call->prefix.is_started)
        spy_prefix_start(&call->prefix, bytes_from_text(summary->session),
                         bytes_from_text(summary->model));
    uint64_t mark = summary->conversation;
    added->is_as_before = spy_prefix_add(&call->prefix, store->seen, event, &mark);
    /* Where the client names its session, a beginning in common says nothing. */
    if (summary->session[0] == '\0')
        join_conversation(store, call, mark);
    if (event->side == LLM_SIDE_REQUEST) {
        summary->blocks[event->section]++;
        summary->as_before[event->section] += added->is_as_before;
    } else {
        summary->response_blocks++;
    }
    summary->tool_calls +=
        event->side == LLM_SIDE_RESPONSE && event->block_kind == LLM_BLOCK_TOOL_CALL;
    summary->tool_results += event->side == LLM_SIDE_REQUEST && !added->is_as_before &&
                             event->block_kind == LLM_BLOCK_TOOL_RESULT;
}

static void take_id(struct spy_store *store, struct call *call, uint64_t position,
                    const struct llm_event *event)
{
    if (event->id.length == 0)
        return;
    call->id_hash = spy_hash(event->id);
    spy_table_set(store->ids, call->id_hash, position);
}

static void replace_count(int64_t *count, uint64_t *total, int64_t told)
{
    if (told < 0)
        return;
    *total += (uint64_t)told - (uint64_t)(*count > 0 ? *count : 0);
    *count = told;
}

static void take_usage(struct spy_store *store, struct spy_summary *summary,
                       const struct llm_usage *usage)
{
    struct spy_totals *totals = &store->totals;
    replace_count(&summary->input, &totals->input, usage->input);
    replace_count(&summary->cache_read, &totals->cache_read, usage->cache_read);
    replace_count(&summary->cache_write, &totals->cache_write, usage->cache_write);
    replace_count(&summary->output, &totals->output, usage->output);
    replace_count(&summary->reasoning, &totals->reasoning, usage->reasoning);
}

/* By the name of the model that was asked for: answers name it more loosely. */
static void take_cost(struct spy_store *store, struct spy_summary *summary)
{
    const struct llm_usage usage = {.input = summary->input,
                                    .cache_read = summary->cache_read,
                                    .cache_write = summary->cache_write,
                                    .output = summary->output,
                                    .reasoning = summary->reasoning};
    if (!store->has_built_in_prices)
        llm_price_table_add_built_in(store->prices);
    store->has_built_in_prices = true;
    int64_t cost = llm_price_cost_nano(store->prices, bytes_from_text(summary->model), &usage);
    replace_count(&summary->cost_nano, &store->totals.cost_nano, cost);
    if (cost < 0)
        store->totals.is_cost_partial = true;
}

static void take_error(struct spy_store *store, struct spy_summary *summary, struct bytes type)
{
    if (summary->errors == 0)
        store->totals.errors++;
    if (summary->errors == 0)
        set_text(summary->error, sizeof(summary->error), type);
    if (summary->errors < UINT32_MAX)
        summary->errors++;
}

static void take_end(struct spy_summary *summary, const struct llm_event *event)
{
    summary->is_over = true;
    summary->is_truncated = event->is_truncated;
    summary->first_byte_ms = event->first_byte_ms;
    summary->duration_ms = event->duration_ms;
    if (event->bytes > 0)
        summary->response_bytes = event->bytes;
}

static void take_event(struct spy_store *store, uint64_t position, const struct llm_event *event,
                       struct spy_added *added)
{
    struct call *call = call_at(store, position);
    struct spy_summary *summary = &call->summary;
    switch (event->kind) {
    case LLM_CALL:
        summary->api = (uint8_t)event->api;
        summary->transport = (uint8_t)event->transport;
        take_identity(store, call, position, event);
        break;
    case LLM_REQUEST:
        summary->request_bytes = event->bytes;
        take_identity(store, call, position, event);
        break;
    case LLM_BLOCK:
        take_block(store, call, event, added);
        break;
    case LLM_RESPONSE:
        summary->status = event->status;
        take_id(store, call, position, event);
        if (event->status >= 400 && summary->errors == 0)
            take_error(store, summary, BYTES_EMPTY);
        break;
    case LLM_USAGE:
        take_usage(store, summary, &event->usage);
        take_cost(store, summary);
        break;
    case LLM_STOP:
        set_text(summary->stop, sizeof(summary->stop), event->name);
        take_id(store, call, position, event);
        break;
    case LLM_ERROR:
        take_error(store, summary, event->name);
        break;
    case LLM_END:
        take_end(summary, event);
        break;
    default:
        break;
    }
    summary->revision = store->revision;
}

/* Remember that the line stands there: as a part of the last run where it follows it. */
static bool take_line(struct spy_store *store, struct spy_summary *summary, uint64_t offset,
                      uint64_t length, struct error *error)
{
    struct spy_extent *run = &summary->lines;
    if (run->length > 0 && run->offset + run->length == offset) {
        run->length += length;
        return true;
    }
    if (run->length > 0) {
        uint64_t place = spy_spill_end(store->chain);
        struct bytes bytes = {(const uint8_t *)run, sizeof(*run)};
        if (!spy_spill_append(store->chain, bytes, BYTES_EMPTY, error))
            return false;
        run->previous = place;
    }
    run->offset = offset;
    run->length = length;
    return true;
}

static bool is_denied(struct bytes text)
{
    struct llm_json json;
    llm_json_parse(&json, text);
    bool is_deny = llm_value_get_equals(llm_json_root(&json), "decision", "deny");
    llm_json_done(&json);
    return is_deny;
}

static uint64_t add_note(struct spy_store *store, const struct llm_event *event, uint64_t offset,
                         size_t length)
{
    enum spy_note_kind kind = event->kind == LLM_LOST  ? SPY_NOTE_LOST
                              : is_denied(event->text) ? SPY_NOTE_DENIED
                                                       : SPY_NOTE_AUDIT;
    if (store->end_note - store->first_note == SPY_STORE_NOTES_MAX)
        store->first_note++;
    store->notes = grow_list(store->notes, &store->notes_allocated, store->end_note,
                             SPY_STORE_NOTES_MAX, sizeof(struct spy_note));
    store->notes[store->end_note % SPY_STORE_NOTES_MAX] = (struct spy_note){
        .time_ms = event->time_ms,
        .offset = offset,
        .length = (uint32_t)length,
        .count = event->count,
        .before = store->end,
        .kind = kind,
    };
    store->totals.denied += kind == SPY_NOTE_DENIED;
    store->totals.lost += kind == SPY_NOTE_LOST ? event->count : 0;
    return store->end_note++;
}

/* An event whose line could not be kept is told and counted all the same. */
static bool add_event(struct spy_store *store, const struct llm_event *event, struct bytes line,
                      uint64_t offset, bool is_kept, struct error *error)
{
    struct spy_added added = {.event = event};
    if (event->kind == LLM_AUDIT || event->kind == LLM_LOST) {
        added.position = add_note(store, event, offset, is_kept ? line.length : 0);
    } else if (event->call == 0) {
        store->totals.bad_lines++;
        return is_kept;
    } else {
        added.position = position_of(store, event, &added.is_first);
        struct spy_summary *summary = &call_at(store, added.position)->summary;
        if (is_kept)
            is_kept = take_line(store, summary, offset, (uint64_t)line.length + 1, error);
        take_event(store, added.position, event, &added);
    }
    if (store->observer)
        store->observer(store->observer_context, &added);
    return is_kept;
}

bool spy_store_add_at(struct spy_store *store, struct bytes line, uint64_t offset,
                      struct error *error)
{
    struct llm_event_line read;
    struct error why;
    store->revision++;
    if (!llm_event_read(line, &read, &why)) {
        store->totals.bad_lines++;
        return true;
    }
    bool is_kept = true;
    if (!store->is_replay) {
        offset = spy_spill_end(store->lines);
        is_kept = spy_spill_append(store->lines, line, BYTES_LITERAL("\n"), error);
    }
    is_kept = add_event(store, &read.event, line, offset, is_kept, error);
    llm_event_line_done(&read);
    return is_kept;
}

bool spy_store_add(struct spy_store *store, struct bytes line, struct error *error)
{
    return spy_store_add_at(store, line, 0, error);
}

void spy_store_skip(struct spy_store *store)
{
    store->revision++;
    store->totals.bad_lines++;
}

uint64_t spy_store_revision(const struct spy_store *store)
{
    return store->revision;
}

const struct spy_totals *spy_store_totals(const struct spy_store *store)
{
    return &store->totals;
}

uint64_t spy_store_first(const struct spy_store *store)
{
    return store->first;
}

uint64_t spy_store_end(const struct spy_store *store)
{
    return store->end;
}

const struct spy_summary *spy_store_summary(const struct spy_store *store, uint64_t position)
{
    return &call_at(store, position)->summary;
}

uint64_t spy_store_first_note(const struct spy_store *store)
{
    return store->first_note;
}

uint64_t spy_store_end_note(const struct spy_store *store)
{
    return store->end_note;
}

const struct spy_note *spy_store_note(const struct spy_store *store, uint64_t position)
{
    CHECK(position >= store->first_note && position < store->end_note);
    return &store->notes[position % SPY_STORE_NOTES_MAX];
}

bool spy_store_load_note(struct spy_store *store, uint64_t position, struct buffer *out)
{
    const struct spy_note *note = spy_store_note(store, position);
    CLEANUP_FREE uint8_t *line = memory_new(note->length);
    struct llm_event_line read;
    struct error ignored;
    if (!spy_spill_read(store->lines, note->offset, line, note->length) ||
        !llm_event_read((struct bytes){line, note->length}, &read, &ignored))
        return false;
    bool is_written = buffer_append(out, read.event.text);
    llm_event_line_done(&read);
    return is_written;
}

/* The runs of a call's lines, the last first; those that are no longer kept are left out. */
static size_t list_runs(const struct spy_store *store, uint64_t position, struct spy_extent **runs)
{
    struct spy_extent run = call_at(store, position)->summary.lines;
    size_t count = 0, allocated = 0;
    *runs = NULL;
    while (run.length > 0 && count < RUNS_MAX) {
        if (count == allocated) {
            allocated = allocated ? allocated * 2 : 16;
            *runs = memory_resize_array(*runs, allocated, sizeof(run));
        }
        (*runs)[count++] = run;
        if (run.previous == SPY_STORE_NONE ||
            !spy_spill_read(store->chain, run.previous, (uint8_t *)&run, sizeof(run)))
            break;
    }
    return count;
}

/* Give the whole lines of a piece; returns how many bytes they take. */
static size_t give_lines(struct bytes piece, uint64_t number, llm_event_fn *give, void *context)
{
    size_t taken = 0;
    while (taken < piece.length) {
        struct bytes rest = bytes_from(piece, taken);
        size_t length = bytes_index_of(rest, '\n');
        if (length == rest.length)
            break;
        struct llm_event_line read;
        struct error ignored;
        if (llm_event_read(bytes_first(rest, length), &read, &ignored)) {
            if (read.event.call == number)
                give(context, &read.event);
            llm_event_line_done(&read);
        }
        taken += length + 1;
    }
    return taken;
}

static bool give_run(const struct spy_store *store, const struct spy_extent *run, uint64_t number,
                     llm_event_fn *give, void *context)
{
    uint64_t done = 0, end = run->length < SPY_STORE_LOAD_MAX ? run->length : SPY_STORE_LOAD_MAX;
    while (done < end) {
        uint64_t left = end - done;
        size_t length = left < LOAD_PIECE ? (size_t)left : LOAD_PIECE;
        CLEANUP_FREE uint8_t *piece = memory_new(length);
        size_t taken = 0;
        if (spy_spill_read(store->lines, run->offset + done, piece, length))
            taken = give_lines((struct bytes){piece, length}, number, give, context);
        if (taken == 0)
            return false;
        done += taken;
    }
    return true;
}

bool spy_store_replay(struct spy_store *store, uint64_t position, llm_event_fn *give, void *context,
                      struct error *error)
{
    uint64_t number = call_at(store, position)->summary.number, given = 0;
    CLEANUP_FREE struct spy_extent *runs = NULL;
    size_t count = list_runs(store, position, &runs);
    bool is_any = false;
    for (size_t i = count; i-- > 0 && given < SPY_STORE_LOAD_MAX;) {
        given += runs[i].length;
        is_any |= give_run(store, &runs[i], number, give, context);
    }
    return is_any || error_set(error, "this call is no longer kept");
}

static void apply(void *context, const struct llm_event *event)
{
    llm_call_apply(context, event);
}

struct llm_call *spy_store_load(struct spy_store *store, uint64_t position, struct error *error)
{
    struct llm_call *call = llm_call_new(call_at(store, position)->summary.number);
    if (spy_store_replay(store, position, apply, call, error))
        return call;
    llm_call_free(call);
    return NULL;
}
