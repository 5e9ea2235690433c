#include "llm/llm_draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum state { OPEN, TOLD };

struct llm_draft_block {
    uint64_t key;
    enum state state;
    uint32_t number;
    /* Of an open block: */
    struct llm_event event; /* texts are not used */
    struct llm_held id, name, text, json;
    uint64_t text_bytes; /* told, also past what `text` holds */
};

void llm_draft_init(struct llm_draft *draft, struct llm_context *context, uint64_t number,
                    uint64_t time_ms, enum llm_api api)
{
    *draft = (struct llm_draft){
        .context = context, .number = number, .time_ms = time_ms, .start_ms = time_ms, .api = api};
    llm_held_init(&draft->native_usage, context, LLM_EVENT_TEXT_MAX);
}

static void release_block(struct llm_draft_block *block)
{
    llm_held_done(&block->id);
    llm_held_done(&block->name);
    llm_held_done(&block->text);
    llm_held_done(&block->json);
}

void llm_draft_done(struct llm_draft *draft)
{
    for (size_t i = 0; i < draft->block_count; i++)
        if (draft->blocks[i].state == OPEN)
            release_block(&draft->blocks[i]);
    free(draft->blocks);
    draft->blocks = NULL;
    draft->block_count = 0;
    llm_held_count(draft->context, &draft->block_counted, 0);
    llm_held_done(&draft->native_usage);
}

struct llm_event llm_draft_event(const struct llm_draft *draft, enum llm_event_kind kind)
{
    struct llm_event event = llm_event_make(kind, draft->number);
    event.time_ms = draft->time_ms;
    return event;
}

struct llm_event llm_draft_block(const struct llm_draft *draft, enum llm_side side,
                                 enum llm_role role, enum llm_block_kind kind)
{
    struct llm_event event = llm_draft_event(draft, LLM_BLOCK);
    event.side = side;
    event.section = LLM_SECTION_MESSAGES;
    event.role = role;
    event.block_kind = kind;
    return event;
}

void llm_draft_emit(struct llm_draft *draft, const struct llm_event *event)
{
    draft->context->emit(draft->context->emit_context, event);
}

void llm_draft_truncate(struct llm_draft *draft, const char *reason)
{
    if (draft->is_truncated)
        return;
    draft->is_truncated = true;
    snprintf(draft->truncation, sizeof(draft->truncation), "%s", reason);
}

/* The first `length` bytes or less, not cut within a character. */
static struct bytes first_text(struct bytes text, size_t length)
{
    if (text.length <= length)
        return text;
    while (length && (text.data[length] & 0xc0) == 0x80)
        length--;
    return bytes_first(text, length);
}

/* JSON cannot be cut: what is too long for a line is told as a text. */
static struct llm_event without_long_json(struct llm_event event)
{
    if (event.json.length <= LLM_EVENT_TEXT_MAX)
        return event;
    if (event.text.length == 0)
        event.text = event.json;
    else
        event.bytes += event.json.length;
    event.json = BYTES_EMPTY;
    return event;
}

static void emit_deltas(struct llm_draft *draft, enum llm_side side, uint32_t number,
                        struct bytes text)
{
    while (text.length) {
        struct llm_event delta = llm_draft_event(draft, LLM_DELTA);
        delta.side = side;
        delta.block = number;
        delta.text = first_text(text, LLM_EVENT_TEXT_MAX);
        llm_draft_emit(draft, &delta);
        text = bytes_from(text, delta.text.length);
    }
}

/* Tell a whole block; one with a long text is opened, grows and ends. */
static void emit_whole(struct llm_draft *draft, struct llm_event event)
{
    event = without_long_json(event);
    event.is_open = false;
    event.id = first_text(event.id, LLM_DRAFT_WORD_MAX);
    event.name = first_text(event.name, LLM_DRAFT_WORD_MAX);
    struct bytes text = event.text;
    if (text.length <= LLM_EVENT_TEXT_MAX) {
        llm_draft_emit(draft, &event);
        return;
    }
    struct llm_event open = event;
    open.is_open = true;
    open.text = first_text(text, LLM_EVENT_TEXT_MAX);
    llm_draft_emit(draft, &open);
    emit_deltas(draft, event.side, event.block, bytes_from(text, open.text.length));
    event.text = open.text;
    event.bytes = text.length - open.text.length;
    llm_draft_emit(draft, &event);
}

static bool take_number(struct llm_draft *draft, uint32_t *number)
{
    if (draft->response_blocks == LLM_DRAFT_BLOCKS_MAX) {
        llm_draft_truncate(draft, "the response has too many blocks");
        return false;
    }
    *number = draft->response_blocks++;
    return true;
}

void llm_draft_add(struct llm_draft *draft, const struct llm_event *block)
{
    struct llm_event event = *block;
    if (event.side == LLM_SIDE_REQUEST)
        event.block = draft->request_blocks++;
    else if (!take_number(draft, &event.block))
        return;
    emit_whole(draft, event);
}

static struct llm_draft_block *find(const struct llm_draft *draft, uint64_t key)
{
    for (size_t i = draft->block_count; i > 0; i--)
        if (draft->blocks[i - 1].key == key)
            return &draft->blocks[i - 1];
    return NULL;
}

static struct llm_draft_block *add_block(struct llm_draft *draft, uint64_t key)
{
    uint32_t number;
    if (!take_number(draft, &number))
        return NULL;
    if (draft->block_count == draft->block_allocated) {
        size_t wanted = draft->block_allocated ? draft->block_allocated * 2 : 4;
        draft->blocks = memory_resize_array(draft->blocks, wanted, sizeof(*draft->blocks));
        draft->block_allocated = wanted;
        llm_held_count(draft->context, &draft->block_counted, wanted * sizeof(*draft->blocks));
    }
    struct llm_draft_block *block = &draft->blocks[draft->block_count++];
    *block = (struct llm_draft_block){.key = key, .number = number, .state = TOLD};
    return block;
}

static void say_held(struct llm_draft *draft)
{
    llm_draft_truncate(draft, "there is no memory to hold all of the response");
}

/* Text is told as it comes and held as far as it fits. */
static void grow_text(struct llm_draft *draft, struct llm_draft_block *block, struct bytes text)
{
    block->text_bytes += text.length;
    if (block->text_bytes == llm_held_bytes(&block->text).length + text.length)
        (void)!llm_held_append(&block->text, text);
    emit_deltas(draft, LLM_SIDE_RESPONSE, block->number, text);
}

static struct llm_draft_block *open_block(struct llm_draft *draft, uint64_t key,
                                          const struct llm_event *event)
{
    struct llm_draft_block *block = add_block(draft, key);
    if (block == NULL)
        return NULL;
    struct llm_context *context = draft->context;
    block->state = OPEN;
    block->event = *event;
    llm_held_init(&block->id, context, LLM_DRAFT_WORD_MAX);
    llm_held_init(&block->name, context, LLM_DRAFT_WORD_MAX);
    llm_held_init(&block->text, context, LLM_EVENT_TEXT_MAX);
    llm_held_init(&block->json, context, LLM_EVENT_TEXT_MAX);
    if (!llm_held_append(&block->id, first_text(event->id, LLM_DRAFT_WORD_MAX)) ||
        !llm_held_append(&block->name, first_text(event->name, LLM_DRAFT_WORD_MAX)))
        say_held(draft);
    struct llm_event told = *event;
    told.block = block->number;
    told.is_open = true;
    told.id = llm_held_bytes(&block->id);
    told.name = llm_held_bytes(&block->name);
    told.text = BYTES_EMPTY;
    llm_draft_emit(draft, &told);
    if (event->text.length)
        grow_text(draft, block, event->text);
    return block;
}

void llm_draft_open(struct llm_draft *draft, uint64_t key, const struct llm_event *block)
{
    if (find(draft, key) == NULL)
        open_block(draft, key, block);
}

static struct llm_draft_block *find_open(struct llm_draft *draft, uint64_t key,
                                         const struct llm_event *event)
{
    struct llm_draft_block *block = find(draft, key);
    if (block == NULL)
        block = open_block(draft, key, event);
    return block && block->state == OPEN ? block : NULL;
}

void llm_draft_grow(struct llm_draft *draft, uint64_t key, const struct llm_event *event,
                    struct bytes text)
{
    struct llm_draft_block *block = find_open(draft, key, event);
    if (block && text.length)
        grow_text(draft, block, text);
}

void llm_draft_grow_json(struct llm_draft *draft, uint64_t key, const struct llm_event *event,
                         struct llm_value value)
{
    struct llm_draft_block *block = find_open(draft, key, event);
    if (block == NULL)
        return;
    bool is_list = block->event.block_kind != LLM_BLOCK_THINKING;
    struct buffer piece;
    buffer_init(&piece, LLM_EVENT_TEXT_MAX);
    if (is_list && buffer_length(&block->json.buffer))
        (void)!buffer_append_byte(&piece, ',');
    bool is_room =
        is_list ? llm_value_compact(value, &piece) : buffer_append(&piece, llm_value_text(value));
    if (!is_room || !llm_held_append(&block->json, buffer_bytes(&piece)))
        say_held(draft);
    buffer_done(&piece);
}

/* The block's `json` from what grew: {"signature":"..."} or {"citations":[...]}. */
static void write_grown_json(const struct llm_draft_block *block, struct buffer *out)
{
    struct bytes grown = llm_held_bytes(&block->json);
    if (grown.length == 0)
        return;
    bool is_room;
    if (block->event.block_kind == LLM_BLOCK_THINKING)
        is_room = buffer_append_text(out, "{\"signature\":") &&
                  llm_json_append_quoted(out, grown) && buffer_append_byte(out, '}');
    else
        is_room = buffer_append_text(out, "{\"citations\":[") && buffer_append(out, grown) &&
                  buffer_append_text(out, "]}");
    if (!is_room)
        buffer_clear(out);
}

static void close_block(struct llm_draft *draft, struct llm_draft_block *block)
{
    struct llm_event event = block->event;
    struct buffer json;
    buffer_init(&json, 2 * LLM_EVENT_TEXT_MAX);
    write_grown_json(block, &json);
    event.time_ms = draft->time_ms;
    event.block = block->number;
    event.id = llm_held_bytes(&block->id);
    event.name = llm_held_bytes(&block->name);
    event.text = llm_held_bytes(&block->text);
    if (buffer_length(&json))
        event.json = buffer_bytes(&json);
    else
        event.json = BYTES_EMPTY;
    if (block->text_bytes > event.text.length)
        event.bytes = block->text_bytes - event.text.length;
    emit_whole(draft, event);
    buffer_done(&json);
    release_block(block);
    block->state = TOLD;
}

void llm_draft_fill(struct llm_draft *draft, uint64_t key, enum llm_block_kind kind,
                    struct bytes text)
{
    struct llm_draft_block *block = find(draft, key);
    if (block && block->state == OPEN && block->event.block_kind == kind && block->text_bytes == 0)
        grow_text(draft, block, text);
}

void llm_draft_close(struct llm_draft *draft, uint64_t key)
{
    struct llm_draft_block *block = find(draft, key);
    if (block && block->state == OPEN)
        close_block(draft, block);
}

void llm_draft_close_all(struct llm_draft *draft)
{
    for (size_t i = 0; i < draft->block_count; i++)
        if (draft->blocks[i].state == OPEN)
            close_block(draft, &draft->blocks[i]);
}

void llm_draft_settle(struct llm_draft *draft, uint64_t key, const struct llm_event *told)
{
    struct llm_draft_block *block = find(draft, key);
    if (block && block->state == TOLD)
        return;
    if (block == NULL)
        block = add_block(draft, key);
    else
        release_block(block);
    if (block == NULL)
        return;
    block->state = TOLD;
    struct llm_event event = *told;
    event.block = block->number;
    emit_whole(draft, event);
}

void llm_draft_answer(struct llm_draft *draft, struct bytes id, struct bytes model)
{
    if (draft->is_answered || (id.length == 0 && model.length == 0))
        return;
    draft->is_answered = true;
    struct llm_event event = llm_draft_event(draft, LLM_RESPONSE);
    event.status = draft->status;
    event.id = first_text(id, LLM_DRAFT_WORD_MAX);
    event.model = first_text(model, LLM_DRAFT_WORD_MAX);
    llm_draft_emit(draft, &event);
}

static bool is_listed(struct llm_value key, const char *const *known)
{
    for (size_t i = 0; known[i]; i++)
        if (llm_value_equals(key, known[i]))
            return true;
    return false;
}

static bool write_member(struct llm_members *members, struct buffer *out)
{
    return (buffer_bytes(out).data[buffer_length(out) - 1] == '{' ||
            buffer_append_byte(out, ',')) &&
           llm_value_compact(members->key, out) && buffer_append_byte(out, ':') &&
           llm_value_compact(members->value, out);
}

bool llm_draft_write_rest(struct llm_value object, const char *const *known, struct buffer *out)
{
    struct llm_members members = llm_members_of(object);
    if (!llm_value_is(object, LLM_JSON_OBJECT) || !buffer_append_byte(out, '{'))
        return false;
    while (llm_members_next(&members))
        if (!is_listed(members.key, known) && !write_member(&members, out))
            return false;
    return buffer_append_byte(out, '}');
}

/* `base` with the members of `more` in place of its own or behind them. */
static bool merge(struct llm_value base, struct llm_value more, struct buffer *out)
{
    if (!buffer_append_byte(out, '{'))
        return false;
    struct llm_members members = llm_members_of(base);
    while (llm_members_next(&members)) {
        struct llm_members other = llm_members_of(more), newer = members;
        while (llm_members_next(&other))
            if (bytes_equal(llm_value_raw(other.key), llm_value_raw(members.key)) &&
                !llm_value_is(other.value, LLM_JSON_NULL))
                newer.value = other.value;
        if (!write_member(&newer, out))
            return false;
    }
    members = llm_members_of(more);
    while (llm_members_next(&members)) {
        bool is_known = false;
        struct llm_members other = llm_members_of(base);
        while (llm_members_next(&other))
            is_known =
                is_known || bytes_equal(llm_value_raw(other.key), llm_value_raw(members.key));
        if (!is_known && !write_member(&members, out))
            return false;
    }
    return buffer_append_byte(out, '}');
}

void llm_draft_usage(struct llm_draft *draft, struct llm_value native,
                     struct llm_usage (*normalise)(struct llm_value))
{
    enum { MEMBERS_MAX = 256 };
    if (!llm_value_is(native, LLM_JSON_OBJECT))
        return;
    struct llm_held *held = &draft->native_usage;
    struct llm_json base, whole;
    struct buffer merged;
    buffer_init(&merged, LLM_EVENT_TEXT_MAX / 2);
    llm_json_parse(&base, llm_held_bytes(held));
    if (llm_value_count(native) > MEMBERS_MAX ||
        llm_value_count(llm_json_root(&base)) > MEMBERS_MAX ||
        !merge(llm_json_root(&base), native, &merged)) {
        llm_draft_truncate(draft, "its token counts are too long");
        buffer_clear(&merged);
    }
    llm_json_done(&base);
    if (buffer_length(&merged)) {
        llm_json_parse(&whole, buffer_bytes(&merged));
        struct llm_event event = llm_draft_event(draft, LLM_USAGE);
        event.usage = normalise(llm_json_root(&whole));
        event.usage.native = buffer_bytes(&merged);
        llm_draft_emit(draft, &event);
        llm_json_done(&whole);
        buffer_clear(&held->buffer);
        if (!llm_held_append(held, buffer_bytes(&merged)))
            say_held(draft);
    }
    buffer_done(&merged);
}

void llm_draft_stop(struct llm_draft *draft, struct bytes reason, struct bytes detail)
{
    if (reason.length == 0)
        return;
    struct llm_event event = llm_draft_event(draft, LLM_STOP);
    event.name = first_text(reason, LLM_DRAFT_WORD_MAX);
    event.text = first_text(detail, LLM_DRAFT_WORD_MAX);
    llm_draft_emit(draft, &event);
}

void llm_draft_error(struct llm_draft *draft, struct bytes type, struct bytes message)
{
    draft->is_complete = true;
    struct llm_event event = llm_draft_event(draft, LLM_ERROR);
    event.name = first_text(type, LLM_DRAFT_WORD_MAX);
    event.text = first_text(message, 16 * LLM_DRAFT_WORD_MAX);
    llm_draft_emit(draft, &event);
}

static void emit_native(struct llm_draft *draft, enum llm_side side, struct bytes name,
                        struct bytes json, struct bytes text)
{
    struct llm_event event = llm_draft_event(draft, LLM_NATIVE);
    event.side = side;
    event.name = first_text(name, LLM_DRAFT_WORD_MAX);
    event.json = json;
    event.text = first_text(text, LLM_EVENT_TEXT_MAX);
    event.bytes = text.length - event.text.length;
    llm_draft_emit(draft, &event);
}

void llm_draft_native_text(struct llm_draft *draft, enum llm_side side, struct bytes name,
                           struct bytes text)
{
    emit_native(draft, side, name, BYTES_EMPTY, text);
}

void llm_draft_native(struct llm_draft *draft, enum llm_side side, struct bytes name,
                      struct llm_value value, const char *hidden)
{
    const char *const left_out[] = {hidden, NULL};
    struct buffer out;
    buffer_init(&out, LLM_EVENT_TEXT_MAX);
    bool is_object = llm_value_is(value, LLM_JSON_OBJECT);
    bool is_room =
        is_object ? llm_draft_write_rest(value, left_out, &out) : llm_value_compact(value, &out);
    if (is_room)
        emit_native(draft, side, name, buffer_bytes(&out), BYTES_EMPTY);
    else
        emit_native(draft, side, name, BYTES_EMPTY, llm_value_raw(value));
    buffer_done(&out);
}

void llm_draft_rest(struct llm_draft *draft, enum llm_side side, const char *name,
                    struct llm_value object, const char *const *known)
{
    struct buffer out;
    buffer_init(&out, LLM_EVENT_TEXT_MAX);
    struct llm_members members = llm_members_of(object);
    bool is_room = buffer_append_byte(&out, '{');
    while (is_room && llm_members_next(&members))
        if (llm_value_is(members.key, LLM_JSON_STRING) && !is_listed(members.key, known) &&
            !llm_value_is(members.value, LLM_JSON_NULL))
            is_room = write_member(&members, &out);
    is_room = is_room && buffer_append_byte(&out, '}');
    if (!is_room)
        emit_native(draft, side, bytes_from_text(name), BYTES_EMPTY, llm_value_raw(object));
    else if (buffer_length(&out) > 2)
        emit_native(draft, side, bytes_from_text(name), buffer_bytes(&out), BYTES_EMPTY);
    buffer_done(&out);
}
