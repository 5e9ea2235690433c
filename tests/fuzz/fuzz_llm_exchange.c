#include "fuzz.h"

#include "base/base64.h"
#include "base/memory.h"
#include "base/number.h"
#include "decode/event_stream_build.h"
#include "decode/llm_run.h"

#include <stdlib.h>

/*
 * An exchange with a provider, in any of its interfaces and framings, is never fatal, tells its
 * events in order (llm_run.c), and says the same however it is cut into pieces.
 *
 * The first line is `API FRAMING STATUS PIECE`, the second one the request; the rest is the
 * response: the body itself (`json`, `sse`), a line for each message of an event stream as
 * `TYPE PAYLOAD` (`stream`; an exception has `!` before its type), or a line for each message of a
 * WebSocket, with `>` of the client and `<` of the server (`ws`).
 */
enum { OUT_MAX = 64 * 1024 * 1024, SAID_MAX = 64, BODY_PIECE_MIN = 16 };

enum framing { JSON, SSE, STREAM, SOCKET, RAW, FRAMINGS };
static const char *const framings[] = {"json", "sse", "stream", "ws", "raw"};
static const struct bytes content_types[] = {
    [JSON] = BYTES_LITERAL("application/json"),
    [SSE] = BYTES_LITERAL("text/event-stream; charset=utf-8"),
    [STREAM] = BYTES_LITERAL("application/vnd.amazon.eventstream"),
    [SOCKET] = BYTES_LITERAL("text/plain"),
    [RAW] = BYTES_LITERAL("application/vnd.amazon.eventstream"),
};

struct input {
    enum llm_api api;
    enum framing framing;
    uint16_t status;
    size_t piece;
    struct bytes request, response;
};

static struct bytes take_word(struct bytes *rest)
{
    struct bytes word;
    return bytes_next_token(rest, ' ', &word) ? word : BYTES_EMPTY;
}

static bool read_input(struct bytes data, struct input *input)
{
    struct bytes line = fuzz_take_line(&data);
    uint64_t status, piece;
    if (!llm_api_find(take_word(&line), &input->api))
        return false;
    struct bytes word = take_word(&line);
    int framing = 0;
    while (framing < FRAMINGS && !bytes_equal_text(word, framings[framing]))
        framing++;
    if (framing == FRAMINGS || !number_parse_decimal(take_word(&line), 999, &status) ||
        !number_parse_decimal(take_word(&line), 65536, &piece))
        return false;
    input->framing = (enum framing)framing;
    input->status = (uint16_t)status;
    input->piece = piece;
    input->request = fuzz_take_line(&data);
    input->response = data;
    return true;
}

static void append_header(struct buffer *out, const char *name, struct bytes value)
{
    enum { STRING = 7 };
    CHECK(buffer_append_byte(out, (uint8_t)bytes_from_text(name).length) &&
          buffer_append_text(out, name) && buffer_append_byte(out, STRING) &&
          buffer_append_u16(out, (uint16_t)value.length) && buffer_append(out, value));
}

/* Bedrock wraps what other makers' models say: {"bytes":"<base64>"}. */
static void append_message(struct buffer *out, const struct input *input, struct bytes line)
{
    struct buffer headers, payload;
    buffer_init(&headers, 256 * 1024);
    buffer_init(&payload, OUT_MAX);
    struct bytes type = bytes_first(bytes_first(line, bytes_index_of(line, ' ')), 1024);
    struct bytes said = bytes_from(line, bytes_index_of(line, ' ') + 1);
    bool is_exception = type.length && type.data[0] == '!';
    append_header(&headers, ":message-type",
                  is_exception ? BYTES_LITERAL("exception") : BYTES_LITERAL("event"));
    append_header(&headers, is_exception ? ":exception-type" : ":event-type",
                  is_exception ? bytes_from(type, 1) : type);
    if (input->api == LLM_API_BEDROCK_INVOKE_STREAM && bytes_equal_text(type, "chunk"))
        CHECK(buffer_append_text(&payload, "{\"bytes\":\"") &&
              base64_encode(&payload, said, BASE64_STANDARD) &&
              buffer_append_text(&payload, "\",\"p\":\"abc\"}"));
    else
        CHECK(buffer_append(&payload, said));
    build_legal_message(out, buffer_bytes(&headers), buffer_bytes(&payload));
    buffer_done(&headers);
    buffer_done(&payload);
}

static void run_socket(struct llm_run *run, const struct input *input,
                       const struct llm_run_exchange *exchange, const struct llm_run_cut *cut)
{
    static const struct llm_field upgrade[] = {
        {BYTES_LITERAL("upgrade"), BYTES_LITERAL("websocket")}};
    struct llm_run_said said[SAID_MAX] = {0};
    struct buffer frames[SAID_MAX];
    struct bytes rest = input->response;
    size_t count = 0;
    for (; rest.length && count < SAID_MAX; count++) {
        struct bytes line = fuzz_take_line(&rest);
        bool is_client = line.length && line.data[0] == '>';
        enum llm_side side = is_client ? LLM_SIDE_REQUEST : LLM_SIDE_RESPONSE;
        bool is_close = line.length && line.data[0] == 'x';
        buffer_init(&frames[count], OUT_MAX);
        llm_run_append_frame(&frames[count], side, is_close ? 0x88 : 0x81,
                             bytes_first(bytes_from(line, 1), is_close ? 125 : SIZE_MAX));
        said[count] = (struct llm_run_said){side, buffer_bytes(&frames[count])};
    }
    struct llm_run_exchange handshake = *exchange;
    handshake.fields = upgrade;
    handshake.field_count = 1;
    handshake.status = input->status;
    handshake.response_field_count = 0;
    llm_run_socket(run, &handshake, said, count, cut);
    for (size_t i = 0; i < count; i++)
        buffer_done(&frames[i]);
}

static struct buffer outcome(const struct input *input, size_t piece)
{
    const struct llm_field fields[] = {
        {BYTES_LITERAL("content-type"), content_types[input->framing]}};
    struct llm_run run;
    struct buffer out, stream;
    struct bytes rest = input->response;
    const struct llm_run_cut cut = {piece, 0, SIZE_MAX, SIZE_MAX};
    buffer_init(&out, OUT_MAX);
    buffer_init(&stream, OUT_MAX);
    while (input->framing == STREAM && rest.length)
        append_message(&stream, input, fuzz_take_line(&rest));
    struct llm_run_exchange exchange = {
        .api = input->api,
        .method = "POST",
        .host = BYTES_LITERAL("host.example"),
        .path = BYTES_LITERAL("/model/some%3Amodel/invoke"),
        .response_fields = fields,
        .response_field_count = 1,
        .status = input->status,
        .request = input->request,
        .response = input->framing == STREAM ? buffer_bytes(&stream) : input->response,
    };
    llm_run_init(&run);
    run.context.wants_bodies = input->piece > BODY_PIECE_MIN;
    if (input->framing == SOCKET)
        run_socket(&run, input, &exchange, &cut);
    else
        llm_run_http(&run, &exchange, &cut);
    llm_run_write(&run, &out);
    llm_run_done(&run);
    buffer_done(&stream);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input;
    if (!read_input((struct bytes){data, size}, &input))
        return 0;
    struct buffer whole = outcome(&input, 0);
    struct buffer pieces = outcome(&input, input.piece ? input.piece : 1);
    CHECK(bytes_equal(buffer_bytes(&whole), buffer_bytes(&pieces)));
    buffer_done(&whole);
    buffer_done(&pieces);
    return 0;
}
