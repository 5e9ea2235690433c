#include "test.h"

#include "base/memory.h"
#include "firewall/dialer.h"
#include "firewall/http1_upstream.h"
#include "firewall/http2_upstream.h"
#include "firewall/proxy.h"
#include "firewall/upstream_pool.h"
#include "harness/fake_clock.h"
#include "system/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

/*
 * The pool over dials that the test ends as it likes and connections that do as they are told.
 * Exchanges are numbers; a stream is the dial that it came from.
 */

enum { FAKES_MAX = 1200 };

struct dial {
    struct dial_request request;
    struct host_name name;
    dial_done_fn *on_done;
    void *owner;
    bool is_over;
    bool is_http2;
    stream_closed_fn *on_closed;
    void *counter;
};

struct fake_connection {
    struct upstream_connection base;
    struct dial *dial;
    unsigned room; /* streams at once */
    bool is_retired;
    bool is_closed;
};

static struct dial dials[FAKES_MAX];
static size_t dial_count;
static struct fake_connection *connections[FAKES_MAX];
static size_t connection_count;
static struct upstream_claim *claims[FAKES_MAX]; /* by the exchange's number */
static char story[4096];

static void tell(const char *format, unsigned long number)
{
    size_t length = strlen(story);
    snprintf(story + length, sizeof(story) - length, format, number);
}

struct dial *dial_start(struct dialer *dialer, const struct dial_request *request,
                        dial_done_fn *on_done, void *owner)
{
    assert_true(dial_count < FAKES_MAX);
    struct dial *dial = &dials[dial_count++];
    *dial = (struct dial){.request = *request, .on_done = on_done, .owner = owner};
    assert_int_equal(host_name_parse(request->name, &dial->name), HOST_NAME_FINE);
    return dial;
}

void dial_cancel(struct dial *dial)
{
    assert_false(dial->is_over);
    dial->is_over = true;
    tell("cancelled ", 0);
}

bool dial_is_http2(const struct stream *stream)
{
    return ((const struct dial *)stream)->is_http2;
}

void stream_on_closed(struct stream *stream, stream_closed_fn *on_closed, void *owner)
{
    struct dial *dial = (struct dial *)stream;
    dial->on_closed = on_closed;
    dial->counter = owner;
}

/* --- connections ---------------------------------------------------------------------------- */

static void close_socket(struct fake_connection *connection)
{
    connection->dial->on_closed(connection->dial->counter);
}

static void fake_close(struct fake_connection *connection)
{
    assert_false(connection->is_closed);
    connection->is_closed = true;
    upstream_pool_forget(&connection->base);
    close_socket(connection);
}

static struct exchange_side fake_start(struct upstream_connection *base, struct exchange *exchange)
{
    static const struct exchange_side_operations operations;
    assert_false(((struct fake_connection *)base)->is_retired);
    base->running++;
    base->served_count++;
    return (struct exchange_side){&operations, base};
}

static bool fake_is_ready(const struct upstream_connection *base)
{
    const struct fake_connection *connection = (const struct fake_connection *)base;
    return base->is_settled ? base->running < connection->room : base->running == 0;
}

static void fake_retire(struct upstream_connection *base)
{
    struct fake_connection *connection = (struct fake_connection *)base;
    connection->is_retired = true;
    if (base->running == 0)
        fake_close(connection);
}

static void fake_discard(struct upstream_connection *base)
{
    assert_int_equal(base->running, 0);
    fake_close((struct fake_connection *)base);
}

static struct upstream_connection *fake_new(struct upstream_pool *pool,
                                            const struct upstream_key *key, struct stream *stream,
                                            enum http_protocol protocol)
{
    static const struct upstream_connection_operations operations = {
        .start = fake_start,
        .is_ready = fake_is_ready,
        .retire = fake_retire,
        .discard = fake_discard,
    };
    struct fake_connection *connection = memory_new(sizeof(*connection));
    connection->base.operations = &operations;
    connection->base.pool = pool;
    connection->base.key = *key;
    connection->base.protocol = protocol;
    connection->base.is_settled = protocol == HTTP_PROTOCOL_1;
    TAILQ_INIT(&connection->base.followers);
    connection->dial = (struct dial *)stream;
    connection->room = 1;
    connections[connection_count++] = connection;
    return &connection->base;
}

struct upstream_connection *http1_upstream_new(struct upstream_pool *pool, struct proxy *proxy,
                                               const struct upstream_key *key,
                                               struct stream *stream)
{
    return fake_new(pool, key, stream, HTTP_PROTOCOL_1);
}

struct upstream_connection *http2_upstream_new(struct upstream_pool *pool, struct proxy *proxy,
                                               const struct upstream_key *key,
                                               struct stream *stream)
{
    return fake_new(pool, key, stream, HTTP_PROTOCOL_2);
}

/* --- the fixture ---------------------------------------------------------------------------- */

struct fixture {
    uv_loop_t loop;
    struct proxy proxy;
    struct upstream_pool *pool;
};

static int start(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    dial_count = connection_count = 0;
    story[0] = '\0';
    uv_loop_init(&fixture->loop);
    fixture->proxy.loop = &fixture->loop;
    fixture->proxy.policy_epoch = 1;
    fixture->pool = upstream_pool_new(&fixture->proxy);
    *state = fixture;
    return 0;
}

static int stop(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < FAKES_MAX; i++)
        if (claims[i])
            upstream_claim_cancel(claims[i]);
    memset(claims, 0, sizeof(claims));
    upstream_pool_free(fixture->pool);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    for (size_t i = 0; i < connection_count; i++)
        free(connections[i]);
    free(fixture);
    return 0;
}

static void turn(struct fixture *fixture)
{
    for (int i = 0; i < 4; i++)
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
}

static void on_claimed(void *owner, struct exchange_side side, bool is_reused,
                       enum exchange_failure failure, const char *detail)
{
    unsigned long number = (unsigned long)(uintptr_t)owner;
    claims[number] = NULL;
    if (side.operations == NULL) {
        tell("%lu-failed ", number);
        return;
    }
    for (size_t i = 0; i < connection_count; i++)
        if (connections[i] == side.object)
            tell("%lu-on-", number), tell("%lu ", i);
}

static void cancel(unsigned long number)
{
    upstream_claim_cancel(claims[number]);
    claims[number] = NULL;
}

static struct upstream_claim_request request_of(const struct fixture *fixture, const char *name,
                                                enum http_protocol protocol)
{
    struct upstream_claim_request request = {
        .key = {.port = 443, .epoch = fixture->proxy.policy_epoch},
        .protocol = protocol,
    };
    assert_int_equal(host_name_parse(bytes_from_text(name), &request.key.name), HOST_NAME_FINE);
    return request;
}

static void claim_with(struct fixture *fixture, unsigned long number,
                       const struct upstream_claim_request *request)
{
    claims[number] =
        upstream_pool_claim(fixture->pool, request, on_claimed, (void *)(uintptr_t)number);
}

static void claim(struct fixture *fixture, unsigned long number, enum http_protocol protocol)
{
    struct upstream_claim_request request = request_of(fixture, "api.example.com", protocol);
    claim_with(fixture, number, &request);
}

static void connect_as(struct fixture *fixture, size_t index, enum http_protocol protocol)
{
    struct dial *dial = &dials[index];
    assert_false(dial->is_over);
    dial->is_over = true;
    dial->is_http2 = protocol == HTTP_PROTOCOL_2;
    dial->on_done(dial->owner, DIAL_CONNECTED, (struct stream *)dial, "");
    turn(fixture);
}

static void refuse_dial(struct fixture *fixture, size_t index)
{
    dials[index].is_over = true;
    dials[index].on_done(dials[index].owner, DIAL_REFUSED, NULL, "no");
    turn(fixture);
}

static void settle_with_room(struct fixture *fixture, size_t index, unsigned room)
{
    connections[index]->room = room;
    connections[index]->base.is_settled = true;
    upstream_pool_changed(&connections[index]->base);
    turn(fixture);
}

/* An exchange of the connection ends. */
static void finish(struct fixture *fixture, size_t index)
{
    struct fake_connection *connection = connections[index];
    connection->base.running--;
    upstream_pool_changed(&connection->base);
    turn(fixture);
}

/* --- whose connection ----------------------------------------------------------------------- */

static void shares_no_connection_with_another_name_port_or_private_setting(void **state)
{
    struct fixture *fixture = *state;
    claim(fixture, 1, HTTP_PROTOCOL_2);
    connect_as(fixture, 0, HTTP_PROTOCOL_2);
    settle_with_room(fixture, 0, 100);
    struct upstream_claim_request other = request_of(fixture, "other.example.com", HTTP_PROTOCOL_2);
    claim_with(fixture, 2, &other);
    other = request_of(fixture, "api.example.com", HTTP_PROTOCOL_2);
    other.key.port = 8443;
    claim_with(fixture, 3, &other);
    other.key.port = 443;
    other.key.is_private_allowed = true;
    claim_with(fixture, 4, &other);
    assert_int_equal(dial_count, 4);
    assert_string_equal(story, "1-on-0 ");
    claim(fixture, 5, HTTP_PROTOCOL_2);
    assert_string_equal(story, "1-on-0 5-on-0 ");
}

static void gives_nothing_to_a_connection_of_an_older_policy(void **state)
{
    struct fixture *fixture = *state;
    claim(fixture, 1, HTTP_PROTOCOL_2);
    connect_as(fixture, 0, HTTP_PROTOCOL_2);
    settle_with_room(fixture, 0, 100);
    claim(fixture, 2, HTTP_PROTOCOL_1);
    connect_as(fixture, 1, HTTP_PROTOCOL_1);
    fixture->proxy.policy_epoch = 2;
    upstream_pool_policy_changed(fixture->pool);
    /* The stream that runs goes on, and the connection ends with it. */
    assert_false(connections[0]->is_closed);
    claim(fixture, 3, HTTP_PROTOCOL_2);
    assert_int_equal(dial_count, 3);
    finish(fixture, 0);
    finish(fixture, 1);
    assert_true(connections[0]->is_closed);
    assert_true(connections[1]->is_closed);
    claim(fixture, 4, HTTP_PROTOCOL_1);
    assert_int_equal(dial_count, 4);
}

static void keeps_dials_and_claims_over_a_change_of_policy(void **state)
{
    struct fixture *fixture = *state;
    claim(fixture, 1, HTTP_PROTOCOL_2);
    claim(fixture, 2, HTTP_PROTOCOL_2);
    fixture->proxy.policy_epoch = 2;
    upstream_pool_policy_changed(fixture->pool);
    connect_as(fixture, 0, HTTP_PROTOCOL_2);
    claim(fixture, 3, HTTP_PROTOCOL_2);
    settle_with_room(fixture, 0, 100);
    assert_int_equal(dial_count, 1);
    assert_string_equal(story, "1-on-0 2-on-0 3-on-0 ");
}

static void gives_followers_of_a_retired_connection_another_one(void **state)
{
    struct fixture *fixture = *state;
    claim(fixture, 1, HTTP_PROTOCOL_2);
    claim(fixture, 2, HTTP_PROTOCOL_2);
    connect_as(fixture, 0, HTTP_PROTOCOL_2);
    fixture->proxy.policy_epoch = 2;
    upstream_pool_policy_changed(fixture->pool);
    turn(fixture);
    assert_int_equal(dial_count, 2);
    connect_as(fixture, 1, HTTP_PROTOCOL_2);
    assert_string_equal(story, "1-on-0 2-on-1 ");
}

static void never_gives_http2_to_a_websocket(void **state)
{
    struct fixture *fixture = *state;
    claim(fixture, 1, HTTP_PROTOCOL_1);
    assert_int_equal(dials[0].request.security, DIAL_TLS_HTTP_1_FIRST);
    /* The server speaks only HTTP/2, and that is known from here on. */
    connect_as(fixture, 0, HTTP_PROTOCOL_2);
    settle_with_room(fixture, 0, 100);
    struct upstream_claim_request socket = request_of(fixture, "api.example.com", HTTP_PROTOCOL_1);
    socket.is_http1_only = true;
    claim_with(fixture, 2, &socket);
    assert_int_equal(dial_count, 2);
    assert_int_equal(dials[1].request.security, DIAL_TLS_HTTP_1);
    claim(fixture, 3, HTTP_PROTOCOL_1);
    assert_string_equal(story, "1-on-0 3-on-0 ");
}

/* --- limits --------------------------------------------------------------------------------- */

static void counts_sockets_that_outlive_their_connection(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned long i = 0; i < PROXY_UPSTREAM_CONNECTION_LIMIT; i++) {
        claim(fixture, i, HTTP_PROTOCOL_1);
        connect_as(fixture, i, HTTP_PROTOCOL_1);
    }
    /* A tunnel took the stream of the first: the connection is gone, its socket is not. */
    upstream_pool_forget(&connections[0]->base);
    story[0] = '\0';
    claim(fixture, 1000, HTTP_PROTOCOL_1);
    turn(fixture);
    assert_int_equal(dial_count, PROXY_UPSTREAM_CONNECTION_LIMIT);
    close_socket(connections[0]);
    turn(fixture);
    assert_int_equal(dial_count, PROXY_UPSTREAM_CONNECTION_LIMIT + 1);
    assert_string_equal(story, "");
}

static void serves_who_waits_for_a_place_by_an_idle_connection_of_its_name(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned long i = 0; i < PROXY_UPSTREAM_CONNECTION_LIMIT; i++) {
        claim(fixture, i, HTTP_PROTOCOL_1);
        connect_as(fixture, i, HTTP_PROTOCOL_1);
    }
    story[0] = '\0';
    claim(fixture, 1000, HTTP_PROTOCOL_1);
    finish(fixture, 7);
    assert_string_equal(story, "1000-on-7 ");
    assert_int_equal(dial_count, PROXY_UPSTREAM_CONNECTION_LIMIT);
}

static void lets_an_idle_connection_go_for_another_name_at_the_limit(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned long i = 0; i < PROXY_UPSTREAM_CONNECTION_LIMIT; i++) {
        claim(fixture, i, HTTP_PROTOCOL_1);
        connect_as(fixture, i, HTTP_PROTOCOL_1);
    }
    finish(fixture, 3);
    struct upstream_claim_request other = request_of(fixture, "other.example.com", HTTP_PROTOCOL_1);
    claim_with(fixture, 1000, &other);
    assert_true(connections[3]->is_closed);
    assert_int_equal(dial_count, PROXY_UPSTREAM_CONNECTION_LIMIT + 1);
}

static void gives_up_who_waits_for_a_place_for_half_a_minute(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned long i = 0; i < PROXY_UPSTREAM_CONNECTION_LIMIT; i++) {
        claim(fixture, i, HTTP_PROTOCOL_1);
        connect_as(fixture, i, HTTP_PROTOCOL_1);
    }
    story[0] = '\0';
    claim(fixture, 1000, HTTP_PROTOCOL_1);
    fake_clock_advance(&fixture->loop, UPSTREAM_POOL_WAIT_MS / 2);
    claim(fixture, 1001, HTTP_PROTOCOL_1);
    fake_clock_advance(&fixture->loop, UPSTREAM_POOL_WAIT_MS / 2 - 2000);
    assert_string_equal(story, "");
    fake_clock_advance(&fixture->loop, 4000);
    assert_string_equal(story, "1000-failed ");
    /* The other waits on, and gets the next place. */
    finish(fixture, 7);
    assert_string_equal(story, "1000-failed 1001-on-7 ");
}

static void gives_up_who_waits_for_a_stream_for_half_a_minute(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned long i = 0; i < PROXY_UPSTREAM_CONNECTION_LIMIT; i++) {
        claim(fixture, i, HTTP_PROTOCOL_2);
        connect_as(fixture, i, HTTP_PROTOCOL_2);
        settle_with_room(fixture, i, 1);
    }
    story[0] = '\0';
    claim(fixture, 1000, HTTP_PROTOCOL_2);
    fake_clock_advance(&fixture->loop, UPSTREAM_POOL_WAIT_MS - 2000);
    assert_string_equal(story, "");
    fake_clock_advance(&fixture->loop, 4000);
    assert_string_equal(story, "1000-failed ");
}

static void keeps_as_many_idle_connections_as_there_may_be_and_uses_the_last_first(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned long i = 0; i < UPSTREAM_POOL_IDLE_MAX + 2; i++) {
        claim(fixture, i, HTTP_PROTOCOL_1);
        connect_as(fixture, i, HTTP_PROTOCOL_1);
    }
    for (size_t i = 0; i < UPSTREAM_POOL_IDLE_MAX + 2; i++)
        finish(fixture, i);
    assert_true(connections[0]->is_closed);
    assert_true(connections[1]->is_closed);
    assert_false(connections[2]->is_closed);
    story[0] = '\0';
    claim(fixture, 1000, HTTP_PROTOCOL_1);
    assert_string_equal(story, "1000-on-193 ");
}

/* --- sharing -------------------------------------------------------------------------------- */

static void tells_all_who_share_a_dial_that_it_failed(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned long i = 1; i <= 3; i++)
        claim(fixture, i, HTTP_PROTOCOL_2);
    assert_int_equal(dial_count, 1);
    refuse_dial(fixture, 0);
    assert_string_equal(story, "1-failed 2-failed 3-failed ");
}

static void ends_a_dial_with_the_last_claim_and_not_with_the_first(void **state)
{
    struct fixture *fixture = *state;
    claim(fixture, 1, HTTP_PROTOCOL_2);
    claim(fixture, 2, HTTP_PROTOCOL_2);
    cancel(1);
    assert_string_equal(story, "");
    cancel(2);
    assert_string_equal(story, "cancelled ");
}

static void waits_for_the_server_to_say_how_many_streams_it_takes(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned long i = 1; i <= 5; i++)
        claim(fixture, i, HTTP_PROTOCOL_2);
    connect_as(fixture, 0, HTTP_PROTOCOL_2);
    assert_string_equal(story, "1-on-0 ");
    claim(fixture, 6, HTTP_PROTOCOL_2);
    /* Three fit; the others share a second connection. */
    settle_with_room(fixture, 0, 3);
    assert_string_equal(story, "1-on-0 2-on-0 3-on-0 ");
    assert_int_equal(dial_count, 2);
    connect_as(fixture, 1, HTTP_PROTOCOL_2);
    settle_with_room(fixture, 1, 3);
    assert_string_equal(story, "1-on-0 2-on-0 3-on-0 4-on-1 5-on-1 6-on-1 ");
}

static void gives_each_its_own_connection_where_the_server_speaks_only_http1(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned long i = 1; i <= 3; i++)
        claim(fixture, i, HTTP_PROTOCOL_2);
    connect_as(fixture, 0, HTTP_PROTOCOL_1);
    assert_int_equal(dial_count, 3);
    connect_as(fixture, 1, HTTP_PROTOCOL_1);
    connect_as(fixture, 2, HTTP_PROTOCOL_1);
    assert_string_equal(story, "1-on-0 2-on-1 3-on-2 ");
    finish(fixture, 1);
    claim(fixture, 4, HTTP_PROTOCOL_2);
    assert_string_equal(story, "1-on-0 2-on-1 3-on-2 4-on-1 ");
}

static void offers_the_protocol_of_the_agent(void **state)
{
    struct fixture *fixture = *state;
    claim(fixture, 1, HTTP_PROTOCOL_2);
    assert_int_equal(dials[0].request.security, DIAL_TLS_HTTP_2);
    connect_as(fixture, 0, HTTP_PROTOCOL_2);
    settle_with_room(fixture, 0, 100);
    /* The server speaks both as far as anybody knows: HTTP/1.1 stays HTTP/1.1. */
    claim(fixture, 2, HTTP_PROTOCOL_1);
    assert_int_equal(dials[1].request.security, DIAL_TLS_HTTP_1_FIRST);
    connect_as(fixture, 1, HTTP_PROTOCOL_1);
    assert_string_equal(story, "1-on-0 2-on-1 ");
}

static void takes_no_old_connection_for_a_second_attempt(void **state)
{
    struct fixture *fixture = *state;
    claim(fixture, 1, HTTP_PROTOCOL_1);
    connect_as(fixture, 0, HTTP_PROTOCOL_1);
    finish(fixture, 0);
    struct upstream_claim_request again = request_of(fixture, "api.example.com", HTTP_PROTOCOL_1);
    again.is_fresh = true;
    claim_with(fixture, 2, &again);
    assert_int_equal(dial_count, 2);
}

#define WITH_POOL(test) cmocka_unit_test_setup_teardown(test, start, stop)

RUN_TESTS(WITH_POOL(shares_no_connection_with_another_name_port_or_private_setting),
          WITH_POOL(gives_nothing_to_a_connection_of_an_older_policy),
          WITH_POOL(keeps_dials_and_claims_over_a_change_of_policy),
          WITH_POOL(gives_followers_of_a_retired_connection_another_one),
          WITH_POOL(never_gives_http2_to_a_websocket),
          WITH_POOL(counts_sockets_that_outlive_their_connection),
          WITH_POOL(serves_who_waits_for_a_place_by_an_idle_connection_of_its_name),
          WITH_POOL(lets_an_idle_connection_go_for_another_name_at_the_limit),
          WITH_POOL(gives_up_who_waits_for_a_place_for_half_a_minute),
          WITH_POOL(gives_up_who_waits_for_a_stream_for_half_a_minute),
          WITH_POOL(keeps_as_many_idle_connections_as_there_may_be_and_uses_the_last_first),
          WITH_POOL(tells_all_who_share_a_dial_that_it_failed),
          WITH_POOL(ends_a_dial_with_the_last_claim_and_not_with_the_first),
          WITH_POOL(waits_for_the_server_to_say_how_many_streams_it_takes),
          WITH_POOL(gives_each_its_own_connection_where_the_server_speaks_only_http1),
          WITH_POOL(offers_the_protocol_of_the_agent),
          WITH_POOL(takes_no_old_connection_for_a_second_attempt))
