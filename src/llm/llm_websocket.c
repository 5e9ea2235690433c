#include "llm/llm_websocket.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "llm/llm_body.h"
#include "llm/llm_secret.h"
#include "wire/websocket_frames.h"

enum turn_state { TURN_WAITING, TURN_ANSWERED };

/* A call that is not over. */
struct turn {
    struct turn *next; /* the one begun after it */
    struct llm_draft draft;
    enum turn_state state;
    bool is_steer;
    struct buffer stream, id; /* as the messages name them */
    uint64_t bytes, wire_bytes;
};

struct llm_websocket {
    struct llm_context *context; /* borrowed */
    const struct llm_head *head; /* borrowed */
    uint16_t status;
    struct buffer headers;
    struct websocket_frames *frames[2]; /* owned, by side; NULL: cannot be read any more */
    size_t counted[2];
    struct turn *turns; /* owned, oldest first */
    size_t turn_count;
    uint64_t time_ms;
    const char *problem; /* static: why frames cannot be read */
};

static void on_client_message(void *context, const struct websocket_message *message);
static void on_server_message(void *context, const struct websocket_message *message);

struct llm_websocket *llm_websocket_new(struct llm_context *context, const struct llm_head *head,
                                        uint16_t status, const struct llm_field *fields,
                                        size_t field_count)
{
    struct llm_websocket *socket = memory_new(sizeof(*socket));
    *socket = (struct llm_websocket){.context = context, .head = head, .status = status};
    buffer_init(&socket->headers, 128 * 1024);
    llm_head_write_fields(fields, field_count, &socket->headers);
    struct buffer extensions;
    struct websocket_deflate deflate;
    buffer_init(&extensions, LLM_DRAFT_WORD_MAX);
    llm_head_join(fields, field_count, "sec-websocket-extensions", &extensions);
    if (websocket_deflate_parse(buffer_bytes(&extensions), &deflate)) {
        socket->frames[LLM_SIDE_REQUEST] =
            websocket_frames_new(WEBSOCKET_FROM_CLIENT, &deflate, NULL, on_client_message, socket);
        socket->frames[LLM_SIDE_RESPONSE] =
            websocket_frames_new(WEBSOCKET_FROM_SERVER, &deflate, NULL, on_server_message, socket);
    } else {
        socket->problem = "the extensions of the WebSocket are not known";
    }
    buffer_done(&extensions);
    return socket;
}

static struct turn *add_turn(struct llm_websocket *socket, struct bytes stream);
static void end_turn(struct llm_websocket *socket, struct turn *turn);

static void release_turn(struct turn *turn)
{
    llm_draft_done(&turn->draft);
    buffer_done(&turn->stream);
    buffer_done(&turn->id);
    free(turn);
}

void llm_websocket_free(struct llm_websocket *socket)
{
    if (socket == NULL)
        return;
    while (socket->turns) {
        struct turn *turn = socket->turns;
        socket->turns = turn->next;
        release_turn(turn);
    }
    for (int side = 0; side < 2; side++) {
        websocket_frames_free(socket->frames[side]);
        llm_held_count(socket->context, &socket->counted[side], 0);
    }
    buffer_done(&socket->headers);
    free(socket);
}

static struct turn *add_turn(struct llm_websocket *socket, struct bytes stream)
{
    if (socket->turn_count == LLM_WEBSOCKET_CALLS_MAX) {
        llm_draft_truncate(&socket->turns->draft, "too many calls at a time");
        end_turn(socket, socket->turns);
    }
    struct turn *turn = memory_new(sizeof(*turn));
    llm_draft_init(&turn->draft, socket->context, socket->context->next_call++, socket->time_ms,
                   socket->head->api);
    buffer_init(&turn->stream, LLM_DRAFT_WORD_MAX);
    buffer_init(&turn->id, LLM_DRAFT_WORD_MAX);
    (void)!buffer_append(&turn->stream, stream);
    struct turn **last = &socket->turns;
    while (*last)
        last = &(*last)->next;
    *last = turn;
    socket->turn_count++;
    llm_head_begin(socket->head, &turn->draft);
    return turn;
}

static void end_turn(struct llm_websocket *socket, struct turn *turn)
{
    struct turn **place = &socket->turns;
    while (*place != turn)
        place = &(*place)->next;
    *place = turn->next;
    socket->turn_count--;
    turn->draft.time_ms = socket->time_ms;
    llm_head_end(&turn->draft, turn->bytes, turn->wire_bytes);
    release_turn(turn);
}

/* The oldest call of the stream in that state, or NULL. */
static struct turn *find_turn(const struct llm_websocket *socket, struct bytes stream,
                              enum turn_state state)
{
    for (struct turn *turn = socket->turns; turn; turn = turn->next)
        if (turn->state == state && bytes_equal(buffer_bytes(&turn->stream), stream))
            return turn;
    return NULL;
}

static struct turn *find_id(const struct llm_websocket *socket, struct bytes id)
{
    for (struct turn *turn = socket->turns; id.length && turn; turn = turn->next)
        if (bytes_equal(buffer_bytes(&turn->id), id))
            return turn;
    return NULL;
}

static struct turn *find_steer(const struct llm_websocket *socket, struct bytes stream)
{
    for (struct turn *turn = socket->turns; turn; turn = turn->next)
        if (turn->is_steer && turn->state == TURN_WAITING &&
            bytes_equal(buffer_bytes(&turn->stream), stream))
            return turn;
    return NULL;
}

static void tell_body(struct turn *turn, enum llm_side side, struct bytes data)
{
    struct llm_body body = {.is_message = true};
    llm_body_tell(&body, &turn->draft, side, data);
    llm_body_end(&body, &turn->draft, side);
}

/* A call that only says what came, and is over. */
static void tell_alone(struct llm_websocket *socket, enum llm_side side, struct bytes type,
                       const struct websocket_message *message, struct llm_value value)
{
    struct turn *turn = add_turn(socket, BYTES_EMPTY);
    llm_head_tell_empty(socket->head, &turn->draft, type, 0, 0);
    tell_body(turn, side, message->data);
    if (side == LLM_SIDE_RESPONSE) {
        llm_head_answer(&turn->draft, socket->status, BYTES_EMPTY);
        turn->bytes = message->message_bytes;
        turn->wire_bytes = message->stream_bytes;
    }
    bool is_error = side == LLM_SIDE_RESPONSE && bytes_equal_text(type, "error");
    if (!is_error || !llm_decoder_error(&turn->draft, value)) {
        if (value.json)
            llm_draft_native(&turn->draft, side, type, value, "obfuscation");
        else
            llm_draft_native_text(&turn->draft, side, type, message->data);
    }
    end_turn(socket, turn);
}

static void begin_call(struct llm_websocket *socket, struct bytes stream, struct llm_value value,
                       const struct websocket_message *message, bool is_cut)
{
    struct turn *turn = add_turn(socket, stream);
    tell_body(turn, LLM_SIDE_REQUEST, message->data);
    if (is_cut)
        llm_draft_truncate(&turn->draft, "the request was too long to be read whole");
    llm_head_tell_request(socket->head, &turn->draft, value, message->message_bytes,
                          message->stream_bytes);
}

/* Input for a response that is to come; more of it joins what waits already. */
static void steer(struct llm_websocket *socket, struct bytes stream, struct llm_value value,
                  const struct websocket_message *message)
{
    struct turn *turn = find_steer(socket, stream);
    if (turn) {
        turn->draft.time_ms = socket->time_ms;
        tell_body(turn, LLM_SIDE_REQUEST, message->data);
        llm_decoder_of(socket->head->api)->request(&turn->draft, value);
        return;
    }
    turn = add_turn(socket, stream);
    turn->is_steer = true;
    tell_body(turn, LLM_SIDE_REQUEST, message->data);
    llm_head_tell_request(socket->head, &turn->draft, value, message->message_bytes,
                          message->stream_bytes);
}

static void client_message(struct llm_websocket *socket, struct llm_value value, bool is_cut,
                           const struct websocket_message *message)
{
    struct bytes type = llm_value_get_text(value, "type");
    struct bytes stream = llm_value_get_text(value, "stream_id");
    if (bytes_equal_text(type, "response.create")) {
        begin_call(socket, stream, value, message, is_cut);
        return;
    }
    if (bytes_equal_text(type, "response.steer")) {
        steer(socket, stream, value, message);
        return;
    }
    struct turn *turn = find_turn(socket, stream, TURN_ANSWERED);
    if (turn == NULL)
        turn = find_turn(socket, stream, TURN_WAITING);
    if (turn == NULL) {
        tell_alone(socket, LLM_SIDE_REQUEST, type, message, value);
        return;
    }
    turn->draft.time_ms = socket->time_ms;
    tell_body(turn, LLM_SIDE_REQUEST, message->data);
    llm_draft_native(&turn->draft, LLM_SIDE_REQUEST, type, value, NULL);
}

/* The call that an event of the server is about; NULL when there is none. */
static struct turn *route(struct llm_websocket *socket, struct bytes type, struct llm_value value)
{
    struct bytes stream = llm_value_get_text(value, "stream_id");
    struct llm_value response = llm_value_get(value, "response");
    struct bytes id = llm_value_get_text(response, "id");
    if (id.length == 0)
        id = llm_value_get_text(value, "response_id");
    if (bytes_start_with(type, BYTES_LITERAL("response.steer.")))
        return find_steer(socket, stream);
    struct turn *turn = find_id(socket, id);
    if (turn)
        return turn;
    if (bytes_equal_text(type, "response.created") || bytes_equal_text(type, "response.queued")) {
        turn = find_turn(socket, stream, TURN_WAITING);
        if (turn == NULL)
            turn = add_turn(socket, stream); /* the server goes on by itself */
        (void)!buffer_append(&turn->id, id);
        return turn;
    }
    turn = find_turn(socket, stream, TURN_ANSWERED);
    return turn ? turn : find_turn(socket, stream, TURN_WAITING);
}

/* What waited as input goes into another call, or nowhere. */
static bool is_end_of_steer(struct bytes type)
{
    return bytes_equal_text(type, "response.steer.pending") ||
           bytes_equal_text(type, "response.steer.failed");
}

static void server_message(struct llm_websocket *socket, struct llm_value value,
                           const struct websocket_message *message)
{
    struct bytes type = llm_value_get_text(value, "type");
    struct turn *turn = route(socket, type, value);
    if (turn == NULL) {
        tell_alone(socket, LLM_SIDE_RESPONSE, type, message, value);
        return;
    }
    struct llm_draft *draft = &turn->draft;
    draft->time_ms = socket->time_ms;
    bool is_of_steer = bytes_start_with(type, BYTES_LITERAL("response.steer."));
    if (turn->state == TURN_WAITING && !is_of_steer) {
        turn->state = TURN_ANSWERED;
        draft->first_byte_ms = socket->time_ms;
        llm_head_answer(draft, socket->status, buffer_bytes(&socket->headers));
    }
    turn->bytes += message->message_bytes;
    turn->wire_bytes += message->stream_bytes;
    tell_body(turn, LLM_SIDE_RESPONSE, message->data);
    if (is_of_steer) {
        llm_draft_native(draft, LLM_SIDE_RESPONSE, type, value, NULL);
        if (bytes_equal_text(type, "response.steer.failed"))
            llm_decoder_error(draft, value);
    } else {
        llm_decoder_of(socket->head->api)->event(draft, type, value);
    }
    if (draft->is_complete || is_end_of_steer(type))
        end_turn(socket, turn);
}

static void close_message(struct llm_websocket *socket, const struct websocket_message *message)
{
    enum { NORMAL = 1000, GOING_AWAY = 1001 };
    if (message->close_code == NORMAL || message->close_code == GOING_AWAY ||
        message->close_code == WEBSOCKET_CODE_NONE)
        return;
    struct turn *turn = socket->turns ? socket->turns : add_turn(socket, BYTES_EMPTY);
    char code[32];
    snprintf(code, sizeof(code), "close %u", message->close_code);
    turn->draft.time_ms = socket->time_ms;
    llm_draft_error(&turn->draft, bytes_from_text(code), message->data);
    end_turn(socket, turn);
}

static void tell_message(struct llm_websocket *socket, enum llm_side side,
                         const struct websocket_message *message)
{
    if (message->opcode == WEBSOCKET_CLOSE) {
        if (side == LLM_SIDE_RESPONSE)
            close_message(socket, message);
        return;
    }
    if (message->opcode != WEBSOCKET_TEXT && message->opcode != WEBSOCKET_BINARY)
        return;
    bool is_readable = llm_decoder_of(socket->head->api) && message->opcode == WEBSOCKET_TEXT;
    struct llm_json json = {0};
    enum llm_json_status status = is_readable ? llm_json_parse(&json, message->data) : LLM_JSON_BAD;
    struct llm_value value = llm_json_root(&json);
    bool is_cut = status == LLM_JSON_CUT;
    if (!llm_value_is(value, LLM_JSON_OBJECT))
        tell_alone(socket, side, BYTES_LITERAL("message"), message, (struct llm_value){0});
    else if (side == LLM_SIDE_REQUEST)
        client_message(socket, value, is_cut, message);
    else
        server_message(socket, value, message);
    llm_json_done(&json);
}

/* The same without its secrets. */
static void redact_message(struct llm_websocket *socket, enum llm_side side,
                           const struct websocket_message *message)
{
    struct llm_secret secret = {0};
    struct bytes rest = message->data;
    struct bytes shown = llm_secret_next(&secret, &rest);
    if (shown.length == message->data.length) {
        tell_message(socket, side, message);
        return;
    }
    struct websocket_message redacted = *message;
    struct buffer out;
    buffer_init(&out, 2 * message->data.length + 64);
    while (shown.length && buffer_append(&out, shown))
        shown = llm_secret_next(&secret, &rest);
    redacted.data = buffer_bytes(&out);
    tell_message(socket, side, &redacted);
    buffer_done(&out);
}

static void on_client_message(void *context, const struct websocket_message *message)
{
    redact_message(context, LLM_SIDE_REQUEST, message);
}

static void on_server_message(void *context, const struct websocket_message *message)
{
    redact_message(context, LLM_SIDE_RESPONSE, message);
}

static void truncate_all(struct llm_websocket *socket, const char *reason)
{
    for (struct turn *turn = socket->turns; turn; turn = turn->next)
        llm_draft_truncate(&turn->draft, reason);
}

static void stop_reading(struct llm_websocket *socket, enum llm_side side, const char *reason)
{
    if (socket->frames[side] == NULL)
        return;
    socket->problem = reason;
    truncate_all(socket, reason);
    websocket_frames_free(socket->frames[side]);
    socket->frames[side] = NULL;
    llm_held_count(socket->context, &socket->counted[side], 0);
}

void llm_websocket_feed(struct llm_websocket *socket, enum llm_side side, uint64_t time_ms,
                        struct bytes input)
{
    struct websocket_frames *frames = socket->frames[side];
    socket->time_ms = time_ms;
    if (frames == NULL)
        return;
    if (websocket_frames_feed(frames, input) == PARSE_BAD)
        stop_reading(socket, side, websocket_frames_reason_text(websocket_frames_reason(frames)));
    else if (!llm_held_count(socket->context, &socket->counted[side],
                             websocket_frames_held(frames)))
        stop_reading(socket, side, "there is no memory to hold its messages");
}

void llm_websocket_lost(struct llm_websocket *socket, enum llm_side side)
{
    stop_reading(socket, side, "not all of it was captured");
}

void llm_websocket_end(struct llm_websocket *socket, uint64_t time_ms, struct bytes reason)
{
    socket->time_ms = time_ms;
    for (int side = 0; side < 2; side++)
        if (socket->frames[side] && websocket_frames_end(socket->frames[side]) == PARSE_BAD)
            truncate_all(socket, websocket_frames_reason_text(
                                     websocket_frames_reason(socket->frames[side])));
    /* What nothing could be read of is shown as one call. */
    if (socket->problem && socket->turns == NULL)
        llm_draft_truncate(&add_turn(socket, BYTES_EMPTY)->draft, socket->problem);
    char text[160];
    snprintf(text, sizeof(text), "%.*s", (int)reason.length,
             reason.length ? (const char *)reason.data : "");
    while (socket->turns) {
        llm_draft_truncate(&socket->turns->draft,
                           text[0] ? text : "the connection ended before the response did");
        end_turn(socket, socket->turns);
    }
}
