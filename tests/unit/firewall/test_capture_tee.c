#include "test.h"

#include "base/memory.h"
#include "firewall/capture_queue.h"
#include "firewall/capture_tee.h"

#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

/* The tee of exchanges, before a recorder that the test plays: it takes when it is told to. */

enum { PIECE_BYTES = 32 * 1024, GENERATION = 3 };

static const char provider[] = "provider example\n"
                               "api other * api.example.com /v1/**\n"
                               "never * api.example.com /v1/oauth/**\n";

static uv_loop_t loop;
static struct capture *capture;
static struct provider_set *providers;
static int recorder;
static uint8_t piece[PIECE_BYTES];

static struct {
    unsigned of[CAPTURE_FRAME_KIND_COUNT];
    uint64_t bytes[CAPTURE_SIDE_COUNT];
    uint64_t lost[CAPTURE_SIDE_COUNT];
    uint64_t missed;
    size_t longest_datagram;
    char last_reason[CAPTURE_REASON_MAX + 1];
    char last_path[256];
    char last_fields[1024]; /* name=value; */
    bool is_body_after_lost;
} seen;

static bool is_api(struct bytes name)
{
    return bytes_equal_text(name, "other");
}

static void start(void)
{
    int ends[2];
    struct error error;
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(uv_loop_init(&loop), 0);
    recorder = ends[1];
    providers = provider_set_new(is_api);
    assert_true(provider_set_add(providers, "example.provider", bytes_from_text(provider), &error));
    capture = capture_new(&loop, ends[0], providers);
}

static void stop(void)
{
    capture_close(capture);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    provider_set_free(providers);
    close(recorder);
}

static void keep_text(char *into, size_t room, struct bytes text)
{
    text = bytes_first(text, room - 1);
    memset(into, 0, room);
    if (text.length > 0)
        memcpy(into, text.data, text.length);
}

static void keep_fields(struct bytes encoded)
{
    struct capture_field fields[CAPTURE_FIELDS_MAX];
    size_t count = 0;
    struct buffer text;
    buffer_init(&text, sizeof(seen.last_fields) - 1);
    assert_true(capture_frame_fields(encoded, fields, &count));
    for (size_t i = 0; i < count; i++)
        assert_true(buffer_append(&text, fields[i].name) && buffer_append_byte(&text, '=') &&
                    buffer_append(&text, fields[i].value) && buffer_append_byte(&text, ';'));
    keep_text(seen.last_fields, sizeof(seen.last_fields), buffer_bytes(&text));
    buffer_done(&text);
}

static void keep_frame(const struct capture_frame *frame)
{
    seen.of[frame->kind]++;
    bool is_response = frame->kind == CAPTURE_RESPONSE_BODY;
    if (is_response || frame->kind == CAPTURE_REQUEST_BODY) {
        seen.bytes[is_response] += frame->body.length;
        seen.is_body_after_lost = seen.is_body_after_lost || seen.lost[is_response] > 0;
    }
    if (frame->kind == CAPTURE_LOST)
        seen.lost[frame->side] += frame->count;
    if (frame->kind == CAPTURE_MISSED)
        seen.missed += frame->count;
    if (frame->kind == CAPTURE_END)
        keep_text(seen.last_reason, sizeof(seen.last_reason), frame->text);
    if (frame->kind == CAPTURE_BEGIN)
        keep_text(seen.last_path, sizeof(seen.last_path), frame->path);
    if (frame->kind == CAPTURE_BEGIN || frame->kind == CAPTURE_RESPONSE_HEAD)
        keep_fields(frame->fields);
}

/* Everything that is there, and what comes when there is room. */
static void take(void)
{
    static uint8_t datagram[CAPTURE_DATAGRAM_MAX];
    for (int quiet = 0; quiet < 3; quiet++) {
        ssize_t got;
        uv_run(&loop, UV_RUN_NOWAIT);
        while ((got = recv(recorder, datagram, sizeof(datagram), MSG_DONTWAIT)) > 0) {
            struct reader reader = reader_over((struct bytes){datagram, (size_t)got});
            struct capture_frame frame;
            quiet = 0;
            if ((size_t)got > seen.longest_datagram)
                seen.longest_datagram = (size_t)got;
            while (capture_frame_next(&reader, &frame))
                keep_frame(&frame);
            assert_true(reader_is_at_end(&reader));
        }
    }
}

static struct capture_tee *begin(const char *path)
{
    struct host_name name;
    struct http_head head;
    assert_int_equal(host_name_parse(BYTES_LITERAL("api.example.com"), &name), HOST_NAME_FINE);
    http_head_init(&head, HTTP_REQUEST);
    assert_int_equal(http_head_set_method(&head, BYTES_LITERAL("POST")), HTTP_HEAD_OK);
    assert_int_equal(http_head_set_path(&head, bytes_from_text(path)), HTTP_HEAD_OK);
    assert_int_equal(
        http_head_add(&head, BYTES_LITERAL("x-api-key"), BYTES_LITERAL("sk-ant-hidden")),
        HTTP_HEAD_OK);
    assert_int_equal(http_head_add(&head, BYTES_LITERAL("accept"), BYTES_LITERAL("*/*")),
                     HTTP_HEAD_OK);
    struct capture_tee *tee = capture_begin(capture, &name, HTTP_PROTOCOL_1, &head);
    http_head_done(&head);
    return tee;
}

static void respond(struct capture_tee *tee, uint16_t status)
{
    struct http_head head;
    http_head_init(&head, HTTP_RESPONSE);
    head.status = status;
    assert_int_equal(http_head_add(&head, BYTES_LITERAL("set-cookie"), BYTES_LITERAL("a=b")),
                     HTTP_HEAD_OK);
    capture_tee_response_head(tee, &head);
    http_head_done(&head);
}

/* Pieces of a response, with a recorder that takes them or does not. */
static void send_response(struct capture_tee *tee, uint64_t bytes, bool is_taken)
{
    for (uint64_t sent = 0; sent < bytes; sent += PIECE_BYTES) {
        capture_tee_response_body(tee, (struct bytes){piece, PIECE_BYTES});
        if (is_taken && sent % (8 * PIECE_BYTES) == 0)
            take();
    }
}

static void an_exchange_has_no_tee_while_capture_is_off(void **state)
{
    start();
    assert_null(begin("/v1/x"));
    capture_switch(capture, GENERATION);
    struct capture_tee *tee = begin("/v1/x");
    assert_non_null(tee);
    capture_tee_end(tee, NULL);
    capture_switch(capture, 0);
    assert_null(begin("/v1/x"));
    stop();
}

static void a_login_has_no_tee(void **state)
{
    start();
    capture_switch(capture, GENERATION);
    assert_null(begin("/v1/oauth/token"));
    assert_null(begin("/v1/OAuth/token"));
    assert_null(begin("/v2/x"));
    take();
    assert_int_equal(seen.of[CAPTURE_BEGIN], 0);
    stop();
}

static void tells_an_exchange_without_its_secrets(void **state)
{
    start();
    capture_switch(capture, GENERATION);
    struct capture_tee *tee = begin("/v1/x?api_key=hidden&a=1");
    capture_tee_request_body(tee, BYTES_LITERAL("question"));
    capture_tee_request_end(tee);
    take();
    assert_string_equal(seen.last_path, "/v1/x?api_key=[redacted]&a=1");
    assert_string_equal(seen.last_fields, "x-api-key=[redacted];accept=*/*;");
    respond(tee, 200);
    capture_tee_response_body(tee, BYTES_LITERAL("answer"));
    capture_tee_end(tee, "server timed out");
    take();
    assert_string_equal(seen.last_fields, "set-cookie=[redacted];");
    assert_string_equal(seen.last_reason, "server timed out");
    for (int kind = CAPTURE_BEGIN; kind < CAPTURE_LOST; kind++)
        assert_int_equal(seen.of[kind], 1);
    assert_int_equal(seen.of[CAPTURE_END], 1);
    assert_int_equal(seen.bytes[CAPTURE_SIDE_REQUEST], 8);
    assert_int_equal(seen.bytes[CAPTURE_SIDE_RESPONSE], 6);
    assert_int_equal(seen.of[CAPTURE_LOST], 0);
    stop();
}

/* The recorder stands still: a body is cut, counted, and its end told when there is room. */
static void a_body_that_the_recorder_does_not_take_is_cut_and_counted(void **state)
{
    enum { BYTES = 8 * CAPTURE_QUEUE_BYTES_MAX };
    start();
    capture_switch(capture, GENERATION);
    struct capture_tee *tee = begin("/v1/x");
    respond(tee, 200);
    send_response(tee, BYTES, false);
    capture_tee_end(tee, NULL);
    take();
    assert_int_equal(seen.of[CAPTURE_END], 1);
    assert_true(seen.bytes[CAPTURE_SIDE_RESPONSE] < BYTES / 2);
    assert_true(seen.lost[CAPTURE_SIDE_RESPONSE] > 0);
    assert_int_equal(seen.bytes[CAPTURE_SIDE_RESPONSE] + seen.lost[CAPTURE_SIDE_RESPONSE], BYTES);
    assert_false(seen.is_body_after_lost);
    /* Another one is captured as if nothing had been. */
    tee = begin("/v1/y");
    respond(tee, 200);
    send_response(tee, PIECE_BYTES, true);
    capture_tee_end(tee, NULL);
    take();
    assert_int_equal(seen.of[CAPTURE_END], 2);
    assert_string_equal(seen.last_path, "/v1/y");
    stop();
}

static void heads_and_ends_have_room_that_bodies_leave(void **state)
{
    start();
    capture_switch(capture, GENERATION);
    struct capture_tee *first = begin("/v1/x");
    respond(first, 200);
    send_response(first, 8 * CAPTURE_QUEUE_BYTES_MAX, false);
    for (int i = 0; i < 100; i++) {
        struct capture_tee *tee = begin("/v1/y");
        assert_non_null(tee);
        respond(tee, 200);
        capture_tee_end(tee, NULL);
    }
    capture_tee_end(first, NULL);
    take();
    assert_int_equal(seen.of[CAPTURE_BEGIN], 101);
    assert_int_equal(seen.of[CAPTURE_RESPONSE_HEAD], 101);
    assert_int_equal(seen.of[CAPTURE_END], 101);
    assert_int_equal(seen.missed, 0);
    assert_true(CAPTURE_QUEUE_RESERVED_BYTES > 101 * 1024);
    stop();
}

/* Even when nothing fits any more, each exchange that was told of is told to its end. */
static void what_found_no_room_at_all_is_told_when_there_is_some(void **state)
{
    enum { MANY = 20000 };
    start();
    capture_switch(capture, GENERATION);
    struct capture_tee *first = begin("/v1/x");
    respond(first, 200);
    send_response(first, 8 * CAPTURE_QUEUE_BYTES_MAX, false);
    unsigned begun = 1;
    for (int i = 0; i < MANY; i++) {
        struct capture_tee *tee = begin("/v1/y");
        if (tee == NULL)
            continue;
        begun++;
        respond(tee, 200);
        capture_tee_request_body(tee, BYTES_LITERAL("x"));
        capture_tee_end(tee, NULL);
    }
    assert_true(begun < MANY);
    capture_tee_end(first, NULL);
    take();
    assert_int_equal(seen.of[CAPTURE_BEGIN], begun);
    assert_int_equal(seen.of[CAPTURE_END], begun);
    assert_int_equal(seen.missed, MANY + 1 - begun);
    stop();
}

static void counts_exchanges_beyond_the_most(void **state)
{
    struct capture_tee *tees[CAPTURE_TEES_MAX];
    start();
    capture_switch(capture, GENERATION);
    for (int i = 0; i < CAPTURE_TEES_MAX; i++)
        tees[i] = begin("/v1/x");
    assert_null(begin("/v1/x"));
    take();
    assert_int_equal(seen.missed, 1);
    for (int i = 0; i < CAPTURE_TEES_MAX; i++)
        capture_tee_end(tees[i], NULL);
    struct capture_tee *tee = begin("/v1/x");
    assert_non_null(tee);
    capture_tee_end(tee, NULL);
    stop();
}

static void assert_capped(uint16_t status, uint64_t cap)
{
    start();
    capture_switch(capture, GENERATION);
    struct capture_tee *tee = begin("/v1/x");
    respond(tee, status);
    send_response(tee, cap, true);
    take();
    assert_int_equal(seen.of[CAPTURE_LOST], 0);
    send_response(tee, 2 * PIECE_BYTES, true);
    capture_tee_end(tee, NULL);
    take();
    assert_int_equal(seen.bytes[CAPTURE_SIDE_RESPONSE], cap);
    assert_int_equal(seen.lost[CAPTURE_SIDE_RESPONSE], 2 * PIECE_BYTES);
    stop();
}

static void captures_no_more_of_a_body_than_the_most(void **state)
{
    assert_capped(200, CAPTURE_BODY_BYTES_MAX);
}

static void captures_no_more_of_a_tunnel_than_the_most(void **state)
{
    assert_capped(101, CAPTURE_TUNNEL_BYTES_MAX);
}

static void sends_in_datagrams_of_about_a_batch(void **state)
{
    start();
    capture_switch(capture, GENERATION);
    struct capture_tee *tee = begin("/v1/x");
    respond(tee, 200);
    for (int i = 0; i < 1000; i++)
        capture_tee_response_body(tee, (struct bytes){piece, 1000});
    take();
    assert_int_equal(seen.bytes[CAPTURE_SIDE_RESPONSE], 1000 * 1000);
    assert_in_range(seen.longest_datagram, CAPTURE_QUEUE_BATCH_BYTES / 2,
                    CAPTURE_QUEUE_BATCH_BYTES);
    capture_tee_end(tee, NULL);
    stop();
}

static void a_tee_of_another_generation_says_nothing(void **state)
{
    start();
    capture_switch(capture, GENERATION);
    struct capture_tee *tee = begin("/v1/x");
    take();
    capture_switch(capture, GENERATION + 2);
    respond(tee, 200);
    capture_tee_response_body(tee, BYTES_LITERAL("x"));
    capture_tee_end(tee, NULL);
    take();
    assert_int_equal(seen.of[CAPTURE_BEGIN], 1);
    assert_int_equal(seen.of[CAPTURE_RESPONSE_HEAD] + seen.of[CAPTURE_END], 0);
    stop();
}

static void a_switch_drops_ends_that_wait(void **state)
{
    start();
    capture_switch(capture, GENERATION);
    for (int i = 0; i < 30000; i++) {
        struct capture_tee *tee = begin("/v1/y");
        if (tee)
            capture_tee_end(tee, NULL);
    }
    capture_switch(capture, 0);
    take();
    capture_switch(capture, GENERATION + 2);
    memset(&seen, 0, sizeof(seen));
    for (int i = 0; i < CAPTURE_TEES_MAX; i++)
        assert_non_null(begin("/v1/z"));
    take();
    assert_int_equal(seen.of[CAPTURE_BEGIN], CAPTURE_TEES_MAX);
    assert_int_equal(seen.of[CAPTURE_END], 0);
    stop();
}

RUN_TESTS(cmocka_unit_test(an_exchange_has_no_tee_while_capture_is_off),
          cmocka_unit_test(a_login_has_no_tee),
          cmocka_unit_test(tells_an_exchange_without_its_secrets),
          cmocka_unit_test(a_body_that_the_recorder_does_not_take_is_cut_and_counted),
          cmocka_unit_test(heads_and_ends_have_room_that_bodies_leave),
          cmocka_unit_test(what_found_no_room_at_all_is_told_when_there_is_some),
          cmocka_unit_test(counts_exchanges_beyond_the_most),
          cmocka_unit_test(captures_no_more_of_a_body_than_the_most),
          cmocka_unit_test(captures_no_more_of_a_tunnel_than_the_most),
          cmocka_unit_test(sends_in_datagrams_of_about_a_batch),
          cmocka_unit_test(a_tee_of_another_generation_says_nothing),
          cmocka_unit_test(a_switch_drops_ends_that_wait))
