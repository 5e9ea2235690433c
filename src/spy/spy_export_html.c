#include "spy/spy_export.h"

#include "llm/llm_json.h"
#include "spy/spy_export_page.h"
#include "spy/spy_figures.h"
#include "spy/spy_width.h"

#include <stdio.h>
#include <string.h>

/*
 * One page that needs nothing else: calls in a list beside their details, which fold without a
 * script. Remote text stands only between tags, never within one, with all that means something to
 * HTML written as an entity and what cannot be seen as an escape; the policy of the page forbids
 * every resource and every script but its own.
 */

struct page {
    struct spy_store *store;   /* borrowed */
    struct spy_output *output; /* borrowed */
};

static void add_own(struct page *page, const char *markup)
{
    spy_output_add_text(page->output, markup);
}

static void add_character(struct page *page, struct bytes *text)
{
    char shown[SPY_WIDTH_SHOWN];
    int columns;
    bool is_escaped;
    size_t taken = spy_width_take(*text, shown, &columns, &is_escaped);
    if (is_escaped) {
        add_own(page, "<i class=x>");
        add_own(page, shown);
        add_own(page, "</i>");
    } else {
        spy_output_add(page->output, bytes_first(*text, taken));
    }
    *text = bytes_from(*text, taken);
}

/* Remote text, between tags. */
static void add_text(struct page *page, struct bytes text)
{
    while (text.length > 0) {
        const char *entity = NULL;
        switch (text.data[0]) {
        case '&':
            entity = "&amp;";
            break;
        case '<':
            entity = "&lt;";
            break;
        case '>':
            entity = "&gt;";
            break;
        case '"':
            entity = "&quot;";
            break;
        case '\'':
            entity = "&#39;";
            break;
        case '\n':
            entity = "\n";
            break;
        case '\t':
            entity = "\t";
            break;
        default:
            add_character(page, &text);
            continue;
        }
        add_own(page, entity);
        text = bytes_from(text, 1);
    }
}

static void add_c_text(struct page *page, const char *text)
{
    add_text(page, bytes_from_text(text));
}

static void add_cell(struct page *page, const char *class, const char *text)
{
    spy_output_add_format(page->output, "<td class=%s>", class);
    add_c_text(page, text);
    add_own(page, "</td>");
}

static void add_count_cell(struct page *page, int64_t count)
{
    char text[SPY_FIGURE_SIZE] = "";
    if (count >= 0)
        snprintf(text, sizeof(text), "%lld", (long long)count);
    add_cell(page, "n", text);
}

static void add_row(struct page *page, uint64_t position)
{
    const struct spy_summary *summary = spy_store_summary(page->store, position);
    char text[SPY_FIGURE_SIZE];
    spy_output_add_format(page->output, "<tr class=%s data-call=c%llu><td><a href=#c%llu>",
                          summary->errors ? "bad" : "good", (unsigned long long)position,
                          (unsigned long long)position);
    add_c_text(page, spy_figure_time(summary->start_ms, true, text));
    add_own(page, "</a></td>");
    add_cell(page, "t", summary->provider);
    add_cell(page, "t", summary->model);
    add_cell(page, "t", summary->operation);
    snprintf(text, sizeof(text), "%u", summary->status);
    add_cell(page, "n", summary->status ? text : "");
    add_count_cell(page, summary->input);
    add_count_cell(page, summary->cache_read);
    add_count_cell(page, summary->output);
    add_cell(page, "n",
             summary->first_byte_ms < 0 ? "" : spy_figure_duration(summary->first_byte_ms, text));
    add_cell(page, "n",
             summary->duration_ms < 0 ? "" : spy_figure_duration(summary->duration_ms, text));
    add_cell(page, "n", summary->cost_nano < 0 ? "" : spy_figure_cost(summary->cost_nano, text));
    add_own(page, "</tr>\n");
}

static void add_list(struct page *page, const struct spy_choice *choice)
{
    add_own(page,
            "<nav><table><thead><tr><th>time (UTC)<th>provider<th>model<th>kind<th>status"
            "<th>in<th>cached<th>out<th>first byte<th>duration<th>cost</tr></thead><tbody>\n");
    for (uint64_t position = spy_store_first(page->store); position < spy_store_end(page->store);
         position++) {
        if (spy_choice_has(choice, page->store, position))
            add_row(page, position);
    }
    add_own(page, "</tbody></table></nav>\n");
}

static void open_part(struct page *page, const char *class, const char *title, size_t count,
                      bool is_open)
{
    spy_output_add_format(page->output, "<details class=%s%s><summary>%s", class,
                          is_open ? " open" : "", title);
    if (count != SIZE_MAX)
        spy_output_add_format(page->output, " <b>%zu</b>", count);
    add_own(page, "</summary>\n");
}

static void close_part(struct page *page)
{
    add_own(page, "</details>\n");
}

static void add_pre(struct page *page, struct bytes text)
{
    if (text.length == 0)
        return;
    /* The parser drops a line feed right behind the tag. */
    add_own(page, "<pre>\n");
    add_text(page, text);
    add_own(page, "</pre>\n");
}

static const char *block_class(const struct llm_block *block)
{
    switch (block->kind) {
    case LLM_BLOCK_THINKING:
    case LLM_BLOCK_REDACTED:
        return "thought";
    case LLM_BLOCK_TOOL_CALL:
        return "call";
    case LLM_BLOCK_TOOL_RESULT:
        return block->is_error ? "error" : "result";
    default:
        return block->role == LLM_ROLE_ASSISTANT ? "said" : "asked";
    }
}

static void add_block(struct page *page, const struct llm_block *block, bool is_known)
{
    spy_output_add_format(page->output, "<details class=\"block %s%s\"%s><summary>%s %s",
                          block_class(block), is_known ? " known" : "", is_known ? "" : " open",
                          llm_role_name(block->role), llm_block_kind_name(block->kind));
    if (block->name.length > 0) {
        add_own(page, " <b>");
        add_text(page, llm_text_bytes(&block->name));
        add_own(page, "</b>");
    }
    if (block->id.length > 0) {
        add_own(page, " <code>");
        add_text(page, llm_text_bytes(&block->id));
        add_own(page, "</code>");
    }
    if (block->bytes > 0)
        spy_output_add_format(page->output, " %llu bytes", (unsigned long long)block->bytes);
    if (is_known)
        add_own(page, " (as before)");
    add_own(page, "</summary>\n");
    add_pre(page, llm_text_bytes(&block->text));
    add_pre(page, llm_text_bytes(&block->json));
    add_own(page, "</details>\n");
}

static void add_section(struct page *page, const struct spy_summary *summary,
                        const struct llm_call *call, enum llm_section section, const char *title)
{
    size_t count = 0, known = summary->as_before[section];
    for (size_t i = 0; i < call->request.count; i++)
        count += call->request.items[i].section == section;
    if (count == 0)
        return;
    open_part(page, "part", title, count, section == LLM_SECTION_MESSAGES);
    for (size_t i = 0; i < call->request.count; i++) {
        const struct llm_block *block = &call->request.items[i];
        if (block->section != section)
            continue;
        add_block(page, block, known > 0);
        known -= known > 0;
    }
    close_part(page);
}

static void add_headers(struct page *page, const char *title, const struct llm_text *headers)
{
    struct llm_json json;
    if (headers->length == 0)
        return;
    llm_json_parse(&json, llm_text_bytes(headers));
    struct llm_members members = llm_members_of(llm_json_root(&json));
    open_part(page, "part", title, SIZE_MAX, false);
    add_own(page, "<pre>\n");
    while (llm_members_next(&members)) {
        struct llm_members field = llm_members_of(members.value);
        if (llm_members_next(&field))
            add_text(page, llm_value_text(field.value));
        add_own(page, ": ");
        if (llm_members_next(&field))
            add_text(page, llm_value_text(field.value));
        add_own(page, "\n");
    }
    add_own(page, "</pre>\n");
    close_part(page);
    llm_json_done(&json);
}

static void add_body(struct page *page, const char *title, const struct llm_text *body)
{
    if (body->length == 0)
        return;
    open_part(page, "part", title, body->length, false);
    add_pre(page, llm_text_bytes(body));
    close_part(page);
}

static void add_head(struct page *page, uint64_t position, const struct llm_call *call)
{
    const struct spy_summary *summary = spy_store_summary(page->store, position);
    char time[SPY_FIGURE_SIZE], figures[SPY_FIGURES_SIZE];
    spy_output_add_format(page->output, "<section id=c%llu class=%s>\n<h2>",
                          (unsigned long long)position, summary->errors ? "bad" : "good");
    spy_output_add_format(page->output, "#%llu ", (unsigned long long)summary->number);
    add_c_text(page, spy_figure_time(summary->start_ms, true, time));
    add_own(page, " ");
    add_text(page, llm_text_bytes(&call->provider));
    add_own(page, " ");
    add_text(page, llm_text_bytes(&call->model));
    add_own(page, " ");
    add_text(page, llm_text_bytes(&call->operation));
    spy_output_add_format(page->output, "</h2>\n<p>%s ", llm_transport_name(call->transport));
    add_text(page, llm_text_bytes(&call->method));
    add_own(page, " ");
    add_text(page, llm_text_bytes(&call->host));
    add_text(page, llm_text_bytes(&call->path));
    if (call->session.length > 0) {
        add_own(page, ", session ");
        add_text(page, llm_text_bytes(&call->session));
    }
    if (summary->parent != SPY_STORE_NONE && summary->parent >= spy_store_first(page->store))
        spy_output_add_format(
            page->output, ", goes on from <a href=#c%llu>#%llu</a>",
            (unsigned long long)summary->parent,
            (unsigned long long)spy_store_summary(page->store, summary->parent)->number);
    add_own(page, "</p>\n<p class=figures>");
    add_c_text(page, spy_figures_of(summary, figures));
    add_own(page, "</p>\n");
}

static void add_problems(struct page *page, const struct llm_call *call)
{
    for (size_t i = 0; i < call->error_count; i++) {
        add_own(page, "<p class=problem>");
        add_text(page, llm_text_bytes(&call->errors[i].type));
        add_own(page, ": ");
        add_text(page, llm_text_bytes(&call->errors[i].message));
        add_own(page, "</p>\n");
    }
    if (!call->is_truncated && call->is_over)
        return;
    add_own(page, "<p class=problem>not whole: ");
    add_text(page, call->is_truncated ? llm_text_bytes(&call->truncation)
                                      : BYTES_LITERAL("its end was not captured"));
    add_own(page, "</p>\n");
}

static void add_call(void *context, uint64_t position, const struct llm_call *call)
{
    struct page *page = context;
    const struct spy_summary *summary = spy_store_summary(page->store, position);
    add_head(page, position, call);
    add_problems(page, call);
    add_headers(page, "headers of the request", &call->request_headers);
    if (call->parameters.length > 0) {
        open_part(page, "part", "parameters", SIZE_MAX, false);
        add_pre(page, llm_text_bytes(&call->parameters));
        close_part(page);
    }
    add_section(page, summary, call, LLM_SECTION_SYSTEM, "system");
    add_section(page, summary, call, LLM_SECTION_TOOLS, "tools");
    add_section(page, summary, call, LLM_SECTION_MESSAGES, "messages");
    add_headers(page, "headers of the response", &call->response_headers);
    if (call->response.count > 0) {
        open_part(page, "part", "response", call->response.count, true);
        for (size_t i = 0; i < call->response.count; i++)
            add_block(page, &call->response.items[i], false);
        close_part(page);
    }
    if (call->native.length > 0) {
        open_part(page, "part", "other events", SIZE_MAX, false);
        add_pre(page, llm_text_bytes(&call->native));
        close_part(page);
    }
    if (call->native_usage.length > 0) {
        open_part(page, "part", "usage", SIZE_MAX, false);
        add_pre(page, llm_text_bytes(&call->native_usage));
        close_part(page);
    }
    add_body(page, "body of the request, bytes", &call->request_body);
    add_body(page, "body of the response, bytes", &call->response_body);
    add_own(page, "</section>\n");
}

static void add_denied(struct page *page, const struct spy_choice *choice)
{
    bool is_any = false;
    for (uint64_t position = spy_store_first_note(page->store);
         position < spy_store_end_note(page->store); position++) {
        const struct spy_note *note = spy_store_note(page->store, position);
        struct buffer record;
        if (note->kind != SPY_NOTE_DENIED || note->time_ms < choice->since_ms)
            continue;
        if (!is_any)
            add_own(page, "<section id=denied><h2>denied</h2>\n");
        is_any = true;
        buffer_init(&record, SPY_NOTE_BYTES_MAX);
        if (spy_store_load_note(page->store, position, &record))
            add_pre(page, buffer_bytes(&record));
        buffer_done(&record);
    }
    if (is_any)
        add_own(page, "</section>\n");
}

static void add_totals(struct page *page)
{
    const struct spy_totals *totals = spy_store_totals(page->store);
    char cost[SPY_FIGURE_SIZE];
    double part = totals->input ? 100.0 * (double)totals->cache_read / (double)totals->input : 0.0;
    spy_output_add_format(page->output,
                          "<footer>%llu calls, %llu with errors, in %llu (cached %.0f %%), out "
                          "%llu, %llu denied",
                          (unsigned long long)totals->calls, (unsigned long long)totals->errors,
                          (unsigned long long)totals->input, part,
                          (unsigned long long)totals->output, (unsigned long long)totals->denied);
    if (totals->cost_nano > 0) {
        add_own(page, ", ");
        add_c_text(page, spy_figure_cost((int64_t)(totals->cost_nano & INT64_MAX), cost));
    }
    add_own(page, "</footer>\n");
}

void spy_export_html(struct spy_store *store, const struct spy_choice *choice,
                     struct spy_output *output)
{
    struct page page = {store, output};
    add_own(&page, spy_export_page_start);
    add_list(&page, choice);
    add_own(&page, "<main>\n");
    spy_export_each(store, choice, add_call, &page);
    add_denied(&page, choice);
    add_own(&page, "</main>\n");
    add_totals(&page);
    add_own(&page, spy_export_page_end);
}
