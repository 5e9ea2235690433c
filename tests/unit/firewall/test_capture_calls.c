#include "test.h"

#include "base/memory.h"
#include "firewall/capture_calls.h"
#include "llm/llm_event_json.h"

#include <stdlib.h>

enum { LINE_MAX_BYTES = 256 * 1024, HELD_MAX = 1024 * 1024 };

static struct capture_calls *calls;
static struct {
    unsigned of[LLM_EVENT_KIND_COUNT];
    unsigned bodies;
    uint64_t lost;
    uint64_t last_bytes;
    char last_text[512];
} seen;

static void on_line(void *context, struct bytes line, enum capture_line kind)
{
    struct llm_event_line read;
    struct error error;
    assert_true(line.length <= LINE_MAX_BYTES && line.data[line.length - 1] == '\n');
    if (!llm_event_read(bytes_first(line, line.length - 1), &read, &error))
        fail_msg("%s", error.text);
    seen.of[read.event.kind]++;
    seen.bodies += kind == CAPTURE_LINE_BODY ? 1 : 0;
    assert_int_equal(kind == CAPTURE_LINE_BODY, read.event.kind == LLM_BODY);
    if (read.event.kind == LLM_LOST)
        seen.lost += read.event.count;
    seen.last_bytes = read.event.bytes;
    struct bytes text = bytes_first(read.event.text, sizeof(seen.last_text) - 1);
    memset(seen.last_text, 0, sizeof(seen.last_text));
    if (text.length)
        memcpy(seen.last_text, text.data, text.length);
    llm_event_line_done(&read);
}

static void start(void)
{
    memset(&seen, 0, sizeof(seen));
    calls = capture_calls_new(LINE_MAX_BYTES, HELD_MAX, on_line, NULL);
}

static void stop(void)
{
    capture_calls_free(calls);
}

static void take(const struct capture_frame *frame)
{
    struct buffer datagram;
    buffer_init(&datagram, CAPTURE_DATAGRAM_MAX);
    assert_true(capture_frame_encode(frame, &datagram));
    capture_calls_take(calls, buffer_bytes(&datagram));
    buffer_done(&datagram);
}

static struct capture_frame frame_of(enum capture_frame_kind kind, uint64_t exchange)
{
    return (struct capture_frame){
        .kind = kind, .generation = 1, .exchange = exchange, .time_ms = 1000};
}

static struct capture_frame begin_of(uint64_t exchange)
{
    struct capture_frame frame = frame_of(CAPTURE_BEGIN, exchange);
    frame.provider = BYTES_LITERAL("example");
    frame.api = BYTES_LITERAL("other");
    frame.host = BYTES_LITERAL("api.example.com");
    frame.method = BYTES_LITERAL("POST");
    frame.path = BYTES_LITERAL("/v1/x");
    return frame;
}

static void begin(uint64_t exchange)
{
    struct capture_frame frame = begin_of(exchange);
    take(&frame);
}

static void end(uint64_t exchange)
{
    struct capture_frame frame = frame_of(CAPTURE_END, exchange);
    take(&frame);
}

static void counts_what_no_proxy_of_ours_sends(void **state)
{
    start();
    capture_calls_take(calls, BYTES_LITERAL("garbage"));
    assert_int_equal(capture_calls_malformed(calls), 1);
    capture_calls_take(calls, BYTES_LITERAL("\0\0\0\1\1"));
    assert_int_equal(capture_calls_malformed(calls), 2);
    struct capture_frame frame = begin_of(1);
    frame.api = BYTES_LITERAL("unheard-of");
    take(&frame);
    assert_int_equal(capture_calls_malformed(calls), 3);
    frame = begin_of(1);
    frame.fields = BYTES_LITERAL("\0\1a");
    take(&frame);
    assert_int_equal(capture_calls_malformed(calls), 4);
    begin(1);
    begin(1);
    assert_int_equal(capture_calls_malformed(calls), 5);
    frame = frame_of(CAPTURE_RESPONSE_HEAD, 1);
    frame.status = 200;
    frame.fields = BYTES_LITERAL("\0\1a\0");
    take(&frame);
    assert_int_equal(capture_calls_malformed(calls), 6);
    /* What was good before is good still. */
    end(1);
    assert_int_equal(seen.of[LLM_CALL], 1);
    assert_int_equal(seen.of[LLM_END], 1);
    stop();
}

static void refuses_more_exchanges_than_it_keeps(void **state)
{
    start();
    for (uint64_t i = 1; i <= CAPTURE_CALLS_MAX; i++)
        begin(i);
    assert_int_equal(capture_calls_malformed(calls), 0);
    begin(CAPTURE_CALLS_MAX + 1);
    assert_int_equal(capture_calls_malformed(calls), 1);
    end(1);
    begin(CAPTURE_CALLS_MAX + 1);
    assert_int_equal(capture_calls_malformed(calls), 1);
    assert_int_equal(seen.of[LLM_CALL], CAPTURE_CALLS_MAX + 1);
    stop();
}

static void ends_what_an_older_generation_began_and_hears_no_more_of_it(void **state)
{
    start();
    begin(1);
    begin(2);
    struct capture_frame frame = begin_of(1);
    frame.generation = 3;
    take(&frame);
    assert_int_equal(seen.of[LLM_END], 2);
    assert_int_equal(seen.of[LLM_CALL], 3);
    end(2);
    begin(5);
    assert_int_equal(seen.of[LLM_END], 2);
    assert_int_equal(seen.of[LLM_CALL], 3);
    assert_int_equal(capture_calls_malformed(calls), 0);
    stop();
}

static void pieces_of_an_exchange_that_it_does_not_know_are_nothing(void **state)
{
    start();
    struct capture_frame frame = frame_of(CAPTURE_RESPONSE_BODY, 9);
    frame.body = BYTES_LITERAL("x");
    take(&frame);
    end(9);
    assert_int_equal(capture_calls_malformed(calls), 0);
    assert_int_equal(seen.of[LLM_END] + seen.of[LLM_BODY], 0);
    stop();
}

static void makes_bodies_only_while_they_are_wanted(void **state)
{
    start();
    begin(1);
    struct capture_frame frame = frame_of(CAPTURE_REQUEST_BODY, 1);
    frame.body = BYTES_LITERAL("first");
    take(&frame);
    assert_int_equal(seen.bodies, 0);
    capture_calls_want_bodies(calls, true);
    frame.body = BYTES_LITERAL("second");
    take(&frame);
    assert_int_equal(seen.bodies, 1);
    assert_string_equal(seen.last_text, "second");
    stop();
}

static void tells_of_exchanges_that_were_missed(void **state)
{
    start();
    struct capture_frame frame = frame_of(CAPTURE_MISSED, 0);
    frame.count = 7;
    take(&frame);
    assert_int_equal(seen.lost, 7);
    stop();
}

static void shows_a_record_as_an_event(void **state)
{
    start();
    const struct audit_record record = {.time_ms = 5,
                                        .kind = AUDIT_DNS,
                                        .decision = AUDIT_DENY,
                                        .name = BYTES_LITERAL("bad.example")};
    capture_calls_add_record(calls, &record);
    assert_int_equal(seen.of[LLM_AUDIT], 1);
    assert_non_null(strstr(seen.last_text, "\"name\":\"bad.example\""));
    stop();
}

static void tells_an_event_that_fits_no_line_with_less_in_it(void **state)
{
    static uint8_t text[LINE_MAX_BYTES];
    memset(text, 'a', sizeof(text));
    /* Half of a character stands where it is cut. */
    memcpy(text + CAPTURE_SHORT_TEXT_BYTES - 1, "\xc3\xa9", 2);
    start();
    struct llm_event event = llm_event_make(LLM_BLOCK, 1);
    event.text = (struct bytes){text, sizeof(text)};
    event.json = BYTES_LITERAL("{}");
    event.bytes = 10;
    capture_calls_add_event(calls, &event);
    assert_int_equal(seen.of[LLM_BLOCK], 1);
    assert_int_equal(seen.last_bytes, 10 + sizeof(text) - (CAPTURE_SHORT_TEXT_BYTES - 1) + 2);
    assert_int_equal(seen.lost, 0);
    stop();
}

static void counts_an_event_that_fits_no_line_even_so(void **state)
{
    static uint8_t name[LINE_MAX_BYTES];
    memset(name, 'a', sizeof(name));
    start();
    struct llm_event event = llm_event_make(LLM_BLOCK, 1);
    event.name = (struct bytes){name, sizeof(name)};
    capture_calls_add_event(calls, &event);
    assert_int_equal(seen.of[LLM_BLOCK], 0);
    assert_int_equal(seen.lost, 1);
    stop();
}

RUN_TESTS(cmocka_unit_test(counts_what_no_proxy_of_ours_sends),
          cmocka_unit_test(refuses_more_exchanges_than_it_keeps),
          cmocka_unit_test(ends_what_an_older_generation_began_and_hears_no_more_of_it),
          cmocka_unit_test(pieces_of_an_exchange_that_it_does_not_know_are_nothing),
          cmocka_unit_test(makes_bodies_only_while_they_are_wanted),
          cmocka_unit_test(tells_of_exchanges_that_were_missed),
          cmocka_unit_test(shows_a_record_as_an_event),
          cmocka_unit_test(tells_an_event_that_fits_no_line_with_less_in_it),
          cmocka_unit_test(counts_an_event_that_fits_no_line_even_so))
