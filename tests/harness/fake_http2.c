#include "harness/fake_http2.h"

#include "base/check.h"
#include "base/number.h"
#include "base/reader.h"
#include "policy/policy.h"

#include <ctype.h>
#include <nghttp2/nghttp2.h>
#include <string.h>

enum {
    HEADER_BYTES = 9,
    PAYLOAD_MAX = 16384,
    INPUT_CAP = 4 * 1024 * 1024,
    BLOCK_CAP = 256 * 1024,
    WINDOW_FIRST = 65535,
    SETTING_TABLE_SIZE = 1,
    SETTING_WINDOW = 4,
    SETTING_BYTES = 6,
    SETTING_UNKNOWN = 0x1f1f,
    PSEUDO_METHOD = 1,
    PSEUDO_SCHEME = 2,
    PSEUDO_AUTHORITY = 4,
    PSEUDO_PATH = 8,
    PSEUDO_STATUS = 16,
    PSEUDO_ALL_OF_REQUEST = 15
};

static const struct bytes greeting = BYTES_LITERAL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/* What is learnt of one head. */
struct head {
    unsigned pseudo;
    bool has_field;
    struct bytes method;
    struct bytes path;
    struct buffer kept; /* method and path */
    uint64_t status;
    bool has_length;
    uint64_t length;
};

struct fake_http2_stream *fake_http2_find(struct fake_http2 *end, uint32_t id)
{
    for (size_t i = end->stream_count; i > 0; i--)
        if (end->streams[i - 1].id == id)
            return &end->streams[i - 1];
    return NULL;
}

/* One that is over, when bytes that are no frames of ours have opened more than there is room. */
static void forget_stream(struct fake_http2 *end)
{
    size_t oldest = 0;
    while (oldest + 1 < end->stream_count && end->streams[oldest].phase != FAKE_HTTP2_ENDED)
        oldest++;
    end->stream_count--;
    memmove(&end->streams[oldest], &end->streams[oldest + 1],
            (end->stream_count - oldest) * sizeof(end->streams[0]));
}

/* Beyond what fits nothing is opened any more by whoever drives an agent. */
static struct fake_http2_stream *add_stream(struct fake_http2 *end, uint32_t id)
{
    if (end->is_opaque && end->stream_count == FAKE_HTTP2_STREAMS_MAX)
        forget_stream(end);
    CHECK(end->stream_count < FAKE_HTTP2_STREAMS_MAX);
    struct fake_http2_stream *stream = &end->streams[end->stream_count++];
    *stream = (struct fake_http2_stream){.id = id};
    return stream;
}

/* --- saying --------------------------------------------------------------------------------- */

static void push_u24(struct buffer *out, size_t value)
{
    CHECK(buffer_append_byte(out, (uint8_t)(value >> 16)) &&
          buffer_append_u16(out, (uint16_t)value));
}

/*
 * Each setting: what it allows is remembered at its highest. The size of the HPACK table is left
 * alone: when it takes effect is nghttp2's matter on both sides.
 */
static void note_settings(struct fake_http2 *end, struct bytes payload, struct buffer *out)
{
    struct reader reader = reader_over(payload);
    for (size_t at = 0; at + SETTING_BYTES <= payload.length; at += SETTING_BYTES) {
        uint16_t id = reader_u16(&reader);
        uint32_t value = reader_u32(&reader);
        if (id == SETTING_WINDOW && value > end->initial_window)
            end->initial_window = value;
        CHECK(buffer_append_u16(out, id == SETTING_TABLE_SIZE ? SETTING_UNKNOWN : id) &&
              buffer_append_u32(out, value));
    }
    CHECK(buffer_append(out, bytes_from(payload, payload.length / SETTING_BYTES * SETTING_BYTES)));
}

static void note_window(struct fake_http2 *end, uint32_t stream, struct bytes payload)
{
    struct reader reader = reader_over(payload);
    uint64_t bytes = reader_u32(&reader) & 0x7fffffff;
    struct fake_http2_stream *its = fake_http2_find(end, stream);
    if (stream == 0)
        end->connection_window += bytes;
    else if (its)
        its->given_bytes += bytes;
}

void fake_http2_say(struct fake_http2 *end, uint8_t type, uint8_t flags, uint32_t stream,
                    struct bytes payload)
{
    struct buffer out;
    struct buffer settings;
    buffer_init(&out, INPUT_CAP);
    buffer_init(&settings, INPUT_CAP);
    bool is_settings = type == FAKE_HTTP2_SETTINGS && (flags & FAKE_HTTP2_ACK) == 0;
    if (is_settings) {
        note_settings(end, payload, &settings);
        payload = buffer_bytes(&settings);
    }
    if (type == FAKE_HTTP2_WINDOW_UPDATE)
        note_window(end, stream, payload);
    bool is_opening = type == FAKE_HTTP2_HEADERS && end->dial == NULL && stream % 2 == 1;
    if (is_opening && fake_http2_find(end, stream) == NULL &&
        end->stream_count < FAKE_HTTP2_STREAMS_MAX) {
        add_stream(end, stream);
        if (stream >= end->next_stream)
            end->next_stream = stream + 2;
    }
    push_u24(&out, payload.length);
    CHECK(buffer_append_byte(&out, type) && buffer_append_byte(&out, flags) &&
          buffer_append_u32(&out, stream) && buffer_append(&out, payload));
    fake_peer_push(end->peer, buffer_bytes(&out));
    buffer_done(&settings);
    buffer_done(&out);
}

void fake_http2_say_bytes(struct fake_http2 *end, struct bytes bytes)
{
    end->is_opaque = true;
    fake_peer_push(end->peer, bytes);
}

/* RFC 7541 section 5.1, after a prefix of seven bits. */
static void push_text(struct buffer *out, struct bytes text)
{
    size_t left = text.length;
    if (left < 0x7f) {
        CHECK(buffer_append_byte(out, (uint8_t)left));
    } else {
        CHECK(buffer_append_byte(out, 0x7f));
        for (left -= 0x7f; left >= 0x80; left >>= 7)
            CHECK(buffer_append_byte(out, (uint8_t)(0x80 | (left & 0x7f))));
        CHECK(buffer_append_byte(out, (uint8_t)left));
    }
    CHECK(buffer_append(out, text));
}

void fake_http2_say_head(struct fake_http2 *end, uint8_t flags, uint32_t stream, const char *lines)
{
    struct buffer block;
    buffer_init(&block, BLOCK_CAP);
    struct bytes rest = bytes_from_text(lines);
    struct bytes line;
    while (bytes_next_token(&rest, '\n', &line) && line.length > 0) {
        size_t colon = 1 + bytes_index_of(bytes_from(line, 1), ':');
        /* A literal without indexing, with a new name: RFC 7541 section 6.2.2. */
        CHECK(buffer_append_byte(&block, 0));
        push_text(&block, bytes_first(line, colon));
        push_text(&block, bytes_from(line, colon + 2));
    }
    struct bytes all = buffer_bytes(&block);
    struct bytes first = bytes_first(all, PAYLOAD_MAX);
    uint8_t end_flag = first.length == all.length ? FAKE_HTTP2_END_HEADERS : 0;
    fake_http2_say(end, FAKE_HTTP2_HEADERS, flags | end_flag, stream, first);
    for (all = bytes_from(all, first.length); all.length > 0; all = bytes_from(all, first.length)) {
        first = bytes_first(all, PAYLOAD_MAX);
        end_flag = first.length == all.length ? FAKE_HTTP2_END_HEADERS : 0;
        fake_http2_say(end, FAKE_HTTP2_CONTINUATION, end_flag, stream, first);
    }
    buffer_done(&block);
}

void fake_http2_say_data(struct fake_http2 *end, uint8_t flags, uint32_t stream, size_t length)
{
    static const uint8_t block[PAYLOAD_MAX] = {'x'};
    struct bytes data = {block, sizeof(block)};
    for (; length > sizeof(block); length -= sizeof(block))
        fake_http2_say(end, FAKE_HTTP2_DATA, 0, stream, data);
    fake_http2_say(end, FAKE_HTTP2_DATA, flags, stream, bytes_first(data, length));
}

void fake_http2_say_window(struct fake_http2 *end, uint32_t stream, uint32_t bytes)
{
    uint8_t payload[4] = {(uint8_t)(bytes >> 24), (uint8_t)(bytes >> 16), (uint8_t)(bytes >> 8),
                          (uint8_t)bytes};
    fake_http2_say(end, FAKE_HTTP2_WINDOW_UPDATE, 0, stream,
                   (struct bytes){payload, sizeof(payload)});
}

/* --- heads from the wall -------------------------------------------------------------------- */

static unsigned pseudo_of(struct bytes name)
{
    static const struct {
        const char *name;
        unsigned bit;
    } rows[] = {{":method", PSEUDO_METHOD},
                {":scheme", PSEUDO_SCHEME},
                {":authority", PSEUDO_AUTHORITY},
                {":path", PSEUDO_PATH},
                {":status", PSEUDO_STATUS}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (bytes_equal_text(name, rows[i].name))
            return rows[i].bit;
    CHECK(!"a pseudo field that there is");
    return 0;
}

static struct bytes keep(struct head *head, struct bytes value)
{
    CHECK(buffer_append(&head->kept, value));
    struct bytes kept = buffer_bytes(&head->kept);
    return bytes_from(kept, kept.length - value.length);
}

static void check_pseudo(const struct fake_http2 *end, struct head *head, struct bytes name,
                         struct bytes value)
{
    unsigned bit = pseudo_of(name);
    CHECK(!head->has_field && (head->pseudo & bit) == 0);
    head->pseudo |= bit;
    if (bit == PSEUDO_METHOD)
        head->method = keep(head, value);
    else if (bit == PSEUDO_PATH)
        head->path = keep(head, value);
    else if (bit == PSEUDO_SCHEME)
        CHECK(bytes_equal_text(value, "https"));
    else if (bit == PSEUDO_STATUS)
        CHECK(value.length == 3 && number_parse_decimal(value, 999, &head->status));
    else
        CHECK(end->dial && bytes_equal(value, host_name_bytes(&end->dial->name)));
}

static void check_field(struct head *head, struct bytes name, struct bytes value)
{
    static const char *const forbidden[] = {
        "connection",        "host",    "keep-alive",          "proxy-connection",
        "transfer-encoding", "upgrade", "proxy-authorization", "http2-settings"};
    head->has_field = true;
    CHECK(name.length > 0);
    for (size_t i = 0; i < name.length; i++)
        CHECK((isalnum(name.data[i]) || strchr("!#$%&'*+-.^_`|~", name.data[i])) &&
              name.data[i] != 0 && !isupper(name.data[i]));
    for (size_t i = 0; i < value.length; i++)
        CHECK(value.data[i] == '\t' || (value.data[i] >= 0x20 && value.data[i] != 0x7f));
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
        CHECK(!bytes_equal_text(name, forbidden[i]));
    if (bytes_equal_text(name, "te"))
        CHECK(bytes_equal_text(value, "trailers"));
    if (!bytes_equal_text(name, "content-length"))
        return;
    CHECK(!head->has_length && number_parse_decimal(value, INT64_MAX, &head->length));
    head->has_length = true;
}

static void inflate(struct fake_http2 *end, struct head *head)
{
    struct bytes rest = buffer_bytes(&end->block);
    int flags = 0;
    while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
        nghttp2_nv pair;
        flags = 0;
        ssize_t used =
            nghttp2_hd_inflate_hd2(end->inflater, &pair, &flags, rest.data, rest.length, 1);
        CHECK(used >= 0);
        rest = bytes_from(rest, (size_t)used);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0)
            continue;
        struct bytes name = {pair.name, pair.namelen};
        struct bytes value = {pair.value, pair.valuelen};
        if (name.length > 0 && name.data[0] == ':')
            check_pseudo(end, head, name, value);
        else
            check_field(head, name, value);
    }
    nghttp2_hd_inflate_end_headers(end->inflater);
}

static void check_request(struct fake_http2 *end, const struct head *head)
{
    const struct policy *policy = end->world->proxy.policy;
    CHECK(head->pseudo == PSEUDO_ALL_OF_REQUEST);
    CHECK(policy_decide_http(policy, &end->dial->name, end->dial->port, head->method, head->path)
              .is_allowed);
    CHECK(fake_world_was_asked(end->world, head->method, head->path));
}

/* The head that `block` holds is complete. */
static void take_head(struct fake_http2 *end)
{
    struct head head = {0};
    struct fake_http2_stream *stream = fake_http2_find(end, end->block_stream);
    buffer_init(&head.kept, BLOCK_CAP);
    /* Room, so that what was kept stays where it is. */
    size_t room;
    buffer_reserve(&head.kept, BLOCK_CAP / 2, &room);
    inflate(end, &head);
    if (stream->phase == FAKE_HTTP2_BODY) {
        CHECK(head.pseudo == 0 && end->is_block_last);
    } else if (end->dial) {
        check_request(end, &head);
    } else {
        CHECK(head.pseudo == PSEUDO_STATUS && head.status >= 100 && head.status != 101);
        CHECK(head.status >= 200 || !end->is_block_last);
    }
    bool is_interim = end->dial == NULL && stream->phase == FAKE_HTTP2_HEAD && head.status < 200;
    if (!is_interim && stream->phase == FAKE_HTTP2_HEAD) {
        stream->has_length = head.has_length;
        stream->length = head.length;
        stream->phase = FAKE_HTTP2_BODY;
    }
    if (end->is_block_last)
        stream->phase = FAKE_HTTP2_ENDED;
    buffer_done(&head.kept);
    buffer_clear(&end->block);
    end->block_stream = 0;
}

/* --- frames from the wall ------------------------------------------------------------------- */

static void take_headers(struct fake_http2 *end, uint8_t flags, uint32_t id, struct bytes payload)
{
    struct fake_http2_stream *stream = fake_http2_find(end, id);
    if (stream == NULL) {
        /* The wall opens streams to servers only. Bytes that an agent said may be HEADERS, too. */
        CHECK((end->dial || end->is_opaque) && id % 2 == 1);
        CHECK(end->dial == NULL || end->stream_count == 0 ||
              end->streams[end->stream_count - 1].id < id);
        stream = add_stream(end, id);
    }
    CHECK(stream->phase != FAKE_HTTP2_ENDED);
    CHECK((flags & 0x28) == 0); /* no padding, no priority */
    end->block_stream = id;
    end->is_block_last = (flags & FAKE_HTTP2_END_STREAM) != 0;
    CHECK(buffer_append(&end->block, payload));
    if (flags & FAKE_HTTP2_END_HEADERS)
        take_head(end);
}

static void take_data(struct fake_http2 *end, uint8_t flags, uint32_t id, struct bytes payload)
{
    struct fake_http2_stream *stream = fake_http2_find(end, id);
    CHECK(stream && stream->phase == FAKE_HTTP2_BODY && (flags & 0x8) == 0);
    stream->data_bytes += payload.length;
    end->data_bytes += payload.length;
    CHECK(end->is_opaque || end->data_bytes <= end->connection_window);
    CHECK(end->is_opaque || stream->data_bytes <= end->initial_window + stream->given_bytes);
    CHECK(!stream->has_length || stream->data_bytes <= stream->length);
    if ((flags & FAKE_HTTP2_END_STREAM) == 0)
        return;
    stream->phase = FAKE_HTTP2_ENDED;
    CHECK(!stream->has_length || stream->data_bytes == stream->length);
}

static void take_window(struct fake_http2 *end, uint32_t id, struct bytes payload)
{
    struct fake_http2_stream *stream = fake_http2_find(end, id);
    struct reader reader = reader_over(payload);
    uint32_t bytes = reader_u32(&reader);
    CHECK(payload.length == 4 && bytes != 0 && bytes <= INT32_MAX);
    if (id == 0)
        end->got_window += bytes;
    else if (stream)
        stream->got_bytes += bytes;
}

static void take_settings(struct fake_http2 *end, struct bytes payload)
{
    struct reader reader = reader_over(payload);
    for (size_t at = 0; at < payload.length; at += SETTING_BYTES) {
        uint16_t id = reader_u16(&reader);
        uint32_t value = reader_u32(&reader);
        if (id == SETTING_WINDOW)
            end->got_initial_window = value;
    }
}

static void take_frame(struct fake_http2 *end, uint8_t type, uint8_t flags, uint32_t id,
                       struct bytes payload)
{
    CHECK(payload.length <= PAYLOAD_MAX);
    CHECK(end->block_stream == 0 || (type == FAKE_HTTP2_CONTINUATION && id == end->block_stream));
    CHECK(end->is_greeted || type == FAKE_HTTP2_SETTINGS);
    switch ((enum fake_http2_type)type) {
    case FAKE_HTTP2_DATA:
        take_data(end, flags, id, payload);
        return;
    case FAKE_HTTP2_HEADERS:
        take_headers(end, flags, id, payload);
        return;
    case FAKE_HTTP2_CONTINUATION:
        CHECK(end->block_stream == id && id != 0 && buffer_append(&end->block, payload));
        if (flags & FAKE_HTTP2_END_HEADERS)
            take_head(end);
        return;
    case FAKE_HTTP2_RST_STREAM:
        CHECK(payload.length == 4 && id != 0);
        end->reset_count++;
        if (fake_http2_find(end, id))
            fake_http2_find(end, id)->phase = FAKE_HTTP2_ENDED;
        return;
    case FAKE_HTTP2_SETTINGS:
        CHECK(id == 0 && payload.length % SETTING_BYTES == 0);
        end->is_greeted = true;
        take_settings(end, payload);
        if ((flags & FAKE_HTTP2_ACK) == 0)
            fake_http2_say(end, FAKE_HTTP2_SETTINGS, FAKE_HTTP2_ACK, 0, BYTES_EMPTY);
        return;
    case FAKE_HTTP2_PING:
        CHECK(id == 0 && payload.length == 8);
        return;
    case FAKE_HTTP2_GOAWAY:
        CHECK(id == 0 && payload.length >= 8);
        end->goaway_count++;
        return;
    case FAKE_HTTP2_WINDOW_UPDATE:
        take_window(end, id, payload);
        return;
    case FAKE_HTTP2_PRIORITY:
    case FAKE_HTTP2_PUSH_PROMISE:
        break;
    }
    CHECK(!"a frame that we send");
}

static void on_received(void *owner, struct bytes bytes)
{
    struct fake_http2 *end = owner;
    CHECK(buffer_append(&end->input, bytes));
    if (end->dial && !end->is_greeted && end->stream_count == 0 &&
        buffer_length(&end->input) >= greeting.length &&
        bytes_start_with(buffer_bytes(&end->input), BYTES_LITERAL("PRI")))
        buffer_consume(&end->input, greeting.length);
    for (;;) {
        struct bytes input = buffer_bytes(&end->input);
        bool is_greeting = end->dial && !end->is_greeted && input.length > 0 &&
                           bytes_start_with(greeting, bytes_first(input, greeting.length));
        if (is_greeting || input.length < HEADER_BYTES)
            return;
        struct reader reader = reader_over(input);
        uint32_t length = (uint32_t)reader_u8(&reader) << 16;
        length |= reader_u16(&reader);
        uint8_t type = reader_u8(&reader);
        uint8_t flags = reader_u8(&reader);
        uint32_t id = reader_u32(&reader);
        if (input.length < HEADER_BYTES + length)
            return;
        struct bytes payload = bytes_first(bytes_from(input, HEADER_BYTES), length);
        take_frame(end, type, flags, id, payload);
        buffer_consume(&end->input, HEADER_BYTES + length);
    }
}

/* --- life ----------------------------------------------------------------------------------- */

void fake_http2_start(struct fake_http2 *end, struct fake_world *world, struct fake_peer *peer,
                      struct fake_dial *dial)
{
    memset(end, 0, sizeof(*end));
    end->world = world;
    end->peer = peer;
    end->dial = dial;
    end->next_stream = 1;
    end->initial_window = end->connection_window = WINDOW_FIRST;
    end->got_initial_window = end->got_window = WINDOW_FIRST;
    buffer_init(&end->input, INPUT_CAP);
    buffer_init(&end->block, BLOCK_CAP);
    CHECK(nghttp2_hd_inflate_new(&end->inflater) == 0);
    peer->on_received = on_received;
    peer->owner = end;
    if (dial == NULL)
        fake_peer_push(peer, greeting);
    fake_http2_say(end, FAKE_HTTP2_SETTINGS, 0, 0, BYTES_EMPTY);
}

void fake_http2_done(struct fake_http2 *end)
{
    nghttp2_hd_inflate_del(end->inflater);
    buffer_done(&end->input);
    buffer_done(&end->block);
}
