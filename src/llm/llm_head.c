#include "llm/llm_head.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { HEADERS_MAX = 128 * 1024, PATH_MAX_BYTES = 16 * 1024 };

void llm_head_write_fields(const struct llm_field *fields, size_t count, struct buffer *out)
{
    bool is_room = buffer_append_byte(out, '[');
    for (size_t i = 0; is_room && i < count; i++)
        is_room = buffer_append_text(out, i ? ",[" : "[") &&
                  llm_json_append_quoted(out, fields[i].name) && buffer_append_byte(out, ',') &&
                  llm_json_append_quoted(out, fields[i].value) && buffer_append_byte(out, ']');
    if (!is_room || !buffer_append_byte(out, ']'))
        buffer_clear(out);
}

void llm_head_join(const struct llm_field *fields, size_t count, const char *name,
                   struct buffer *out)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_equal_text(fields[i].name, name))
            (void)!((buffer_length(out) == 0 || buffer_append_byte(out, ',')) &&
                    buffer_append(out, fields[i].value));
}

static struct bytes field(const struct llm_exchange_start *start, const char *name)
{
    for (size_t i = 0; i < start->field_count; i++)
        if (bytes_equal_text(start->fields[i].name, name))
            return start->fields[i].value;
    return BYTES_EMPTY;
}

static int hexadecimal(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* /model/MODEL/OPERATION, where the model may hold escapes. */
static void read_path_model(struct bytes path, struct buffer *model)
{
    struct bytes prefix = BYTES_LITERAL("/model/");
    path = bytes_first(path, bytes_index_of(path, '?'));
    if (!bytes_start_with(path, prefix))
        return;
    struct bytes rest = bytes_from(path, prefix.length);
    while (rest.length && rest.data[rest.length - 1] != '/')
        rest.length--;
    if (rest.length)
        rest.length--;
    struct buffer raw;
    buffer_init(&raw, PATH_MAX_BYTES);
    bool is_room = true;
    for (size_t i = 0; is_room && i < rest.length; i++) {
        int high = i + 2 < rest.length ? hexadecimal(rest.data[i + 1]) : -1;
        int low = i + 2 < rest.length ? hexadecimal(rest.data[i + 2]) : -1;
        bool is_escape = rest.data[i] == '%' && high >= 0 && low >= 0;
        is_room = buffer_append_byte(&raw, is_escape ? (uint8_t)(high * 16 + low) : rest.data[i]);
        i += is_escape ? 2 : 0;
    }
    if (!is_room || !llm_json_append_utf8(model, buffer_bytes(&raw)))
        buffer_clear(model);
    buffer_done(&raw);
}

/* A header that is JSON and names the purpose of the request: all but the ordinary one count. */
static void read_turn(struct bytes metadata, struct buffer *kind)
{
    struct llm_json json;
    if (llm_json_parse(&json, metadata) != LLM_JSON_BAD) {
        struct bytes word = llm_value_get_text(llm_json_root(&json), "request_kind");
        if (buffer_length(kind) == 0 && word.length && !bytes_equal_text(word, "turn"))
            (void)!buffer_append(kind, word);
    }
    llm_json_done(&json);
}

static void append_word(struct buffer *out, struct bytes word)
{
    if (!llm_json_append_utf8(out, word))
        buffer_clear(out);
}

static void read_client(struct llm_head *head, const struct llm_exchange_start *start)
{
    static const char *const sessions[] = {
        "x-claude-code-session-id", "session-id", "session_id", "x-session-id", "thread-id",
        "conversation_id"};
    for (size_t i = 0; i < sizeof(sessions) / sizeof(*sessions); i++)
        if (buffer_length(&head->session) == 0)
            append_word(&head->session, field(start, sessions[i]));
    struct bytes purpose = field(start, "x-claude-code-request-class");
    if (purpose.length && !bytes_equal_text(purpose, "main"))
        append_word(&head->kind, purpose);
    read_turn(field(start, "x-codex-turn-metadata"), &head->kind);
    head->is_upload_ahead = field(start, "x-claude-code-upload-ahead").length > 0;
    /* `upgrade` belongs to the connection, and the wall does not show it; a key always comes with
     * it (RFC 6455 section 4.1). */
    head->is_handshake =
        bytes_equal_ignore_case(field(start, "upgrade"), BYTES_LITERAL("websocket")) ||
        field(start, "sec-websocket-key").length > 0;
}

static char *copy_text(struct bytes text)
{
    char *copy = memory_new(text.length + 1);
    if (text.length)
        memcpy(copy, text.data, text.length);
    return copy;
}

void llm_head_init(struct llm_head *head, const struct llm_exchange_start *start)
{
    *head = (struct llm_head){
        .exchange = start->exchange,
        .api = start->api,
        .transport = start->transport,
        .provider = copy_text(start->provider),
        .host = copy_text(start->host),
        .method = copy_text(start->method),
    };
    buffer_init(&head->path, 4 * PATH_MAX_BYTES);
    buffer_init(&head->headers, HEADERS_MAX);
    buffer_init(&head->encodings, LLM_DRAFT_WORD_MAX);
    buffer_init(&head->model, LLM_DRAFT_WORD_MAX);
    buffer_init(&head->session, LLM_DRAFT_WORD_MAX);
    buffer_init(&head->kind, LLM_DRAFT_WORD_MAX);
    append_word(&head->path, bytes_first(start->path, PATH_MAX_BYTES));
    llm_head_write_fields(start->fields, start->field_count, &head->headers);
    llm_head_join(start->fields, start->field_count, "content-encoding", &head->encodings);
    read_path_model(start->path, &head->model);
    read_client(head, start);
}

void llm_head_done(struct llm_head *head)
{
    free(head->provider);
    free(head->host);
    free(head->method);
    buffer_done(&head->path);
    buffer_done(&head->headers);
    buffer_done(&head->encodings);
    buffer_done(&head->model);
    buffer_done(&head->session);
    buffer_done(&head->kind);
}

void llm_head_begin(const struct llm_head *head, struct llm_draft *draft)
{
    struct llm_event event = llm_draft_event(draft, LLM_CALL);
    event.provider = bytes_from_text(head->provider);
    event.api = draft->api;
    event.transport = head->transport;
    event.exchange = head->exchange;
    event.host = bytes_from_text(head->host);
    event.method = bytes_from_text(head->method);
    event.path = buffer_bytes(&head->path);
    event.headers = buffer_bytes(&head->headers);
    event.session = buffer_bytes(&head->session);
    event.model = buffer_bytes(&head->model);
    llm_draft_emit(draft, &event);
}

/* Anthropic's metadata.user_id is JSON with a session_id, in older clients words joined by `_`. */
static void read_user_id(struct bytes user_id, struct buffer *session)
{
    struct bytes mark = BYTES_LITERAL("_session_");
    struct llm_json json;
    if (llm_json_parse(&json, user_id) == LLM_JSON_WHOLE)
        append_word(session, llm_value_get_text(llm_json_root(&json), "session_id"));
    llm_json_done(&json);
    for (size_t i = 0; buffer_length(session) == 0 && i < user_id.length; i++)
        if (bytes_start_with(bytes_from(user_id, i), mark))
            append_word(session, bytes_from(user_id, i + mark.length));
}

static void read_body_session(struct llm_value body, struct buffer *session)
{
    struct llm_value metadata = llm_value_get(body, "metadata");
    struct llm_value client = llm_value_get(body, "client_metadata");
    const struct bytes words[] = {
        llm_value_get_text(client, "session_id"), llm_value_get_text(client, "thread_id"),
        llm_value_get_text(metadata, "session_id"), llm_value_get_text(body, "prompt_cache_key")};
    read_user_id(llm_value_get_text(metadata, "user_id"), session);
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (buffer_length(session) == 0)
            append_word(session, words[i]);
}

/* The session that the call belongs to: of a connection for many, the call's own word counts. */
static struct bytes session_of(const struct llm_head *head, const struct buffer *of_body)
{
    bool is_body_first = head->transport == LLM_TRANSPORT_WEBSOCKET && buffer_length(of_body);
    return is_body_first || buffer_length(&head->session) == 0 ? buffer_bytes(of_body)
                                                               : buffer_bytes(&head->session);
}

static struct bytes operation_of(const struct llm_about *about, const struct buffer *kind)
{
    if (about->operation.length)
        return about->operation;
    if (buffer_length(kind))
        return buffer_bytes(kind);
    return about->is_stream ? BYTES_LITERAL("stream") : BYTES_LITERAL("create");
}

void llm_head_tell_request(const struct llm_head *head, struct llm_draft *draft,
                           struct llm_value body, uint64_t bytes, uint64_t wire_bytes)
{
    const struct llm_decoder *decoder = llm_decoder_of(draft->api);
    struct llm_about about = {0};
    struct buffer parameters, session, kind;
    buffer_init(&parameters, LLM_EVENT_TEXT_MAX);
    buffer_init(&session, LLM_DRAFT_WORD_MAX);
    buffer_init(&kind, LLM_DRAFT_WORD_MAX);
    (void)!buffer_append(&kind, buffer_bytes(&head->kind));
    decoder->about(body, &about);
    read_body_session(body, &session);
    read_turn(llm_value_get_text(llm_value_get(body, "client_metadata"), "x-codex-turn-metadata"),
              &kind);
    struct llm_event event = llm_draft_event(draft, LLM_REQUEST);
    event.api = draft->api;
    event.model = about.model.length ? about.model : buffer_bytes(&head->model);
    event.session = session_of(head, &session);
    event.parent = about.parent;
    event.operation = operation_of(&about, &kind);
    event.bytes = bytes;
    event.wire_bytes = wire_bytes;
    if (about.not_parameters &&
        llm_draft_write_rest(about.parameters, about.not_parameters, &parameters) &&
        buffer_length(&parameters) > 2)
        event.parameters = buffer_bytes(&parameters);
    llm_draft_emit(draft, &event);
    decoder->request(draft, body);
    buffer_done(&parameters);
    buffer_done(&session);
    buffer_done(&kind);
}

void llm_head_tell_empty(const struct llm_head *head, struct llm_draft *draft,
                         struct bytes operation, uint64_t bytes, uint64_t wire_bytes)
{
    struct llm_event event = llm_draft_event(draft, LLM_REQUEST);
    event.api = draft->api;
    event.model = buffer_bytes(&head->model);
    event.session = buffer_bytes(&head->session);
    event.operation = operation;
    event.bytes = bytes;
    event.wire_bytes = wire_bytes;
    llm_draft_emit(draft, &event);
}

void llm_head_answer(struct llm_draft *draft, uint16_t status, struct bytes headers)
{
    struct llm_event event = llm_draft_event(draft, LLM_RESPONSE);
    event.status = draft->status = status;
    event.headers = headers;
    llm_draft_emit(draft, &event);
}

void llm_head_end(struct llm_draft *draft, uint64_t bytes, uint64_t wire_bytes)
{
    llm_draft_close_all(draft);
    struct llm_event event = llm_draft_event(draft, LLM_END);
    event.bytes = bytes;
    event.wire_bytes = wire_bytes;
    event.is_truncated = draft->is_truncated;
    event.text = bytes_from_text(draft->truncation);
    event.duration_ms =
        draft->time_ms > draft->start_ms ? (int64_t)(draft->time_ms - draft->start_ms) : 0;
    if (draft->first_byte_ms)
        event.first_byte_ms = draft->first_byte_ms > draft->start_ms
                                  ? (int64_t)(draft->first_byte_ms - draft->start_ms)
                                  : 0;
    llm_draft_emit(draft, &event);
    llm_draft_done(draft);
}
