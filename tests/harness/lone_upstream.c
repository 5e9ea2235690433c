#include "harness/lone_upstream.h"

#include "base/check.h"
#include "firewall/upstream_pool.h"
#include "harness/fake_clock.h"
#include "system/stream.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TURNS = 4, SOCKET_BYTES = 64 * 1024 };

static char story[1024];

static void tell(const char *text)
{
    size_t length = strlen(story);
    snprintf(story + length, sizeof(story) - length, "%s ", text);
}

const char *lone_upstream_story(void)
{
    return story;
}

void lone_upstream_forget(void)
{
    story[0] = '\0';
}

/* --- in the place of the pool --------------------------------------------------------------- */

void upstream_pool_changed(struct upstream_connection *connection)
{
    tell(connection->running ? "room" : "idle");
}

void upstream_pool_forget(struct upstream_connection *connection)
{
    if (!strstr(story, "gone "))
        tell("gone");
}

/* --- in the place of the exchange ----------------------------------------------------------- */

void exchange_response_head(struct exchange *exchange, struct http_head *head)
{
    char text[16];
    snprintf(text, sizeof(text), "%u", head->status);
    tell(text);
}

void exchange_response_body(struct exchange *exchange, struct bytes body)
{
    tell("body");
}

void exchange_response_end(struct exchange *exchange, const struct http_head *trailers)
{
    tell("end");
}

void exchange_response_flush(struct exchange *exchange)
{
}

void exchange_request_credit(struct exchange *exchange, size_t bytes)
{
}

void exchange_upstream_failed(struct exchange *exchange, enum exchange_failure failure,
                              enum exchange_progress progress, const char *detail)
{
    static const char *const failures[EXCHANGE_FAILURE_COUNT] = {
        [EXCHANGE_UPSTREAM_TIMEOUT] = "timeout",   [EXCHANGE_UPSTREAM_PROTOCOL] = "protocol",
        [EXCHANGE_UPSTREAM_GIVEN_UP] = "given-up", [EXCHANGE_UPSTREAM_CANCELLED] = "cancelled",
        [EXCHANGE_UPSTREAM_CALM] = "calm",         [EXCHANGE_UPSTREAM_HTTP1] = "http1"};
    static const char *const words[] = {
        [EXCHANGE_ANSWERED] = "answered",
        [EXCHANGE_UNANSWERED] = "unanswered",
        [EXCHANGE_UNTOUCHED] = "untouched",
    };
    char text[64];
    snprintf(text, sizeof(text), "%s-%s", failures[failure] ? failures[failure] : "lost",
             words[progress]);
    tell(text);
}

/* --- the connection ------------------------------------------------------------------------- */

void lone_upstream_start(struct lone_upstream *upstream,
                         struct upstream_connection *make(struct upstream_pool *pool,
                                                          struct proxy *proxy,
                                                          const struct upstream_key *key,
                                                          struct stream *stream))
{
    int ends[2];
    memset(upstream, 0, sizeof(*upstream));
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    /* Whatever this machine's kernel takes by default. */
    int small = SOCKET_BYTES;
    CHECK(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)) == 0);
    CHECK(uv_loop_init(&upstream->loop) == 0);
    upstream->proxy.loop = &upstream->loop;
    upstream->proxy.streams = stream_loop_new(&upstream->loop);
    upstream->proxy.bodies = stream_loop_bodies(upstream->proxy.streams);
    struct upstream_key key = {.port = 443};
    struct stream *stream = stream_new(upstream->proxy.streams, ends[0], NULL, NULL);
    upstream->connection = make(NULL, &upstream->proxy, &key, stream);
    upstream->server = ends[1];
    lone_upstream_forget();
}

void lone_upstream_stop(struct lone_upstream *upstream)
{
    if (!strstr(story, "gone "))
        upstream->connection->operations->retire(upstream->connection);
    lone_upstream_turn(upstream);
    close(upstream->server);
    lone_upstream_turn(upstream);
    stream_loop_free(upstream->proxy.streams);
    uv_run(&upstream->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&upstream->loop) == 0);
}

void lone_upstream_turn(struct lone_upstream *upstream)
{
    for (int i = 0; i < TURNS; i++)
        uv_run(&upstream->loop, UV_RUN_NOWAIT);
}

void lone_upstream_advance(struct lone_upstream *upstream, uint64_t seconds)
{
    fake_clock_advance(&upstream->loop, seconds * 1000);
    lone_upstream_turn(upstream);
    lone_upstream_drain(upstream);
}

void lone_upstream_drain(struct lone_upstream *upstream)
{
    char sink[4096];
    while (read(upstream->server, sink, sizeof(sink)) > 0)
        continue;
}

void lone_upstream_say(struct lone_upstream *upstream, struct bytes bytes)
{
    CHECK(write(upstream->server, bytes.data, bytes.length) == (ssize_t)bytes.length);
    lone_upstream_turn(upstream);
    lone_upstream_drain(upstream);
}

struct exchange_side lone_upstream_ask(struct lone_upstream *upstream, const char *method,
                                       enum http_body body)
{
    struct http_head head;
    http_head_init(&head, HTTP_REQUEST);
    http_head_set_method(&head, bytes_from_text(method));
    http_head_set_scheme(&head, BYTES_LITERAL("https"));
    http_head_set_authority(&head, BYTES_LITERAL("api.example.com"));
    http_head_set_path(&head, BYTES_LITERAL("/"));
    head.body = body;
    /* Never looked into: it stands for the exchange. */
    struct exchange *exchange = (struct exchange *)(void *)upstream;
    struct exchange_side side =
        upstream->connection->operations->start(upstream->connection, exchange);
    side.operations->send_head(side.object, &head);
    if (body == HTTP_BODY_NONE)
        side.operations->send_end(side.object, NULL);
    side.operations->flush(side.object);
    side.operations->give_credit(side.object, EXCHANGE_WINDOW_BYTES);
    http_head_done(&head);
    return side;
}
