#include "harness/fake_server.h"

#include "base/check.h"
#include "policy/policy.h"

#include <ctype.h>
#include <string.h>

enum { LINE_MAX_BYTES = 256 * 1024 };

/* What a head says of itself. */
struct asked {
    unsigned host_count;
    unsigned length_count;
    unsigned encoding_count;
    unsigned upgrade_count;
    uint64_t length;
};

static bool is_token_byte(uint8_t byte)
{
    return isalnum(byte) || (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

static void check_field(const struct fake_server *server, struct bytes line, struct asked *asked)
{
    size_t colon = bytes_index_of(line, ':');
    struct bytes name = bytes_first(line, colon);
    struct bytes value = bytes_from(line, colon + 2);
    CHECK(colon > 0 && colon + 1 < line.length && line.data[colon + 1] == ' ');
    for (size_t i = 0; i < name.length; i++)
        CHECK(is_token_byte(name.data[i]) && !isupper(name.data[i]));
    for (size_t i = 0; i < value.length; i++)
        CHECK(value.data[i] == '\t' || (value.data[i] >= 0x20 && value.data[i] != 0x7f));
    if (bytes_equal_text(name, "host")) {
        asked->host_count++;
        CHECK(bytes_equal(value, host_name_bytes(&server->dial->name)));
    } else if (bytes_equal_text(name, "content-length")) {
        asked->length_count++;
        CHECK(value.length > 0 && value.length < 20);
        for (size_t i = 0; i < value.length; i++) {
            CHECK(isdigit(value.data[i]));
            asked->length = asked->length * 10 + value.data[i] - '0';
        }
    } else if (bytes_equal_text(name, "transfer-encoding")) {
        asked->encoding_count++;
        CHECK(bytes_equal_text(value, "chunked"));
    } else if (bytes_equal_text(name, "upgrade")) {
        asked->upgrade_count++;
        CHECK(bytes_equal_text(value, "websocket"));
    } else {
        CHECK(!bytes_equal_text(name, "keep-alive") && !bytes_equal_text(name, "trailer-length") &&
              !bytes_equal_text(name, "proxy-authorization") &&
              !bytes_equal_text(name, "proxy-connection") &&
              !bytes_equal_text(name, "http2-settings"));
    }
}

static void check_request_line(const struct fake_server *server, struct bytes line)
{
    struct bytes rest = line;
    struct bytes method;
    struct bytes path;
    struct bytes version;
    CHECK(bytes_next_token(&rest, ' ', &method) && bytes_next_token(&rest, ' ', &path) &&
          bytes_next_token(&rest, ' ', &version) && rest.length == 0);
    CHECK(bytes_equal_text(version, "HTTP/1.1") && method.length > 0 && path.length > 0);
    for (size_t i = 0; i < method.length; i++)
        CHECK(is_token_byte(method.data[i]));
    for (size_t i = 0; i < path.length; i++)
        CHECK(path.data[i] > 0x20 && path.data[i] != 0x7f && path.data[i] != '#');
    CHECK(path.data[0] == '/' ||
          (bytes_equal_text(path, "*") && bytes_equal_text(method, "OPTIONS")));
    CHECK(policy_decide_http(server->world->proxy.policy, &server->dial->name, server->dial->port,
                             method, path)
              .is_allowed);
    CHECK(fake_world_was_asked(server->world, method, path));
}

/* A line without its CRLF off the front; no CR or LF may stand in it. */
static struct bytes take_line(struct bytes *rest)
{
    size_t end = bytes_index_of(*rest, '\r');
    CHECK(end + 1 < rest->length && rest->data[end + 1] == '\n');
    struct bytes line = bytes_first(*rest, end);
    CHECK(bytes_index_of(line, '\n') == line.length);
    *rest = bytes_from(*rest, end + 2);
    return line;
}

static void check_head(struct fake_server *server, struct bytes head)
{
    struct asked asked = {0};
    check_request_line(server, take_line(&head));
    while (head.length > 2)
        check_field(server, take_line(&head), &asked);
    CHECK(asked.host_count == 1 && asked.length_count + asked.encoding_count <= 1);
    CHECK(asked.upgrade_count == 0 || asked.length_count + asked.encoding_count == 0);
    server->request_count++;
    server->left = asked.length;
    server->state = asked.upgrade_count    ? FAKE_SERVER_UPGRADE
                    : asked.encoding_count ? FAKE_SERVER_CHUNK_SIZE
                    : asked.length         ? FAKE_SERVER_BODY
                                           : FAKE_SERVER_HEAD;
    server->complete_count += server->state == FAKE_SERVER_HEAD;
}

static void check_chunk_size(struct fake_server *server, struct bytes line)
{
    line = bytes_first(line, line.length - 2);
    CHECK(line.length > 0 && line.length <= 16);
    server->left = 0;
    for (size_t i = 0; i < line.length; i++) {
        uint8_t byte = line.data[i];
        CHECK(isdigit(byte) || (byte >= 'a' && byte <= 'f'));
        server->left = server->left * 16 + (isdigit(byte) ? byte - '0' : byte - 'a' + 10);
    }
    server->state = server->left ? FAKE_SERVER_CHUNK_DATA : FAKE_SERVER_TRAILERS;
}

static void check_trailer(struct fake_server *server, struct bytes line)
{
    struct asked asked = {0};
    line = bytes_first(line, line.length - 2);
    if (line.length > 0) {
        check_field(server, line, &asked);
        CHECK(asked.host_count + asked.length_count + asked.encoding_count + asked.upgrade_count ==
              0);
        return;
    }
    server->state = FAKE_SERVER_HEAD;
    server->complete_count++;
}

/* A byte of a head, or of a line of the body's framing. */
static void take_byte(struct fake_server *server, uint8_t byte)
{
    CHECK(buffer_append_byte(&server->line, byte));
    struct bytes line = buffer_bytes(&server->line);
    bool is_head = server->state == FAKE_SERVER_HEAD;
    struct bytes end = is_head ? BYTES_LITERAL("\r\n\r\n") : BYTES_LITERAL("\r\n");
    if (!bytes_end_with(line, end))
        return;
    if (is_head)
        check_head(server, line);
    else if (server->state == FAKE_SERVER_CHUNK_SIZE)
        check_chunk_size(server, line);
    else if (server->state == FAKE_SERVER_TRAILERS)
        check_trailer(server, line);
    else
        CHECK(line.length == 2);
    if (server->state == FAKE_SERVER_CHUNK_END)
        server->state = FAKE_SERVER_CHUNK_SIZE;
    buffer_clear(&server->line);
}

static void take_body(struct fake_server *server, struct bytes *input)
{
    size_t length = input->length < server->left ? input->length : (size_t)server->left;
    server->left -= length;
    server->body_bytes += length;
    *input = bytes_from(*input, length);
    if (server->left > 0)
        return;
    bool is_chunk = server->state == FAKE_SERVER_CHUNK_DATA;
    server->state = is_chunk ? FAKE_SERVER_CHUNK_END : FAKE_SERVER_HEAD;
    server->complete_count += !is_chunk;
}

static void on_received(void *owner, struct bytes input)
{
    struct fake_server *server = owner;
    CHECK(!server->dial->is_tunnel || server->has_switched);
    while (input.length > 0 && !server->dial->is_tunnel) {
        switch (server->state) {
        case FAKE_SERVER_BODY:
        case FAKE_SERVER_CHUNK_DATA:
            take_body(server, &input);
            break;
        case FAKE_SERVER_UPGRADE:
            CHECK(!"bytes behind a request to switch protocols");
            return;
        default:
            take_byte(server, input.data[0]);
            input = bytes_from(input, 1);
            break;
        }
    }
}

void fake_server_start(struct fake_server *server, struct fake_world *world, struct fake_dial *dial)
{
    *server = (struct fake_server){.world = world, .dial = dial};
    buffer_init(&server->line, LINE_MAX_BYTES);
    dial->peer->on_received = on_received;
    dial->peer->owner = server;
}

void fake_server_done(struct fake_server *server)
{
    buffer_done(&server->line);
}

void fake_server_say(struct fake_server *server, struct bytes text)
{
    for (size_t i = 0; i + 3 <= text.length; i++)
        if (bytes_start_with(bytes_from(text, i), BYTES_LITERAL("101")))
            server->has_switched = true;
    if (server->state == FAKE_SERVER_UPGRADE && text.length > 0)
        server->state = FAKE_SERVER_HEAD;
    fake_peer_push(server->dial->peer, text);
}
