#include "llm/llm_call.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "llm/llm_json.h"

struct bytes llm_text_bytes(const struct llm_text *text)
{
    return (struct bytes){(const uint8_t *)text->data, text->length};
}

/* What is allocated for a length: the next power of two, so that growing copies little. */
static size_t allocated_for(size_t length)
{
    size_t size = 32;
    while (size < length)
        size *= 2;
    return size;
}

/* Append what fits; false when something did not. */
static bool append(struct llm_text *text, struct bytes more)
{
    struct bytes fits = bytes_first(more, LLM_CALL_TEXT_MAX - text->length);
    if (fits.length) {
        size_t wanted = allocated_for(text->length + fits.length);
        if (text->data == NULL || wanted != allocated_for(text->length))
            text->data = memory_resize_array(text->data, wanted, 1);
        memcpy(text->data + text->length, fits.data, fits.length);
        text->length += fits.length;
    }
    return fits.length == more.length;
}

static void clear(struct llm_text *text)
{
    free(text->data);
    *text = (struct llm_text){0};
}

static void truncate_call(struct llm_call *call, const char *reason)
{
    call->is_truncated = true;
    if (call->truncation.length == 0)
        append(&call->truncation, bytes_from_text(reason));
}

/* Later events say nothing about a field by leaving it empty. */
static void replace(struct llm_call *call, struct llm_text *text, struct bytes told)
{
    if (told.length == 0 || bytes_equal(llm_text_bytes(text), told))
        return;
    clear(text);
    if (!append(text, told))
        truncate_call(call, "a text was too long to be kept");
}

struct llm_call *llm_call_new(uint64_t number)
{
    struct llm_call *call = memory_new(sizeof(*call));
    *call = (struct llm_call){
        .number = number,
        .api = LLM_API_OTHER,
        .usage = llm_event_make(LLM_USAGE, number).usage,
        .first_byte_ms = -1,
        .duration_ms = -1,
    };
    return call;
}

static void free_blocks(struct llm_block_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct llm_block *block = &list->items[i];
        clear(&block->id);
        clear(&block->name);
        clear(&block->text);
        clear(&block->json);
    }
    free(list->items);
}

void llm_call_free(struct llm_call *call)
{
    if (call == NULL)
        return;
    struct llm_text *const texts[] = {
        &call->provider,
        &call->host,
        &call->method,
        &call->path,
        &call->request_headers,
        &call->operation,
        &call->model,
        &call->response_model,
        &call->session,
        &call->parent,
        &call->parameters,
        &call->id,
        &call->native,
        &call->request_body,
        &call->response_body,
        &call->native_usage,
        &call->stop,
        &call->truncation,
        &call->response_headers,
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        clear(texts[i]);
    free_blocks(&call->request);
    free_blocks(&call->response);
    for (size_t i = 0; i < call->error_count; i++) {
        clear(&call->errors[i].type);
        clear(&call->errors[i].message);
    }
    free(call->errors);
    free(call);
}

static uint64_t hash_more(uint64_t hash, struct bytes bytes)
{
    for (size_t i = 0; i < bytes.length; i++)
        hash = (hash ^ bytes.data[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* Of all but the text, each part with its length before it; the text goes on from there. */
static uint64_t hash_before_text(const struct llm_block *block)
{
    const uint64_t numbers[] = {block->section,     block->role,       block->kind,
                                block->is_error,    block->bytes,      block->id.length,
                                block->name.length, block->json.length};
    uint64_t hash = bytes_hash((struct bytes){(const uint8_t *)numbers, sizeof(numbers)});
    hash = hash_more(hash, llm_text_bytes(&block->id));
    hash = hash_more(hash, llm_text_bytes(&block->name));
    return hash_more(hash, llm_text_bytes(&block->json));
}

/* The block with that number, made where it is new; NULL past the limit. */
static struct llm_block *find_block(struct llm_block_list *list, uint32_t number)
{
    size_t low = 0, high = list->count;
    /* Nearly always the last one, or a new one after it. */
    if (high && list->items[high - 1].number < number)
        low = high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list->items[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < list->count && list->items[low].number == number)
        return &list->items[low];
    if (list->count == LLM_CALL_BLOCKS_MAX)
        return NULL;
    if (list->count == list->allocated) {
        list->allocated = list->allocated ? list->allocated * 2 : 8;
        list->items = memory_resize_array(list->items, list->allocated, sizeof(*list->items));
    }
    struct llm_block *block = &list->items[low];
    memmove(block + 1, block, (list->count - low) * sizeof(*block));
    list->count++;
    *block = (struct llm_block){
        .number = number, .section = LLM_SECTION_MESSAGES, .kind = LLM_BLOCK_TEXT, .is_open = true};
    block->hash = hash_before_text(block);
    return block;
}

static struct llm_block *block_of(struct llm_call *call, const struct llm_event *event)
{
    bool is_request = event->side == LLM_SIDE_REQUEST;
    struct llm_block *block =
        find_block(is_request ? &call->request : &call->response, event->block);
    if (block == NULL)
        truncate_call(call, "it has too many blocks");
    return block;
}

/* A block that ends may say that the last `bytes` of its text were told by deltas: they stay. */
static bool is_told_by_deltas(const struct llm_block *block, const struct llm_event *event)
{
    return event->bytes && event->text.length < block->text.length &&
           block->text.length == event->text.length + event->bytes &&
           bytes_start_with(llm_text_bytes(&block->text), event->text);
}

static void apply_block(struct llm_call *call, const struct llm_event *event)
{
    struct llm_block *block = block_of(call, event);
    if (block == NULL)
        return;
    bool is_told = is_told_by_deltas(block, event);
    block->section = event->section;
    block->role = event->role;
    block->kind = event->block_kind;
    block->message = event->message;
    block->is_open = event->is_open;
    block->is_error = event->is_error;
    block->bytes = is_told ? 0 : event->bytes;
    replace(call, &block->id, event->id);
    replace(call, &block->name, event->name);
    replace(call, &block->json, event->json);
    if (!is_told) {
        if (event->text.length == 0)
            clear(&block->text);
        replace(call, &block->text, event->text);
    }
    block->hash = hash_more(hash_before_text(block), llm_text_bytes(&block->text));
}

static void apply_delta(struct llm_call *call, const struct llm_event *event)
{
    struct llm_block *block = block_of(call, event);
    if (block == NULL || !block->is_open)
        return;
    size_t before = block->text.length;
    if (append(&block->text, event->text)) {
        block->hash = hash_more(block->hash, event->text);
    } else {
        block->bytes += event->text.length - (block->text.length - before);
        block->hash = hash_more(hash_before_text(block), llm_text_bytes(&block->text));
        truncate_call(call, "a text was too long to be kept");
    }
}

static void apply_about(struct llm_call *call, const struct llm_event *event)
{
    call->api = event->api;
    replace(call, &call->operation, event->operation);
    replace(call, &call->model, event->model);
    replace(call, &call->session, event->session);
    replace(call, &call->parent, event->parent);
}

static void apply_call(struct llm_call *call, const struct llm_event *event)
{
    call->start_ms = event->time_ms;
    call->exchange = event->exchange;
    call->transport = event->transport;
    apply_about(call, event);
    replace(call, &call->provider, event->provider);
    replace(call, &call->host, event->host);
    replace(call, &call->method, event->method);
    replace(call, &call->path, event->path);
    replace(call, &call->request_headers, event->headers);
}

static void apply_request(struct llm_call *call, const struct llm_event *event)
{
    apply_about(call, event);
    replace(call, &call->parameters, event->parameters);
    call->request_bytes = event->bytes;
    call->request_wire_bytes = event->wire_bytes;
}

static void apply_answer(struct llm_call *call, const struct llm_event *event)
{
    replace(call, &call->response_model, event->model);
    replace(call, &call->id, event->id);
    if (event->kind == LLM_STOP) {
        replace(call, &call->stop, event->name);
        return;
    }
    replace(call, &call->response_headers, event->headers);
    if (event->status)
        call->status = event->status;
}

static void apply_usage(struct llm_call *call, const struct llm_usage *told)
{
    struct llm_usage *usage = &call->usage;
    int64_t *const to[] = {&usage->input, &usage->cache_read, &usage->cache_write, &usage->output,
                           &usage->reasoning};
    const int64_t from[] = {told->input, told->cache_read, told->cache_write, told->output,
                            told->reasoning};
    for (size_t i = 0; i < sizeof(to) / sizeof(*to); i++)
        if (from[i] >= 0)
            *to[i] = from[i];
    replace(call, &call->native_usage, told->native);
    usage->native = llm_text_bytes(&call->native_usage);
}

static void apply_error(struct llm_call *call, const struct llm_event *event)
{
    for (size_t i = 0; i < call->error_count; i++)
        if (bytes_equal(llm_text_bytes(&call->errors[i].type), event->name) &&
            bytes_equal(llm_text_bytes(&call->errors[i].message), event->text))
            return;
    if (call->error_count == LLM_CALL_ERRORS_MAX) {
        truncate_call(call, "it has too many errors");
        return;
    }
    call->errors = memory_resize_array(call->errors, call->error_count + 1, sizeof(*call->errors));
    struct llm_call_error *error = &call->errors[call->error_count++];
    *error = (struct llm_call_error){0};
    append(&error->type, event->name);
    append(&error->message, event->text);
}

static void apply_native(struct llm_call *call, const struct llm_event *event)
{
    struct buffer line;
    buffer_init(&line, LLM_CALL_TEXT_MAX - call->native.length);
    struct llm_json json;
    bool is_json = event->json.length && llm_json_parse(&json, event->json) == LLM_JSON_WHOLE;
    bool is_room = buffer_append_format(&line, "{\"side\":\"%s\",\"name\":",
                                        event->side == LLM_SIDE_REQUEST ? "request" : "response") &&
                   llm_json_append_quoted(&line, event->name);
    if (is_room && is_json)
        is_room = buffer_append_text(&line, ",\"json\":") &&
                  llm_value_compact(llm_json_root(&json), &line);
    else if (is_room)
        is_room =
            buffer_append_text(&line, ",\"text\":") && llm_json_append_quoted(&line, event->text);
    if (is_room && buffer_append_text(&line, "}\n"))
        append(&call->native, buffer_bytes(&line));
    else
        truncate_call(call, "it has too many events without a place");
    if (event->json.length)
        llm_json_done(&json);
    buffer_done(&line);
}

static void apply_body(struct llm_call *call, const struct llm_event *event)
{
    bool is_request = event->side == LLM_SIDE_REQUEST;
    if (!append(is_request ? &call->request_body : &call->response_body, event->text))
        truncate_call(call, "a body was too long to be kept");
}

static void apply_end(struct llm_call *call, const struct llm_event *event)
{
    call->is_over = true;
    call->first_byte_ms = event->first_byte_ms;
    call->duration_ms = event->duration_ms;
    call->response_bytes = event->bytes;
    call->response_wire_bytes = event->wire_bytes;
    if (!event->is_truncated)
        return;
    call->is_truncated = true;
    replace(call, &call->truncation, event->text);
}

void llm_call_apply(struct llm_call *call, const struct llm_event *event)
{
    if (call->start_ms == 0)
        call->start_ms = event->time_ms;
    switch (event->kind) {
    case LLM_CALL:
        apply_call(call, event);
        return;
    case LLM_REQUEST:
        apply_request(call, event);
        return;
    case LLM_BLOCK:
        apply_block(call, event);
        return;
    case LLM_DELTA:
        apply_delta(call, event);
        return;
    case LLM_RESPONSE:
    case LLM_STOP:
        apply_answer(call, event);
        return;
    case LLM_USAGE:
        apply_usage(call, &event->usage);
        return;
    case LLM_ERROR:
        apply_error(call, event);
        return;
    case LLM_NATIVE:
        apply_native(call, event);
        return;
    case LLM_BODY:
        apply_body(call, event);
        return;
    case LLM_END:
        apply_end(call, event);
        return;
    case LLM_AUDIT:
    case LLM_LOST:
    case LLM_EVENT_KIND_COUNT:
        return;
    }
}
