#include "spy/screen_detail.h"

#include "base/check.h"
#include "base/memory.h"
#include "spy/screen_detail_parts.h"
#include "spy/screen_format.h"
#include "spy/screen_marks.h"

#include <stdlib.h>

enum { HEAD_MAX = 64 * 1024 };

void screen_detail_init(struct screen_detail *detail)
{
    *detail = (struct screen_detail){0};
    buffer_init(&detail->head, HEAD_MAX);
}

static void forget_texts(struct screen_detail *detail)
{
    for (size_t i = 0; i < detail->text_count; i++)
        buffer_done(&detail->texts[i]);
    free(detail->texts);
    detail->texts = NULL;
    detail->text_count = 0;
}

void screen_detail_done(struct screen_detail *detail)
{
    forget_texts(detail);
    buffer_done(&detail->head);
}

/* What does not fit is left out: the head is short, and only remote texts make it long. */
static void add(struct buffer *out, const char *before, const struct llm_text *text)
{
    struct bytes bytes = bytes_first(llm_text_bytes(text), 4096);
    if (bytes.length)
        (void)(buffer_append_text(out, before) && buffer_append(out, bytes));
}

static const char *transport_of(const struct llm_call *call)
{
    return call->transport == LLM_TRANSPORT_HTTP2       ? "HTTP/2"
           : call->transport == LLM_TRANSPORT_WEBSOCKET ? "WebSocket"
                                                        : "HTTP/1.1";
}

static void write_progress(struct buffer *out, const struct llm_call *call)
{
    char text[SCREEN_FORMAT_SIZE];
    if (call->status)
        (void)!buffer_append_format(out, "\nstatus %u", (unsigned)call->status);
    else
        (void)!buffer_append_text(out, call->is_over ? "\nno response" : "\nno response yet");
    if (call->first_byte_ms >= 0)
        (void)!buffer_append_format(out, ", first byte %s",
                                    screen_format_duration(call->first_byte_ms, text));
    if (call->duration_ms >= 0)
        (void)!buffer_append_format(out, ", took %s",
                                    screen_format_duration(call->duration_ms, text));
}

/* As they are read, and as they travelled where that is something else. */
static void write_sizes(struct buffer *out, const struct llm_call *call)
{
    char request[SCREEN_FORMAT_SIZE], response[SCREEN_FORMAT_SIZE];
    (void)!buffer_append_format(out, "\nrequest %s, response %s",
                                screen_format_bytes(call->request_bytes, request),
                                screen_format_bytes(call->response_bytes, response));
    bool is_coded =
        (call->request_wire_bytes && call->request_wire_bytes != call->request_bytes) ||
        (call->response_wire_bytes && call->response_wire_bytes != call->response_bytes);
    if (is_coded)
        (void)!buffer_append_format(out, "\non the wire %s and %s",
                                    screen_format_bytes(call->request_wire_bytes, request),
                                    screen_format_bytes(call->response_wire_bytes, response));
}

static void add_head(struct screen_detail *detail, struct screen_sections *sections)
{
    const struct llm_call *call = detail->call;
    struct buffer *head = &detail->head;
    char text[SCREEN_FORMAT_SIZE];
    buffer_clear(head);
    add(head, "", &call->method);
    add(head, " ", &call->host);
    add(head, "", &call->path);
    (void)!buffer_append_format(head, " %s", transport_of(call));
    add(head, "\nsession ", &call->session);
    add(head, "\ngoes on from ", &call->parent);
    add(head, "\nresponse ", &call->id);
    add(head, " by ", &call->response_model);
    write_progress(head, call);
    write_sizes(head, call);
    if (call->is_truncated)
        add(head, "\nnot whole: ", &call->truncation);
    struct screen_section *section =
        screen_sections_add(sections, SCREEN_DETAIL_KEY_CALL, 0, SCREEN_OPEN);
    section->title_style = SCREEN_BOLD;
    screen_section_title_add(section, llm_text_bytes(&call->provider));
    screen_section_title(section, SCREEN_BOLD, " ");
    screen_section_title_add(section, llm_text_bytes(&call->model));
    screen_section_title(section, SCREEN_BOLD, " ");
    screen_section_title_add(section, llm_text_bytes(&call->operation));
    screen_section_note(section, "#%llu %s", (unsigned long long)call->number,
                        screen_format_moment(call->start_ms, detail->is_local, text));
    screen_section_text(section, buffer_bytes(head), bytes_hash(buffer_bytes(head)));
}

static void add_usage(const struct screen_detail *detail, struct screen_sections *sections)
{
    const struct llm_usage *usage = &detail->call->usage;
    char text[SCREEN_FORMAT_SIZE];
    if (usage->input < 0 && usage->output < 0)
        return;
    struct screen_section *section =
        screen_sections_add(sections, SCREEN_DETAIL_KEY_USAGE, 0, SCREEN_FOLDED);
    screen_section_title(section, SCREEN_HEADING, "usage");
    screen_section_note(section, "in %s", screen_format_number(usage->input, text));
    if (usage->cache_read >= 0 && usage->input > 0) {
        screen_section_note(
            section, " (%s cached",
            screen_format_cached((uint64_t)usage->cache_read, (uint64_t)usage->input, text));
        screen_section_note(section, ": %s", screen_format_number(usage->cache_read, text));
        if (usage->cache_write >= 0)
            screen_section_note(section, ", %s written",
                                screen_format_number(usage->cache_write, text));
        screen_section_note(section, ")");
    }
    screen_section_note(section, " out %s", screen_format_number(usage->output, text));
    if (usage->reasoning >= 0)
        screen_section_note(section, " (%s reasoning)",
                            screen_format_number(usage->reasoning, text));
    if (detail->summary && detail->summary->cost_nano >= 0)
        screen_section_note(section, " %s$%s", screen_marks()->about,
                            screen_format_cost(detail->summary->cost_nano, text));
    struct bytes native = llm_text_bytes(&detail->call->native_usage);
    screen_detail_text(detail, section, SCREEN_FORM_JSON, native, bytes_hash(native));
}

static void add_errors(const struct screen_detail *detail, struct screen_sections *sections)
{
    for (size_t i = 0; i < detail->call->error_count; i++) {
        const struct llm_call_error *error = &detail->call->errors[i];
        struct screen_section *section =
            screen_sections_add(sections, SCREEN_DETAIL_KEY_ERROR + i, 0, SCREEN_OPEN);
        screen_section_title(section, SCREEN_ERROR, "error ");
        screen_section_title_add(section, llm_text_bytes(&error->type));
        section->style = SCREEN_ERROR;
        struct bytes message = llm_text_bytes(&error->message);
        screen_detail_text(detail, section, SCREEN_FORM_TEXT, message, bytes_hash(message));
    }
}

void screen_detail_add_headers(const struct screen_detail *detail, struct screen_sections *sections,
                               enum llm_side side, enum screen_fold fold)
{
    const struct llm_call *call = detail->call;
    bool is_request = side == LLM_SIDE_REQUEST;
    struct bytes json =
        llm_text_bytes(is_request ? &call->request_headers : &call->response_headers);
    if (json.length == 0)
        return;
    struct screen_section *section = screen_sections_add(
        sections,
        is_request ? SCREEN_DETAIL_KEY_REQUEST_HEADERS : SCREEN_DETAIL_KEY_RESPONSE_HEADERS, 0,
        fold);
    screen_section_title(section, SCREEN_HEADING, "%s headers",
                         is_request ? "request" : "response");
    screen_detail_text(detail, section, SCREEN_FORM_HEADERS, json, bytes_hash(json));
}

/* The result of a tool call in a list, at or behind `from`. */
static const struct llm_block *result_of(const struct llm_block_list *list, size_t from,
                                         size_t before, const struct llm_text *id)
{
    for (size_t i = from; i < before && id->length > 0; i++)
        if (list->items[i].kind == LLM_BLOCK_TOOL_RESULT &&
            bytes_equal(llm_text_bytes(&list->items[i].id), llm_text_bytes(id)))
            return &list->items[i];
    return NULL;
}

static const struct llm_block *call_of(const struct llm_block_list *list, size_t from,
                                       size_t before, const struct llm_text *id)
{
    for (size_t i = before; i-- > from && id->length > 0;)
        if (list->items[i].kind == LLM_BLOCK_TOOL_CALL &&
            bytes_equal(llm_text_bytes(&list->items[i].id), llm_text_bytes(id)))
            return &list->items[i];
    return NULL;
}

/* Messages of one run: what was seen before, or what is new. */
struct run {
    const struct llm_block_list *list;
    size_t start, end;
    int depth;
};

/* A result whose call stands outside of the run says whose it is. */
static void name_result(const struct screen_detail *detail, const struct run *run, size_t at,
                        struct screen_section *section)
{
    const struct llm_block *block = &run->list->items[at];
    const struct llm_block *call = call_of(run->list, 0, at, &block->id);
    if (call == NULL && detail->previous)
        call =
            call_of(&detail->previous->response, 0, detail->previous->response.count, &block->id);
    if (call) {
        screen_section_title(section, section->title_style, " of ");
        screen_section_title_add(section, llm_text_bytes(&call->name));
    }
}

static void add_message_block(const struct screen_detail *detail, struct screen_sections *sections,
                              const struct run *run, size_t at, int depth)
{
    const struct llm_block *block = &run->list->items[at];
    bool is_result = block->kind == LLM_BLOCK_TOOL_RESULT;
    struct screen_section *section =
        screen_detail_add_block(detail, sections, LLM_SIDE_REQUEST, block, depth, SCREEN_PREVIEW);
    if (is_result)
        name_result(detail, run, at, section);
    if (block->kind != LLM_BLOCK_TOOL_CALL)
        return;
    const struct llm_block *result = result_of(run->list, at + 1, run->end, &block->id);
    if (result)
        screen_detail_add_block(detail, sections, LLM_SIDE_REQUEST, result, depth + 1,
                                SCREEN_PREVIEW);
}

static bool is_below_its_call(const struct run *run, size_t at)
{
    const struct llm_block *block = &run->list->items[at];
    return block->kind == LLM_BLOCK_TOOL_RESULT &&
           call_of(run->list, run->start, at, &block->id) != NULL;
}

/* Blocks that are shown from `at` on as long as the role stays the same; `*next` is behind them. */
static size_t same_role(const struct run *run, size_t at, size_t *next)
{
    size_t shown = 0, i = at;
    for (; i < run->end && run->list->items[i].role == run->list->items[at].role; i++)
        shown += !is_below_its_call(run, i);
    *next = i;
    return shown;
}

static const char *name_of_role(enum llm_role role)
{
    const char *name = llm_role_name(role);
    return name[0] ? name : "input";
}

static void add_run(const struct screen_detail *detail, struct screen_sections *sections,
                    const struct run *run)
{
    size_t next = 0;
    for (size_t at = run->start; at < run->end; at = next) {
        size_t shown = same_role(run, at, &next);
        if (shown == 0)
            continue;
        const struct llm_block *first = &run->list->items[at];
        /* A text alone has no title but who says it. */
        if (next == at + 1 && first->kind == LLM_BLOCK_TEXT) {
            struct screen_section *said = screen_detail_add_block(
                detail, sections, LLM_SIDE_REQUEST, first, run->depth, SCREEN_PREVIEW);
            said->title_length = 0;
            screen_section_title(said, SCREEN_HEADING, "%s", name_of_role(first->role));
            continue;
        }
        uint64_t key = screen_detail_block_key(LLM_SIDE_REQUEST, first, SCREEN_DETAIL_PART_ROLE);
        struct screen_section *role = screen_sections_add(sections, key, run->depth, SCREEN_OPEN);
        screen_section_title(role, SCREEN_HEADING, "%s", name_of_role(first->role));
        if (shown > 1)
            screen_section_note(role, "%zu blocks", shown);
        for (size_t i = at; i < next; i++)
            if (!is_below_its_call(run, i))
                add_message_block(detail, sections, run, i, run->depth + 1);
    }
}

/* Where the blocks of a section of the request begin and end. */
static struct run section_of(const struct llm_call *call, enum llm_section section)
{
    struct run run = {&call->request, 0, 0, 1};
    while (run.start < run.list->count && run.list->items[run.start].section != section)
        run.start++;
    for (run.end = run.start;
         run.end < run.list->count && run.list->items[run.end].section == section;)
        run.end++;
    return run;
}

static size_t seen_before(const struct screen_detail *detail, enum llm_section section,
                          const struct run *run)
{
    size_t seen = detail->summary ? detail->summary->as_before[section] : 0;
    return seen < run->end - run->start ? seen : run->end - run->start;
}

static uint64_t bytes_of(const struct run *run)
{
    uint64_t bytes = 0;
    for (size_t i = run->start; i < run->end; i++)
        bytes += run->list->items[i].text.length + run->list->items[i].json.length;
    return bytes;
}

static void note_run(struct screen_section *section, const struct run *run, size_t seen)
{
    char text[SCREEN_FORMAT_SIZE];
    size_t count = run->end - run->start;
    screen_section_note(section, "%zu, %s", count, screen_format_bytes(bytes_of(run), text));
    if (seen == count)
        screen_section_note(section, ", seen before");
    else if (seen > 0)
        screen_section_note(section, ", %zu new", count - seen);
}

/* System texts, or tools. */
static void add_plain(const struct screen_detail *detail, struct screen_sections *sections,
                      enum llm_section kind, enum screen_detail_key key)
{
    struct run run = section_of(detail->call, kind);
    if (run.start == run.end)
        return;
    struct screen_section *section = screen_sections_add(sections, key, 0, SCREEN_FOLDED);
    screen_section_title(section, SCREEN_HEADING, "%s", llm_section_name(kind));
    note_run(section, &run, seen_before(detail, kind, &run));
    for (size_t i = run.start; i < run.end; i++)
        screen_detail_add_block(detail, sections, LLM_SIDE_REQUEST, &run.list->items[i], 1,
                                kind == LLM_SECTION_TOOLS ? SCREEN_FOLDED : SCREEN_PREVIEW);
}

static void add_messages(const struct screen_detail *detail, struct screen_sections *sections)
{
    struct run run = section_of(detail->call, LLM_SECTION_MESSAGES);
    size_t seen = seen_before(detail, LLM_SECTION_MESSAGES, &run);
    struct run before = {run.list, run.start, run.start + seen, 1};
    struct run new = {run.list, run.start + seen, run.end, 0};
    if (seen > 0) {
        struct screen_section *section =
            screen_sections_add(sections, SCREEN_DETAIL_KEY_BEFORE, 0, SCREEN_FOLDED);
        screen_section_title(section, SCREEN_HEADING, "seen before");
        note_run(section, &before, 0);
        add_run(detail, sections, &before);
    }
    add_run(detail, sections, &new);
}

static void add_response(const struct screen_detail *detail, struct screen_sections *sections)
{
    const struct llm_call *call = detail->call;
    const struct llm_block_list *list = &call->response;
    if (list->count == 0 && call->is_over)
        return;
    struct screen_section *section =
        screen_sections_add(sections, SCREEN_DETAIL_KEY_RESPONSE, 0, SCREEN_OPEN);
    screen_section_title(section, call->is_over ? SCREEN_HEADING : SCREEN_LIVE, "response");
    if (!call->is_over)
        screen_section_note(section, list->count ? "arriving" : "waiting");
    screen_section_note_add(section, llm_text_bytes(&call->stop));
    for (size_t i = 0; i < list->count; i++) {
        const struct llm_block *block = &list->items[i];
        screen_detail_add_block(detail, sections, LLM_SIDE_RESPONSE, block, 1, SCREEN_OPEN);
        if (block->kind != LLM_BLOCK_TOOL_CALL || detail->next == NULL)
            continue;
        const struct llm_block *result =
            result_of(&detail->next->request, 0, detail->next->request.count, &block->id);
        if (result == NULL)
            continue;
        struct llm_block numbered = *result; /* a key beside the call's */
        numbered.number = block->number;
        screen_sections_add(
            sections,
            screen_detail_block_key(LLM_SIDE_RESPONSE, &numbered, SCREEN_DETAIL_PART_RESULT), 2,
            SCREEN_PREVIEW);
        struct screen_section *below = &sections->items[sections->count - 1];
        screen_section_title(below, result->is_error ? SCREEN_ERROR : SCREEN_TOOL, "%s %s",
                             screen_marks()->result, result->is_error ? "failed" : "result");
        screen_section_note(below, "in the next call");
        screen_detail_text(detail, below, SCREEN_FORM_TEXT, llm_text_bytes(&result->text),
                           result->hash);
    }
}

static void add_json(const struct screen_detail *detail, struct screen_sections *sections,
                     enum screen_detail_key key, const char *title, const struct llm_text *text)
{
    if (text->length == 0)
        return;
    struct screen_section *section = screen_sections_add(sections, key, 0, SCREEN_FOLDED);
    screen_section_title(section, SCREEN_HEADING, "%s", title);
    struct bytes bytes = llm_text_bytes(text);
    screen_detail_text(detail, section, SCREEN_FORM_JSON, bytes, bytes_hash(bytes));
}

static void make_call(struct screen_detail *detail, struct screen_sections *sections)
{
    const struct llm_call *call = detail->call;
    add_head(detail, sections);
    add_usage(detail, sections);
    add_errors(detail, sections);
    screen_detail_add_headers(detail, sections, LLM_SIDE_REQUEST, SCREEN_FOLDED);
    add_json(detail, sections, SCREEN_DETAIL_KEY_PARAMETERS, "parameters", &call->parameters);
    add_plain(detail, sections, LLM_SECTION_SYSTEM, SCREEN_DETAIL_KEY_SYSTEM);
    add_plain(detail, sections, LLM_SECTION_TOOLS, SCREEN_DETAIL_KEY_TOOLS);
    add_messages(detail, sections);
    add_response(detail, sections);
    screen_detail_add_headers(detail, sections, LLM_SIDE_RESPONSE, SCREEN_FOLDED);
    add_json(detail, sections, SCREEN_DETAIL_KEY_NATIVE, "other events", &call->native);
}

void screen_detail_make(struct screen_detail *detail, struct screen_pane *pane)
{
    screen_sections_begin(&pane->sections);
    forget_texts(detail);
    if (detail->call == NULL)
        ; /* nothing is shown */
    else if (detail->form == SCREEN_DETAIL_DIFF)
        screen_detail_make_diff(detail, &pane->sections);
    else if (detail->form == SCREEN_DETAIL_RAW)
        screen_detail_make_raw(detail, &pane->sections);
    else
        make_call(detail, &pane->sections);
    screen_sections_end(&pane->sections);
    screen_pane_refresh(pane);
}
