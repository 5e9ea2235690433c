#include "test.h"

#include "firewall/exchange.h"
#include "firewall/proxy.h"
#include "firewall/relay.h"
#include "firewall/upstream_pool.h"
#include "policy/policy.h"

#include <stdio.h>
#include <uv.h>

/*
 * An exchange between two sides that write down what they are told, over a pool, a record queue
 * and a relay that are all made up here.
 */

struct upstream_claim {
    struct exchange *exchange;
    upstream_claimed_fn *on_claimed;
    void *owner;
    bool is_fresh;
};

static char story[4096]; /* one word an event; `<` to the agent, `>` to the server */
static char records[1024];
static char logged_path[256];
static struct upstream_claim pending;
static bool is_pending;
static struct body_budget bodies;
static struct exchange_side idle_side; /* handed out at once when set */

static void tell(const char *format, const char *text)
{
    size_t length = strlen(story);
    snprintf(story + length, sizeof(story) - length, format, text);
}

void record_queue_send(struct proxy *proxy, const struct audit_record *record)
{
    size_t length = strlen(records);
    snprintf(logged_path, sizeof(logged_path), "%.*s", (int)record->path.length,
             (const char *)record->path.data);
    snprintf(records + length, sizeof(records) - length, "%s %u %.*s;",
             audit_record_decision_name(record->decision), record->status,
             (int)record->reason.length, (const char *)record->reason.data);
}

struct upstream_claim *upstream_pool_claim(struct upstream_pool *pool,
                                           const struct upstream_claim_request *request,
                                           upstream_claimed_fn *on_claimed, void *owner)
{
    tell(request->is_fresh ? "claim-fresh" : "claim", "");
    tell(request->is_http1_only ? "-http1 " : " ", "");
    if (idle_side.operations && !request->is_fresh) {
        on_claimed(owner, idle_side, true, EXCHANGE_INTERNAL, "");
        return NULL;
    }
    pending = (struct upstream_claim){request->exchange, on_claimed, owner, request->is_fresh};
    is_pending = true;
    return &pending;
}

void upstream_claim_cancel(struct upstream_claim *claim)
{
    tell("cancel ", "");
    is_pending = false;
}

struct relay *relay_new(struct stream_loop *streams, struct stream *agent, struct stream *upstream,
                        uint64_t idle_timeout_ms, relay_end_fn *on_end, void *owner)
{
    fail_msg("no tunnel is opened here");
    return NULL;
}

void relay_pass_to_agent(struct relay *relay, struct bytes bytes)
{
}

void relay_watch(struct relay *relay, relay_watch_fn *on_bytes)
{
    fail_msg("nobody watches");
}

void relay_start(struct relay *relay)
{
}

void relay_cut(struct relay *relay)
{
}

uint64_t relay_sent(const struct relay *relay)
{
    return 0;
}

uint64_t relay_received(const struct relay *relay)
{
    return 0;
}

/* --- sides; the object is "<" or ">" -------------------------------------------------------- */

static void side_head(void *side, const struct http_head *head)
{
    char text[32];
    if (head->kind == HTTP_REQUEST)
        snprintf(text, sizeof(text), "%.*s", (int)http_head_method(head).length,
                 (const char *)http_head_method(head).data);
    else
        snprintf(text, sizeof(text), "%u", head->status);
    tell("%s", side);
    tell("%s ", text);
}

static void side_body(void *side, struct bytes body)
{
    tell("%s", side);
    tell("body ", "");
}

static void side_end(void *side, const struct http_head *trailers)
{
    tell("%s", side);
    tell("end ", "");
}

static void side_make_last(void *side)
{
    tell("%slast ", side);
}

static void side_flush(void *side)
{
}

static void side_reset(void *side, enum exchange_failure failure)
{
    tell("%sreset ", side);
}

static size_t server_credit; /* given so far */

static void side_credit(void *side, size_t bytes)
{
    if (!strcmp(side, ">"))
        server_credit += bytes;
    tell("%scredit ", side);
}

static struct stream *side_take_stream(void *side, struct buffer *early)
{
    return NULL;
}

static const struct exchange_side_operations side_operations = {
    .send_head = side_head,
    .send_body = side_body,
    .send_end = side_end,
    .make_last = side_make_last,
    .flush = side_flush,
    .reset = side_reset,
    .give_credit = side_credit,
    .take_stream = side_take_stream,
};

static const struct exchange_side agent_side = {&side_operations, (void *)"<"};
static const struct exchange_side server_side = {&side_operations, (void *)">"};

/* --- a proxy without a network -------------------------------------------------------------- */

struct fixture {
    uv_loop_t loop;
    struct proxy proxy;
    struct policy *policy;
    struct host_name name;
    struct exchange_origin origin;
};

static struct policy *policy_of(const char *https)
{
    struct policy_sources sources = {
        .files = {[POLICY_HTTPS] = {"allowed-https.txt", bytes_from_text(https)},
                  [POLICY_SSH] = {"allowed-ssh.txt", BYTES_EMPTY},
                  [POLICY_DNS] = {"allowed-dns.txt", BYTES_EMPTY}}};
    struct policy *policy = NULL;
    struct policy_error error;
    if (!policy_compile(&sources, &policy, &error))
        fail_msg("%s", error.text);
    return policy;
}

static void start(struct fixture *fixture, const char *https)
{
    memset(fixture, 0, sizeof(*fixture));
    story[0] = records[0] = '\0';
    is_pending = false;
    idle_side = (struct exchange_side){NULL, NULL};
    uv_loop_init(&fixture->loop);
    fixture->policy = policy_of(https);
    fixture->proxy.loop = &fixture->loop;
    fixture->proxy.policy = fixture->policy;
    body_budget_init(&bodies, 16 * 1024);
    fixture->proxy.bodies = &bodies;
    fixture->proxy.policy_epoch = 1;
    host_name_parse(BYTES_LITERAL("api.example.com"), &fixture->name);
    fixture->origin =
        (struct exchange_origin){&fixture->proxy, NULL, &fixture->name, 443, HTTP_PROTOCOL_1};
}

static void stop(struct fixture *fixture)
{
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    policy_free(fixture->policy);
}

static struct exchange *request(struct fixture *fixture, const char *method, const char *path,
                                enum http_body body)
{
    struct exchange *exchange = exchange_new(&fixture->origin, agent_side);
    struct http_head *head = exchange_request(exchange);
    http_head_set_method(head, bytes_from_text(method));
    http_head_set_scheme(head, BYTES_LITERAL("https"));
    http_head_set_authority(head, BYTES_LITERAL("api.example.com"));
    http_head_set_path(head, bytes_from_text(path));
    head->body = body;
    return exchange;
}

static void connect_server(bool is_reused)
{
    assert_true(is_pending);
    is_pending = false;
    pending.on_claimed(pending.owner, server_side, is_reused, EXCHANGE_INTERNAL, "");
}

static void respond(struct exchange *exchange, uint16_t status)
{
    struct http_head head;
    http_head_init(&head, HTTP_RESPONSE);
    head.status = status;
    exchange_response_head(exchange, &head);
    http_head_done(&head);
}

/* --- refusals ------------------------------------------------------------------------------- */

static void the_log_has_no_secret_of_a_query(void **state)
{
    static const char *const targets[][2] = {
        {"/v2?key=s3cret&alt=sse", "/v2?key=[redacted]&alt=sse"},
        {"/v2?X-Amz-Signature=ab&x=1", "/v2?X-Amz-Signature=[redacted]&x=1"},
        {"/a.git/info/refs?service=git-upload-pack", "/a.git/info/refs?service=git-upload-pack"},
        {"/v2", "/v2"},
    };
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        struct fixture fixture;
        start(&fixture, "api.example.com GET /v1/**\n");
        exchange_begin(request(&fixture, "GET", targets[i][0], HTTP_BODY_NONE));
        assert_string_equal(logged_path, targets[i][1]);
        stop(&fixture);
    }
}

static void refuses_a_path_without_asking_for_a_connection(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com GET /v1/**\n");
    exchange_begin(request(&fixture, "GET", "/v2", HTTP_BODY_NONE));
    assert_string_equal(story, "<403 <body <end ");
    assert_non_null(strstr(records, "deny 403 no rule"));
    stop(&fixture);
}

static void an_ambiguous_path_is_the_last_of_its_connection(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com GET /v1/**\n");
    exchange_begin(request(&fixture, "GET", "/v1/../x", HTTP_BODY_NONE));
    assert_string_equal(story, "<last <400 <body <end ");
    stop(&fixture);
}

static void refuses_a_field_that_changes_the_method_behind_the_rule(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com GET\n");
    struct exchange *exchange = request(&fixture, "GET", "/", HTTP_BODY_NONE);
    http_head_add(exchange_request(exchange), BYTES_LITERAL("X-HTTP-Method-Override"),
                  BYTES_LITERAL("DELETE"));
    exchange_begin(exchange);
    assert_string_equal(story, "<403 <body <end ");
    stop(&fixture);
}

static void a_broken_head_is_answered_and_shows_nothing_of_it(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    exchange_reject(request(&fixture, "GET", "/", HTTP_BODY_NONE), 400, "two Host fields");
    assert_string_equal(story, "<last <400 <body <end ");
    assert_string_equal(records, "deny 400 two Host fields;");
    stop(&fixture);
}

static void a_switch_of_protocols_that_nobody_asked_for_is_502(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    struct exchange *exchange = request(&fixture, "GET", "/", HTTP_BODY_NONE);
    exchange_begin(exchange);
    connect_server(false);
    story[0] = '\0';
    respond(exchange, 101);
    assert_string_equal(story, ">reset <502 <body <end ");
    stop(&fixture);
}

static void a_flood_of_interim_responses_is_502(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    struct exchange *exchange = request(&fixture, "GET", "/", HTTP_BODY_NONE);
    exchange_begin(exchange);
    connect_server(false);
    for (int i = 0; i < EXCHANGE_INTERIM_MAX; i++)
        respond(exchange, 103);
    story[0] = '\0';
    respond(exchange, 103);
    assert_string_equal(story, ">reset <502 <body <end ");
    stop(&fixture);
}

static void a_response_that_finds_the_buffers_full_breaks_off(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    struct exchange *exchange = request(&fixture, "GET", "/", HTTP_BODY_NONE);
    exchange_begin(exchange);
    connect_server(false);
    respond(exchange, 200);
    exchange_response_body(exchange, BYTES_LITERAL("passes"));
    bodies.used = bodies.limit;
    story[0] = '\0';
    exchange_response_body(exchange, BYTES_LITERAL("does not"));
    assert_string_equal(story, ">reset <reset ");
    assert_non_null(strstr(records, "too many bytes wait"));
    stop(&fixture);
}

static void a_request_beyond_the_limit_is_503_and_dials_nobody(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    fixture.proxy.exchanges = PROXY_EXCHANGE_LIMIT;
    exchange_begin(request(&fixture, "GET", "/", HTTP_BODY_NONE));
    assert_string_equal(story, "<503 <body <end ");
    assert_string_equal(records, "allow 503 too many requests at once;");
    assert_int_equal(fixture.proxy.exchanges, PROXY_EXCHANGE_LIMIT);
    stop(&fixture);
}

static void a_request_body_that_finds_the_buffers_full_is_503(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    struct exchange *exchange = request(&fixture, "POST", "/", HTTP_BODY_LENGTH);
    exchange_begin(exchange);
    connect_server(false);
    bodies.used = bodies.limit;
    story[0] = '\0';
    exchange_request_body(exchange, BYTES_LITERAL("does not pass"));
    assert_string_equal(story, ">reset <503 <body <end ");
    stop(&fixture);
}

/* --- endings -------------------------------------------------------------------------------- */

static void a_response_that_breaks_off_never_looks_complete(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    struct exchange *exchange = request(&fixture, "GET", "/", HTTP_BODY_NONE);
    exchange_begin(exchange);
    connect_server(false);
    respond(exchange, 200);
    exchange_response_body(exchange, BYTES_LITERAL("half"));
    story[0] = '\0';
    exchange_upstream_failed(exchange, EXCHANGE_UPSTREAM_LOST, EXCHANGE_ANSWERED, "");
    assert_string_equal(story, "<reset ");
    assert_string_equal(records, "allow 200 server closed the connection early;");
    stop(&fixture);
}

static void an_agent_that_leaves_frees_the_server(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    struct exchange *exchange = request(&fixture, "GET", "/", HTTP_BODY_NONE);
    exchange_begin(exchange);
    connect_server(false);
    story[0] = '\0';
    exchange_downstream_failed(exchange, EXCHANGE_AGENT_GONE, NULL);
    assert_string_equal(story, ">reset ");
    stop(&fixture);
}

static void an_agent_that_leaves_while_a_connection_is_made_cancels_it(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    struct exchange *exchange = request(&fixture, "GET", "/", HTTP_BODY_NONE);
    exchange_begin(exchange);
    exchange_downstream_failed(exchange, EXCHANGE_AGENT_GONE, NULL);
    assert_string_equal(story, "claim cancel ");
    stop(&fixture);
}

static void a_new_policy_cuts_what_it_does_not_allow_and_nothing_else(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    struct exchange *exchange = request(&fixture, "POST", "/", HTTP_BODY_NONE);
    exchange_begin(exchange);
    connect_server(false);
    story[0] = '\0';
    struct policy *wider = policy_of("api.example.com POST\n");
    fixture.proxy.policy = wider;
    exchange_policy_changed(exchange);
    assert_string_equal(story, "");
    struct policy *narrower = policy_of("api.example.com GET\n");
    fixture.proxy.policy = narrower;
    exchange_policy_changed(exchange);
    assert_string_equal(story, ">reset <reset ");
    assert_string_equal(records, "deny 0 no longer allowed;");
    policy_free(wider);
    policy_free(narrower);
    stop(&fixture);
}

static void a_server_that_cannot_be_reached_is_502_and_a_slow_one_504(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    struct exchange_side none = {NULL, NULL};
    exchange_begin(request(&fixture, "GET", "/", HTTP_BODY_NONE));
    pending.on_claimed(pending.owner, none, false, EXCHANGE_UPSTREAM_TLS, "expired");
    exchange_begin(request(&fixture, "GET", "/", HTTP_BODY_NONE));
    pending.on_claimed(pending.owner, none, false, EXCHANGE_UPSTREAM_TIMEOUT, "");
    assert_string_equal(story, "claim <502 <body <end claim <504 <body <end ");
    stop(&fixture);
}

/* --- replay --------------------------------------------------------------------------------- */

static void lose_reused(struct fixture *fixture, const char *method, enum http_body body,
                        enum exchange_progress progress)
{
    struct exchange *exchange = request(fixture, method, "/", body);
    idle_side = server_side;
    exchange_begin(exchange);
    story[0] = '\0';
    if (body != HTTP_BODY_NONE)
        exchange_request_body(exchange, BYTES_LITERAL("x"));
    exchange_upstream_failed(exchange, EXCHANGE_UPSTREAM_LOST, progress, "");
    while (is_pending) {
        connect_server(false);
        exchange_upstream_failed(exchange, EXCHANGE_UPSTREAM_LOST, progress, "");
    }
}

static void does_not_replay_what_is_not_idempotent(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    lose_reused(&fixture, "POST", HTTP_BODY_NONE, EXCHANGE_UNANSWERED);
    assert_string_equal(story, "<502 <body <end ");
    stop(&fixture);
}

static void does_not_replay_what_has_a_body_on_its_way(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    lose_reused(&fixture, "PUT", HTTP_BODY_STREAM, EXCHANGE_UNANSWERED);
    assert_string_equal(story, ">body <502 <body <end ");
    stop(&fixture);
}

static void does_not_replay_what_was_answered(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    lose_reused(&fixture, "GET", HTTP_BODY_NONE, EXCHANGE_ANSWERED);
    assert_string_equal(story, "<502 <body <end ");
    stop(&fixture);
}

static void replays_once_on_a_new_connection(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    lose_reused(&fixture, "GET", HTTP_BODY_NONE, EXCHANGE_UNANSWERED);
    assert_string_equal(story, "claim-fresh >GET >end >credit <502 <body <end ");
    stop(&fixture);
}

/* On a first request's connection, which another exchange brought down. */
static void replays_what_is_idempotent_where_we_gave_the_connection_up(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    static const char *const methods[] = {"POST", "GET"};
    for (size_t i = 0; i < 2; i++) {
        struct exchange *exchange = request(&fixture, methods[i], "/", HTTP_BODY_NONE);
        exchange_begin(exchange);
        connect_server(false);
        exchange_upstream_failed(exchange, EXCHANGE_UPSTREAM_GIVEN_UP, EXCHANGE_UNANSWERED, "");
        if (is_pending) {
            connect_server(false);
            exchange_upstream_failed(exchange, EXCHANGE_UPSTREAM_GIVEN_UP, EXCHANGE_UNANSWERED, "");
        }
    }
    assert_string_equal(story, "claim >POST >end >credit <502 <body <end "
                               "claim >GET >end >credit claim-fresh >GET >end >credit "
                               "<502 <body <end ");
    stop(&fixture);
}

static void replays_over_http1_what_the_server_wants_so(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    struct exchange *exchange = request(&fixture, "POST", "/", HTTP_BODY_NONE);
    exchange_begin(exchange);
    connect_server(false);
    exchange_upstream_failed(exchange, EXCHANGE_UPSTREAM_HTTP1, EXCHANGE_UNTOUCHED, "");
    connect_server(false);
    exchange_upstream_failed(exchange, EXCHANGE_UPSTREAM_LOST, EXCHANGE_ANSWERED, "");
    assert_string_equal(story, "claim >POST >end >credit claim-fresh-http1 >POST >end >credit "
                               "<502 <body <end ");
    stop(&fixture);
}

static void tells_an_agent_of_http2_what_the_server_said(void **state)
{
    static const enum exchange_failure said[] = {EXCHANGE_UPSTREAM_CANCELLED,
                                                 EXCHANGE_UPSTREAM_CALM, EXCHANGE_UPSTREAM_HTTP1};
    for (size_t i = 0; i < 3; i++) {
        struct fixture fixture;
        start(&fixture, "api.example.com\n");
        fixture.origin.protocol = HTTP_PROTOCOL_2;
        struct exchange *exchange = request(&fixture, "GET", "/", HTTP_BODY_NONE);
        exchange_begin(exchange);
        connect_server(false);
        exchange_upstream_failed(exchange, said[i], EXCHANGE_ANSWERED, "");
        assert_string_equal(story, "claim >GET >end >credit <reset ");
        stop(&fixture);
    }
}

static void replays_no_body_even_where_the_server_did_nothing(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    lose_reused(&fixture, "POST", HTTP_BODY_STREAM, EXCHANGE_UNTOUCHED);
    assert_string_equal(story, ">body <503 <body <end ");
    stop(&fixture);
}

static void tells_an_agent_of_http2_that_it_may_send_a_body_again(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    fixture.origin.protocol = HTTP_PROTOCOL_2;
    lose_reused(&fixture, "POST", HTTP_BODY_STREAM, EXCHANGE_UNTOUCHED);
    assert_string_equal(story, ">body <reset ");
    assert_string_equal(records, "allow 0 server did not take the request;");
    stop(&fixture);
}

static void replays_any_method_where_the_server_did_nothing_but_not_for_ever(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    lose_reused(&fixture, "POST", HTTP_BODY_NONE, EXCHANGE_UNTOUCHED);
    assert_string_equal(story, "claim-fresh >POST >end >credit claim-fresh >POST >end >credit "
                               "claim-fresh >POST >end >credit <503 <body <end ");
    stop(&fixture);
}

/* --- what passes ---------------------------------------------------------------------------- */

static void a_body_waits_for_the_server_and_flows_with_credit(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    struct exchange *exchange = request(&fixture, "POST", "/", HTTP_BODY_STREAM);
    exchange_begin(exchange);
    assert_string_equal(story, "claim ");
    connect_server(false);
    assert_string_equal(story, "claim >POST >credit <credit ");
    story[0] = '\0';
    exchange_request_body(exchange, BYTES_LITERAL("hello"));
    exchange_request_credit(exchange, 5);
    exchange_request_end(exchange, NULL);
    respond(exchange, 103);
    respond(exchange, 200);
    exchange_response_body(exchange, BYTES_LITERAL("world"));
    exchange_response_credit(exchange, 5);
    exchange_response_end(exchange, NULL);
    assert_string_equal(story, ">body <credit >end <103 <200 <body >credit <end ");
    assert_string_equal(records, "allow 200 ;");
    stop(&fixture);
}

/* The agent takes `bytes` of a response, a window at a time; returns by how much credit exceeds it.
 */
static size_t window_after(struct exchange *exchange, size_t bytes)
{
    size_t taken = 0;
    while (taken < bytes) {
        exchange_response_body(exchange, BYTES_LITERAL("x"));
        exchange_response_credit(exchange, EXCHANGE_WINDOW_BYTES);
        taken += EXCHANGE_WINDOW_BYTES;
        story[0] = '\0';
    }
    return server_credit - taken;
}

static void a_response_that_flows_gets_a_wider_window_within_the_budget(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    body_budget_init(&bodies, 16 * 1024 * 1024);
    struct exchange *exchange = request(&fixture, "GET", "/", HTTP_BODY_NONE);
    exchange_begin(exchange);
    server_credit = 0;
    connect_server(false);
    respond(exchange, 200);
    assert_int_equal(window_after(exchange, EXCHANGE_WINDOW_BYTES), EXCHANGE_WINDOW_BYTES);
    server_credit -= EXCHANGE_WINDOW_BYTES;
    assert_int_equal(window_after(exchange, 64 * BODY_BUDGET_WIDE_WINDOW), BODY_BUDGET_WIDE_WINDOW);
    assert_int_equal(bodies.lent, BODY_BUDGET_WIDE_WINDOW - EXCHANGE_WINDOW_BYTES);
    exchange_response_end(exchange, NULL);
    assert_int_equal(bodies.lent, 0);
    stop(&fixture);
}

static void a_window_stays_narrow_where_the_budget_has_nothing_to_lend(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    body_budget_init(&bodies, 4 * EXCHANGE_WINDOW_BYTES);
    struct exchange *exchange = request(&fixture, "GET", "/", HTTP_BODY_NONE);
    exchange_begin(exchange);
    server_credit = 0;
    connect_server(false);
    respond(exchange, 200);
    assert_int_equal(window_after(exchange, 64 * EXCHANGE_WINDOW_BYTES), 2 * EXCHANGE_WINDOW_BYTES);
    exchange_response_end(exchange, NULL);
    stop(&fixture);
}

static void a_response_may_end_before_the_request(void **state)
{
    struct fixture fixture;
    start(&fixture, "api.example.com\n");
    struct exchange *exchange = request(&fixture, "POST", "/", HTTP_BODY_STREAM);
    exchange_begin(exchange);
    connect_server(false);
    story[0] = '\0';
    respond(exchange, 413);
    exchange_response_end(exchange, NULL);
    assert_string_equal(story, "<413 <end ");
    stop(&fixture);
}

RUN_TESTS(cmocka_unit_test(the_log_has_no_secret_of_a_query),
          cmocka_unit_test(refuses_a_path_without_asking_for_a_connection),
          cmocka_unit_test(an_ambiguous_path_is_the_last_of_its_connection),
          cmocka_unit_test(refuses_a_field_that_changes_the_method_behind_the_rule),
          cmocka_unit_test(a_broken_head_is_answered_and_shows_nothing_of_it),
          cmocka_unit_test(a_switch_of_protocols_that_nobody_asked_for_is_502),
          cmocka_unit_test(a_flood_of_interim_responses_is_502),
          cmocka_unit_test(a_response_that_finds_the_buffers_full_breaks_off),
          cmocka_unit_test(a_request_beyond_the_limit_is_503_and_dials_nobody),
          cmocka_unit_test(a_request_body_that_finds_the_buffers_full_is_503),
          cmocka_unit_test(a_response_that_breaks_off_never_looks_complete),
          cmocka_unit_test(an_agent_that_leaves_frees_the_server),
          cmocka_unit_test(an_agent_that_leaves_while_a_connection_is_made_cancels_it),
          cmocka_unit_test(a_new_policy_cuts_what_it_does_not_allow_and_nothing_else),
          cmocka_unit_test(a_server_that_cannot_be_reached_is_502_and_a_slow_one_504),
          cmocka_unit_test(does_not_replay_what_is_not_idempotent),
          cmocka_unit_test(does_not_replay_what_has_a_body_on_its_way),
          cmocka_unit_test(does_not_replay_what_was_answered),
          cmocka_unit_test(replays_no_body_even_where_the_server_did_nothing),
          cmocka_unit_test(tells_an_agent_of_http2_that_it_may_send_a_body_again),
          cmocka_unit_test(replays_any_method_where_the_server_did_nothing_but_not_for_ever),
          cmocka_unit_test(a_response_that_flows_gets_a_wider_window_within_the_budget),
          cmocka_unit_test(a_window_stays_narrow_where_the_budget_has_nothing_to_lend),
          cmocka_unit_test(replays_once_on_a_new_connection),
          cmocka_unit_test(replays_over_http1_what_the_server_wants_so),
          cmocka_unit_test(tells_an_agent_of_http2_what_the_server_said),
          cmocka_unit_test(replays_what_is_idempotent_where_we_gave_the_connection_up),
          cmocka_unit_test(a_body_waits_for_the_server_and_flows_with_credit),
          cmocka_unit_test(a_response_may_end_before_the_request))
