#include "spy/spy_section.h"

#include "base/memory.h"
#include "llm/llm_json.h"
#include "spy/spy_figures.h"
#include "spy/spy_hash.h"
#include "spy/spy_section_raw.h"
#include "spy/spy_text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PARAMETERS_MAX = 1024,
    NATIVE_CAP = 64 * 1024,
    BODY_INDENT = 3,
    SHORT_SESSION = 8,
    UPGRADE_REQUIRED = 426
};

/* The operation of one that made no WebSocket (llm_exchange.c). */
#define HANDSHAKE "handshake"

void spy_section_world_init(struct spy_section_world *world, struct spy_store *store,
                            const struct spy_text_options *options)
{
    *world = (struct spy_section_world){
        .store = store,
        .options = options,
        .parameters = spy_table_new(PARAMETERS_MAX),
        .tool_calls = spy_table_new(SPY_SECTION_TOOL_NAMES),
        .tool_names = memory_new_array(SPY_SECTION_TOOL_NAMES, sizeof(world->tool_names[0])),
    };
}

void spy_section_world_done(struct spy_section_world *world)
{
    spy_table_free(world->parameters);
    spy_table_free(world->tool_calls);
    free(world->tool_names);
}

void spy_section_start(struct spy_section *section, struct spy_section_world *world,
                       uint64_t position, spy_output_fn *write, void *context)
{
    memset(section, 0, sizeof(*section));
    section->world = world;
    section->position = position;
    if (position != SPY_STORE_NONE)
        section->number = spy_store_summary(world->store, position)->number;
    spy_paper_init(&section->paper, write, context);
    section->paper.width = world->options->width;
    section->paper.has_colours = world->options->has_colours;
    buffer_init(&section->native, NATIVE_CAP);
}

void spy_section_done(struct spy_section *section)
{
    buffer_done(&section->native);
}

static const struct spy_summary *summary_of(const struct spy_section *section)
{
    return spy_store_summary(section->world->store, section->position);
}

static void add_time(struct spy_section *section, struct spy_paper *paper, uint64_t time_ms)
{
    char text[SPY_FIGURE_SIZE];
    spy_paper_add_text(paper, spy_figure_time(time_ms, section->world->options->is_utc, text));
}

static void add_word(struct spy_paper *paper, const char *before, const char *word)
{
    if (*word)
        spy_paper_add_format(paper, "%s%s", before, word);
}

/* The line that a call begins with. */
static void add_head(struct spy_section *section)
{
    struct spy_paper *paper = &section->paper;
    struct spy_store *store = section->world->store;
    const struct spy_summary *summary = summary_of(section);
    section->has_head = true;
    spy_paper_set(paper, SPY_STYLE_HEAD, 0);
    spy_paper_add_text(paper, "== ");
    add_time(section, paper, summary->start_ms);
    spy_paper_add_format(paper, " #%llu", (unsigned long long)summary->number);
    add_word(paper, " ", summary->provider);
    add_word(paper, " ", summary->model);
    add_word(paper, " ", summary->operation);
    char session[SHORT_SESSION + 1];
    snprintf(session, sizeof(session), "%.*s", SHORT_SESSION, summary->session);
    add_word(paper, ", session ", session);
    add_word(paper, ", ", llm_transport_name((enum llm_transport)summary->transport));
    if (summary->parent != SPY_STORE_NONE && summary->parent >= spy_store_first(store))
        spy_paper_add_format(paper, ", goes on from #%llu",
                             (unsigned long long)spy_store_summary(store, summary->parent)->number);
    spy_paper_end_line(paper);
}

/* "(4 system blocks, 18 tools and 14 blocks as before)" */
static void tell_as_before(struct spy_section *section)
{
    static const char *const words[SPY_SECTION_COUNT] = {
        [LLM_SECTION_SYSTEM] = "system block",
        [LLM_SECTION_TOOLS] = "tool",
        [LLM_SECTION_MESSAGES] = "block",
    };
    struct spy_paper *paper = &section->paper;
    const char *before = "(";
    for (int i = 0; i < SPY_SECTION_COUNT; i++) {
        uint32_t count = section->untold[i];
        if (count == 0)
            continue;
        if (*before == '(')
            spy_paper_set(paper, SPY_STYLE_NOTE, BODY_INDENT);
        spy_paper_add_format(paper, "%s%u %s%s", before, count, words[i], count == 1 ? "" : "s");
        before = ", ";
        section->untold[i] = 0;
    }
    if (*before == '(')
        return;
    spy_paper_add_text(paper, " as before)");
    spy_paper_end_line(paper);
    section->has_heading = false;
}

static void end_tools(struct spy_section *section)
{
    if (section->is_in_tools)
        spy_paper_end_line(&section->paper);
    section->is_in_tools = false;
}

static const char *tool_name(const struct spy_section_world *world, struct bytes id)
{
    uint64_t place;
    if (id.length == 0 || !spy_table_find(world->tool_calls, spy_hash(id), &place))
        return "";
    return world->tool_names[place % SPY_SECTION_TOOL_NAMES];
}

static void remember_tool(struct spy_section_world *world, const struct llm_event *event)
{
    if (event->id.length == 0 || event->name.length == 0)
        return;
    uint64_t place = world->tool_count++;
    char *name = world->tool_names[place % SPY_SECTION_TOOL_NAMES];
    snprintf(name, SPY_SECTION_TOOL_NAME_SIZE, "%.*s",
             (int)bytes_first(event->name, SPY_SECTION_TOOL_NAME_SIZE).length,
             (const char *)event->name.data);
    spy_table_set(world->tool_calls, spy_hash(event->id), place);
}

static void add_identity(struct spy_paper *paper, struct bytes name, struct bytes id)
{
    if (name.length > 0) {
        spy_paper_add_text(paper, " ");
        spy_paper_add(paper, name);
    }
    if (id.length > 0) {
        spy_paper_add_text(paper, " (");
        spy_paper_add(paper, id);
        spy_paper_add_text(paper, ")");
    }
}

static enum llm_role role_of(const struct llm_event *event)
{
    if (event->role != LLM_ROLE_NONE)
        return event->role;
    if (event->side == LLM_SIDE_RESPONSE)
        return LLM_ROLE_ASSISTANT;
    return event->section == LLM_SECTION_SYSTEM ? LLM_ROLE_SYSTEM : LLM_ROLE_USER;
}

static void add_size(struct spy_paper *paper, uint64_t bytes)
{
    spy_paper_add_format(paper, ", %llu bytes", (unsigned long long)bytes);
}

static enum spy_style heading_style(const struct llm_event *event)
{
    switch (event->block_kind) {
    case LLM_BLOCK_THINKING:
    case LLM_BLOCK_REDACTED:
        return SPY_STYLE_THOUGHT;
    case LLM_BLOCK_TOOL_CALL:
        return SPY_STYLE_TOOL;
    case LLM_BLOCK_TOOL_RESULT:
        return event->is_error ? SPY_STYLE_ERROR : SPY_STYLE_TOOL;
    default:
        return event->side == LLM_SIDE_REQUEST ? SPY_STYLE_ASKED : SPY_STYLE_SAID;
    }
}

/* Who speaks, and what it is. */
static void add_heading(struct spy_section *section, const struct llm_event *event)
{
    struct spy_paper *paper = &section->paper;
    enum llm_role role = role_of(event);
    bool is_same = section->has_heading && section->side == event->side && section->role == role &&
                   section->kind == event->block_kind;
    bool is_plain = event->block_kind == LLM_BLOCK_TEXT || event->block_kind == LLM_BLOCK_THINKING;
    spy_paper_end_line(paper);
    if (is_same && is_plain)
        return;
    section->has_heading = true;
    section->side = event->side;
    section->role = role;
    section->kind = event->block_kind;
    spy_paper_set(paper, heading_style(event), 0);
    spy_paper_add_format(paper, "%s ", event->side == LLM_SIDE_REQUEST ? "->" : "<-");
    if (event->block_kind != LLM_BLOCK_TOOL_RESULT)
        spy_paper_add_text(paper, llm_role_name(role));
    switch (event->block_kind) {
    case LLM_BLOCK_THINKING:
        spy_paper_add_text(paper, ", thinking");
        break;
    case LLM_BLOCK_REDACTED:
        spy_paper_add_text(paper, ", thinking that only the provider reads");
        add_size(paper, event->bytes);
        break;
    case LLM_BLOCK_TOOL_CALL:
        spy_paper_add_text(paper, " calls");
        add_identity(paper, event->name, event->id);
        break;
    case LLM_BLOCK_TOOL_RESULT: {
        struct bytes name = event->name;
        if (name.length == 0)
            name = bytes_from_text(tool_name(section->world, event->id));
        spy_paper_add_text(paper, event->is_error ? "error of" : "result of");
        add_identity(paper, name, event->id);
        break;
    }
    case LLM_BLOCK_MEDIA:
        spy_paper_add_text(paper, ",");
        add_identity(paper, event->name, BYTES_EMPTY);
        add_size(paper, event->bytes);
        break;
    case LLM_BLOCK_OTHER:
        spy_paper_add_text(paper, ",");
        add_identity(paper, event->name, event->id);
        break;
    case LLM_BLOCK_CACHE_POINT:
        spy_paper_add_text(paper, ", cached up to here ");
        spy_paper_add(paper, event->text);
        break;
    default:
        break;
    }
    spy_paper_end_line(paper);
}

static void start_body(struct spy_section *section, enum llm_block_kind kind)
{
    spy_paper_set(&section->paper, kind == LLM_BLOCK_THINKING ? SPY_STYLE_THOUGHT : SPY_STYLE_PLAIN,
                  BODY_INDENT);
    spy_pretty_start(&section->pretty);
}

static void add_body(struct spy_section *section, enum llm_block_kind kind, struct bytes text)
{
    if (kind == LLM_BLOCK_TOOL_CALL || kind == LLM_BLOCK_OTHER)
        spy_pretty_add(&section->pretty, &section->paper, text);
    else
        spy_paper_add(&section->paper, text);
}

/* A definition: its name and size in a list, or all of it. */
static void add_tool(struct spy_section *section, const struct llm_event *event)
{
    const struct spy_text_options *options = section->world->options;
    struct spy_paper *paper = &section->paper;
    size_t size = event->text.length + event->json.length;
    if (!section->is_in_tools) {
        spy_paper_set(paper, SPY_STYLE_ASKED, 0);
        spy_paper_add_text(paper, "-> tools");
        spy_paper_set(paper, SPY_STYLE_PLAIN, BODY_INDENT);
        section->has_heading = false;
    } else if (!options->has_tools) {
        spy_paper_add_text(paper, ", ");
    }
    section->is_in_tools = true;
    if (!options->has_tools) {
        spy_paper_add(paper, event->name);
        spy_paper_add_format(paper, " (%zu bytes)", size);
        return;
    }
    spy_paper_set(paper, SPY_STYLE_TOOL, BODY_INDENT);
    spy_paper_add(paper, event->name);
    start_body(section, LLM_BLOCK_TOOL);
    spy_paper_add(paper, event->text);
    spy_paper_end_line(paper);
    spy_pretty_add(&section->pretty, paper, event->json);
    spy_paper_end_line(paper);
}

static void add_whole_block(struct spy_section *section, const struct llm_event *event)
{
    if (event->block_kind == LLM_BLOCK_TOOL) {
        add_tool(section, event);
        return;
    }
    end_tools(section);
    bool is_shown_json = event->block_kind == LLM_BLOCK_OTHER && event->json.length > 0;
    struct bytes body = is_shown_json ? event->json : event->text;
    if (event->block_kind == LLM_BLOCK_CACHE_POINT)
        body = BYTES_EMPTY;
    add_heading(section, event);
    start_body(section, event->block_kind);
    add_body(section, event->block_kind, body);
    spy_paper_end_line(&section->paper);
}

static void add_request_block(struct spy_section *section, const struct llm_event *event)
{
    const struct spy_text_options *options = section->world->options;
    uint32_t number = section->counted[event->section]++;
    bool is_known = number < summary_of(section)->as_before[event->section];
    if (event->block_kind == LLM_BLOCK_TOOL_CALL)
        remember_tool(section->world, event);
    if (is_known && !options->is_all) {
        section->untold[event->section]++;
        return;
    }
    /* Where the cache ends moves with each call. */
    if (event->block_kind == LLM_BLOCK_CACHE_POINT && !options->is_all && !options->is_raw)
        return;
    tell_as_before(section);
    add_whole_block(section, event);
}

static void skip_block(struct spy_section *section, uint32_t block)
{
    if (section->skipped_count < SPY_SECTION_SKIPPED)
        section->skipped[section->skipped_count++] = block;
}

static void forget_skipped(struct spy_section *section, uint32_t block)
{
    for (size_t i = 0; i < section->skipped_count; i++) {
        if (section->skipped[i] == block)
            section->skipped[i] = section->skipped[--section->skipped_count];
    }
}

static void open_block(struct spy_section *section, const struct llm_event *event)
{
    if (section->is_streaming) {
        if (section->streamed_block != event->block)
            skip_block(section, event->block);
        return;
    }
    section->is_streaming = true;
    section->streamed_block = event->block;
    section->streamed_bytes = event->text.length;
    add_heading(section, event);
    start_body(section, event->block_kind);
    add_body(section, event->block_kind, event->text);
}

/* A line of JSON without a place: what the provider said beyond what is known. */
static void show_native(struct spy_section *section, struct bytes line)
{
    struct spy_paper *paper = &section->paper;
    section->has_heading = false;
    spy_paper_set(paper, SPY_STYLE_NOTE, 0);
    spy_paper_add_text(paper, ".. ");
    spy_paper_add(paper, line);
    spy_paper_end_line(paper);
}

static void show_natives(struct spy_section *section)
{
    struct bytes rest = buffer_bytes(&section->native), line;
    while (rest.length > 0 && bytes_next_token(&rest, '\n', &line)) {
        if (line.length > 0)
            show_native(section, line);
    }
    buffer_clear(&section->native);
}

static void add_native(struct spy_section *section, const struct llm_event *event)
{
    struct bytes text = event->json.length > 0 ? event->json : event->text;
    if (section->is_streaming && text.length + 1 <= buffer_room(&section->native)) {
        (void)!buffer_append(&section->native, text);
        (void)!buffer_append_byte(&section->native, '\n');
        return;
    }
    show_native(section, text);
}

static void close_block(struct spy_section *section, const struct llm_event *event)
{
    bool is_streamed = section->is_streaming && section->streamed_block == event->block;
    if (event->block_kind == LLM_BLOCK_TOOL_CALL)
        remember_tool(section->world, event);
    forget_skipped(section, event->block);
    if (!is_streamed) {
        if (!section->is_streaming)
            add_whole_block(section, event);
        else
            skip_block(section, event->block); /* shown from the store when the call is over */
        return;
    }
    section->is_streaming = false;
    spy_paper_end_line(&section->paper);
    /* Of a long text the end repeats only the beginning. */
    if (section->streamed_bytes != event->text.length + event->bytes) {
        /* Pieces were lost on the way here. */
        if (section->streamed_bytes > 0) {
            spy_paper_set(&section->paper, SPY_STYLE_NOTE, BODY_INDENT);
            spy_paper_add_text(&section->paper, "(whole:)");
        }
        start_body(section, event->block_kind);
        add_body(section, event->block_kind, event->text);
        spy_paper_end_line(&section->paper);
    }
    show_natives(section);
}

static void add_response_block(struct spy_section *section, const struct llm_event *event)
{
    end_tools(section);
    tell_as_before(section);
    if (event->is_open)
        open_block(section, event);
    else
        close_block(section, event);
}

static void add_delta(struct spy_section *section, const struct llm_event *event)
{
    bool is_streamed = section->is_streaming && section->streamed_block == event->block;
    if (event->side != LLM_SIDE_RESPONSE || !is_streamed)
        return;
    section->streamed_bytes += event->text.length;
    add_body(section, section->kind, event->text);
}

/* Our own short JSON, with spaces at which a line may break. */
static void add_spaced(struct spy_paper *paper, struct bytes json)
{
    bool is_in_text = false;
    size_t start = 0;
    for (size_t i = 0; i < json.length; i++) {
        uint8_t byte = json.data[i];
        if (byte == '"')
            is_in_text = !is_in_text;
        else if (is_in_text && byte == '\\')
            i++;
        if (is_in_text || (byte != ',' && byte != ':'))
            continue;
        spy_paper_add(paper, (struct bytes){json.data + start, i + 1 - start});
        spy_paper_add_text(paper, " ");
        start = i + 1;
    }
    spy_paper_add(paper, bytes_from(json, start));
}

static void add_request(struct spy_section *section, const struct llm_event *event)
{
    uint64_t parts[] = {spy_hash(event->parameters), spy_hash(event->model)}, ignored;
    uint64_t hash = spy_hash_of(parts, 2);
    bool is_known = spy_table_find(section->world->parameters, hash, &ignored);
    if (event->parameters.length <= 2 || (is_known && !section->world->options->is_all))
        return;
    spy_table_set(section->world->parameters, hash, 0);
    spy_paper_set(&section->paper, SPY_STYLE_NOTE, BODY_INDENT);
    add_spaced(&section->paper, event->parameters);
    spy_paper_end_line(&section->paper);
    section->has_heading = false;
}

static void add_error(struct spy_section *section, const struct llm_event *event)
{
    struct spy_paper *paper = &section->paper;
    section->has_heading = false;
    spy_paper_set(paper, SPY_STYLE_ERROR, 0);
    spy_paper_add_text(paper, "!! ");
    spy_paper_add(paper, event->name);
    if (event->name.length > 0 && event->text.length > 0)
        spy_paper_add_text(paper, ": ");
    spy_paper_add(paper, event->text);
    uint16_t status = summary_of(section)->status;
    if (status > 0 && status < 400)
        spy_paper_add_format(paper, " (though HTTP said %u)", status);
    spy_paper_end_line(paper);
}

/* Blocks that began while another one streamed and were not shown. */
static void add_skipped(struct spy_section *section, const struct llm_call *call)
{
    for (uint32_t i = 0; i < call->response.count; i++) {
        const struct llm_block *block = &call->response.items[i];
        bool is_skipped = false;
        for (size_t k = 0; k < section->skipped_count; k++)
            is_skipped |= section->skipped[k] == block->number;
        if (!is_skipped)
            continue;
        struct llm_event event = llm_event_make(LLM_BLOCK, call->number);
        event.side = LLM_SIDE_RESPONSE;
        event.role = block->role;
        event.block_kind = block->kind;
        event.bytes = block->bytes;
        event.is_error = block->is_error;
        event.id = llm_text_bytes(&block->id);
        event.name = llm_text_bytes(&block->name);
        event.text = llm_text_bytes(&block->text);
        event.json = llm_text_bytes(&block->json);
        add_whole_block(section, &event);
    }
}

static void add_end(struct spy_section *section, const struct llm_event *event)
{
    struct spy_section_world *world = section->world;
    struct spy_paper *paper = &section->paper;
    struct error ignored;
    struct llm_call *call = NULL;
    spy_paper_end_line(paper);
    section->is_streaming = false;
    show_natives(section);
    if (world->options->is_raw || section->skipped_count > 0)
        call = spy_store_load(world->store, section->position, &ignored);
    if (call && section->skipped_count > 0)
        add_skipped(section, call);
    if (call && world->options->is_raw)
        spy_section_raw_add(paper, call);
    llm_call_free(call);
    char figures[SPY_FIGURES_SIZE];
    const struct spy_summary *summary = summary_of(section);
    spy_paper_set(paper, summary->errors || event->is_truncated ? SPY_STYLE_ERROR : SPY_STYLE_NOTE,
                  0);
    spy_paper_add_format(paper, "-- #%llu ", (unsigned long long)summary->number);
    spy_paper_add_text(paper, spy_figures_of(summary, figures));
    if (event->is_truncated) {
        spy_paper_add_text(paper, ", not whole: ");
        spy_paper_add(paper, event->text);
    }
    spy_paper_end_line(paper);
    section->is_over = true;
}

/* A WebSocket that the server does not take, and the client goes on without, is a line. */
static bool is_refused_handshake(const struct spy_section *section, const struct llm_event *event)
{
    const struct spy_summary *summary = summary_of(section);
    return !section->world->options->is_raw && strcmp(summary->operation, HANDSHAKE) == 0 &&
           (summary->status == UPGRADE_REQUIRED || event->kind == LLM_REQUEST);
}

static void add_refused_handshake(struct spy_section *section)
{
    struct spy_paper *paper = &section->paper;
    const struct spy_summary *summary = summary_of(section);
    spy_paper_set(paper, SPY_STYLE_NOTE, 0);
    spy_paper_add_text(paper, ".. ");
    add_time(section, paper, summary->start_ms);
    spy_paper_add_format(paper, " #%llu %s takes no WebSocket (%u)",
                         (unsigned long long)summary->number, summary->provider, summary->status);
    spy_paper_end_line(paper);
    section->is_over = true;
}

void spy_section_add(struct spy_section *section, const struct llm_event *event)
{
    if (event->kind == LLM_CALL)
        return;
    if (!section->has_head && is_refused_handshake(section, event)) {
        if (event->kind == LLM_END)
            add_refused_handshake(section);
        return;
    }
    if (!section->has_head)
        add_head(section);
    switch (event->kind) {
    case LLM_REQUEST:
        add_request(section, event);
        break;
    case LLM_BLOCK:
        if (event->side == LLM_SIDE_REQUEST)
            add_request_block(section, event);
        else
            add_response_block(section, event);
        break;
    case LLM_DELTA:
        add_delta(section, event);
        break;
    case LLM_RESPONSE:
        end_tools(section);
        tell_as_before(section);
        break;
    case LLM_ERROR:
        end_tools(section);
        tell_as_before(section);
        add_error(section, event);
        break;
    case LLM_NATIVE:
        end_tools(section);
        add_native(section, event);
        break;
    case LLM_END:
        end_tools(section);
        tell_as_before(section);
        add_end(section, event);
        break;
    default:
        break;
    }
}

static void add_member(struct spy_paper *paper, struct llm_value record, const char *before,
                       const char *key)
{
    struct bytes text = llm_value_get_text(record, key);
    if (text.length == 0)
        return;
    spy_paper_add_text(paper, before);
    spy_paper_add(paper, text);
}

void spy_section_add_note(struct spy_section *section, const struct spy_note *note,
                          const struct llm_event *event)
{
    struct spy_paper *paper = &section->paper;
    if (note->kind == SPY_NOTE_LOST) {
        spy_paper_set(paper, SPY_STYLE_ERROR, 0);
        spy_paper_add_format(paper, "## %llu events were lost here",
                             (unsigned long long)note->count);
        spy_paper_end_line(paper);
        return;
    }
    struct llm_json json;
    llm_json_parse(&json, event->text);
    struct llm_value record = llm_json_root(&json);
    spy_paper_set(paper, SPY_STYLE_ERROR, 0);
    spy_paper_add_text(paper, "## ");
    add_time(section, paper, note->time_ms);
    spy_paper_add_text(paper, " denied");
    add_member(paper, record, " ", "kind");
    add_member(paper, record, " ", "name");
    int64_t port = llm_value_get_number(record, "port");
    if (port > 0)
        spy_paper_add_format(paper, ":%lld", (long long)port);
    add_member(paper, record, " ", "method");
    add_member(paper, record, " ", "path");
    add_member(paper, record, " | ", "reason");
    spy_paper_end_line(paper);
    llm_json_done(&json);
}

void spy_section_rest(struct spy_section *section)
{
    spy_paper_flush(&section->paper);
}

void spy_section_pause(struct spy_section *section)
{
    spy_paper_end_line(&section->paper);
}

void spy_section_go_on(struct spy_section *section)
{
    struct spy_paper paper;
    spy_paper_init(&paper, section->paper.write, section->paper.context);
    paper.has_colours = section->paper.has_colours;
    spy_paper_set(&paper, SPY_STYLE_HEAD, 0);
    spy_paper_add_format(&paper, "== #%llu goes on", (unsigned long long)section->number);
    spy_paper_end_line(&paper);
}

bool spy_section_is_in_block(const struct spy_section *section)
{
    return section->is_streaming;
}
