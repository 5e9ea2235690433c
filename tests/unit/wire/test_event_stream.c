#include "test.h"

#include "decode/capture.h"
#include "decode/decode_log.h"
#include "decode/event_stream_build.h"

static const char *const captures[] = {
    "event_stream/converse-stream-exception.bin",    "event_stream/converse-stream-text.bin",
    "event_stream/converse-stream-tooluse.bin",      "event_stream/invoke-stream-claude-text.bin",
    "event_stream/invoke-stream-claude-tooluse.bin",
};
enum { CAPTURES = sizeof(captures) / sizeof(captures[0]) };

struct outcome {
    struct buffer log;
    enum parse_status status; /* of the end */
    enum event_stream_reason reason;
    uint64_t position;
};

/* Fed in a first part and then in parts of `step` bytes, then ended. */
static struct outcome decode(struct bytes input, size_t first, size_t step,
                             const struct event_stream_limits *limits)
{
    struct outcome outcome = {0};
    bool is_stopped = false;
    buffer_init(&outcome.log, DECODE_LOG_BYTES_MAX);
    struct event_stream *stream = event_stream_new(limits, decode_log_event_stream, &outcome.log);
    for (struct bytes rest = input, part = bytes_first(rest, first); rest.length || part.length;
         part = bytes_first(rest, step)) {
        is_stopped = event_stream_feed(stream, part) == PARSE_BAD;
        assert_int_equal(is_stopped, event_stream_reason(stream) != EVENT_STREAM_FINE);
        rest = bytes_from(rest, part.length);
    }
    outcome.status = event_stream_end(stream);
    outcome.reason = event_stream_reason(stream);
    outcome.position = event_stream_position(stream);
    assert_int_equal(outcome.status, outcome.reason == EVENT_STREAM_FINE ? PARSE_OK : PARSE_BAD);
    event_stream_free(stream);
    return outcome;
}

static void check_same(struct bytes input, const struct outcome *whole, size_t first, size_t step)
{
    struct outcome again = decode(input, first, step, NULL);
    assert_true(bytes_equal(buffer_bytes(&again.log), buffer_bytes(&whole->log)));
    assert_int_equal(again.reason, whole->reason);
    assert_int_equal(again.position, whole->position);
    buffer_done(&again.log);
}

/* One good message, and then one that is refused in any pieces. */
static void check_refused(struct bytes bad, enum event_stream_reason reason)
{
    struct buffer input;
    buffer_init(&input, 64 * 1024 * 1024);
    build_legal_message(&input, BYTES_EMPTY, BYTES_LITERAL("good"));
    assert_true(buffer_append(&input, bad));
    struct outcome whole = decode(buffer_bytes(&input), 0, SIZE_MAX, NULL);
    assert_string_equal(event_stream_reason_text(whole.reason), event_stream_reason_text(reason));
    assert_int_equal(whole.position, 20);
    assert_bytes(buffer_bytes(&whole.log), "message at 0+20 of 4 payload[4]=good\n");
    for (size_t first = 0; first < 64; first++)
        check_same(buffer_bytes(&input), &whole, first, SIZE_MAX);
    if (bad.length < 4096)
        check_same(buffer_bytes(&input), &whole, 0, 1);
    buffer_done(&whole.log);
    buffer_done(&input);
}

static void check_lengths(uint32_t total, uint32_t headers, enum event_stream_reason reason)
{
    struct buffer bad;
    buffer_init(&bad, 256);
    build_message(&bad, total, headers, BYTES_LITERAL("\1n\0"), BYTES_LITERAL("payload"));
    check_refused(buffer_bytes(&bad), reason);
    buffer_done(&bad);
}

static void refuses_lengths_that_do_not_fit_each_other(void **state)
{
    check_lengths(0, 0, EVENT_STREAM_LENGTHS);
    check_lengths(15, 0, EVENT_STREAM_LENGTHS);
    check_lengths(16, 1, EVENT_STREAM_LENGTHS);
    check_lengths(100, 85, EVENT_STREAM_LENGTHS);
    check_lengths(100, UINT32_MAX, EVENT_STREAM_LENGTHS);
    check_lengths(UINT32_MAX, UINT32_MAX, EVENT_STREAM_LENGTHS);
}

static void refuses_headers_of_more_than_128_kib_and_payloads_of_more_than_16_mib(void **state)
{
    check_lengths(16 + EVENT_STREAM_HEADERS_BYTES_MAX + 1, EVENT_STREAM_HEADERS_BYTES_MAX + 1,
                  EVENT_STREAM_HEADERS_TOO_LONG);
    check_lengths(UINT32_MAX, EVENT_STREAM_HEADERS_BYTES_MAX + 1, EVENT_STREAM_HEADERS_TOO_LONG);
    check_lengths(16 + EVENT_STREAM_PAYLOAD_BYTES_MAX + 1, 0, EVENT_STREAM_TOO_LONG);
    check_lengths(UINT32_MAX, 0, EVENT_STREAM_TOO_LONG);
    /* Just within: it only waits for the rest. */
    check_lengths(16 + EVENT_STREAM_HEADERS_BYTES_MAX, EVENT_STREAM_HEADERS_BYTES_MAX,
                  EVENT_STREAM_TRUNCATED);
    check_lengths(16 + EVENT_STREAM_PAYLOAD_BYTES_MAX, 0, EVENT_STREAM_TRUNCATED);
}

static void refuses_broken_headers_although_the_checksums_are_right(void **state)
{
    static const struct bytes headers[] = {
        BYTES_LITERAL("\0\0"),                  /* no name */
        BYTES_LITERAL("\1"),                    /* name missing */
        BYTES_LITERAL("\2n\0"),                 /* name too long */
        BYTES_LITERAL("\1n"),                   /* type missing */
        BYTES_LITERAL("\1n\12"),                /* no such type */
        BYTES_LITERAL("\1n\377"),               /* no such type */
        BYTES_LITERAL("\1n\2"),                 /* values missing or too short */
        BYTES_LITERAL("\1n\3\0"),               //
        BYTES_LITERAL("\1n\4\0\0\0"),           //
        BYTES_LITERAL("\1n\5\0\0\0\0\0\0\0"),   //
        BYTES_LITERAL("\1n\6\0"),               //
        BYTES_LITERAL("\1n\6\0\2x"),            //
        BYTES_LITERAL("\1n\7\377\377x"),        //
        BYTES_LITERAL("\1n\10\0\0\0\0\0\0\0"),  //
        BYTES_LITERAL("\1n\11123456789012345"), //
        BYTES_LITERAL("\1n\0\1"),               /* a good one, and half of another */
    };
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        struct buffer bad;
        buffer_init(&bad, 256);
        build_legal_message(&bad, headers[i], BYTES_LITERAL("payload"));
        check_refused(buffer_bytes(&bad), EVENT_STREAM_HEADER);
        buffer_done(&bad);
    }
}

static void refuses_wrong_checksums(void **state)
{
    struct buffer bad;
    buffer_init(&bad, 256);
    build_legal_message(&bad, BYTES_LITERAL("\1n\0"), BYTES_LITERAL("payload"));
    for (size_t i = 0; i < buffer_length(&bad); i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            bad.data[i] ^= (uint8_t)(1U << bit);
            check_refused(buffer_bytes(&bad),
                          i < 12 ? EVENT_STREAM_PRELUDE_CRC : EVENT_STREAM_MESSAGE_CRC);
            bad.data[i] ^= (uint8_t)(1U << bit);
        }
    }
    buffer_done(&bad);
}

/* No byte of what was emitted before differs, and nothing is emitted of what was changed. */
static void emits_nothing_that_differs_when_any_byte_of_a_capture_is_changed(void **state)
{
    for (size_t i = 0; i < CAPTURES; i++) {
        struct buffer capture = capture_read(captures[i]);
        struct outcome whole = decode(buffer_bytes(&capture), 0, SIZE_MAX, NULL);
        for (size_t at = 0; at < buffer_length(&capture); at++) {
            static const uint8_t changes[] = {0x01, 0x80, 0xff};
            uint8_t change = changes[at % sizeof(changes)];
            capture.data[at] ^= change;
            struct outcome changed = decode(buffer_bytes(&capture), 0, SIZE_MAX, NULL);
            assert_int_equal(changed.status, PARSE_BAD);
            assert_true(changed.position <= at);
            assert_true(bytes_start_with(buffer_bytes(&whole.log), buffer_bytes(&changed.log)));
            assert_true(buffer_length(&changed.log) < buffer_length(&whole.log));
            buffer_done(&changed.log);
            capture.data[at] ^= change;
        }
        buffer_done(&whole.log);
        buffer_done(&capture);
    }
}

static void gives_every_whole_message_of_a_stream_that_is_broken_off(void **state)
{
    for (size_t i = 0; i < CAPTURES; i++) {
        struct buffer capture = capture_read(captures[i]);
        struct bytes input = buffer_bytes(&capture);
        struct outcome whole = decode(input, 0, SIZE_MAX, NULL);
        for (size_t length = 0; length < input.length; length++) {
            struct outcome cut = decode(bytes_first(input, length), 0, SIZE_MAX, NULL);
            assert_int_equal(cut.reason,
                             cut.position == length ? EVENT_STREAM_FINE : EVENT_STREAM_TRUNCATED);
            assert_true(bytes_start_with(buffer_bytes(&whole.log), buffer_bytes(&cut.log)));
            buffer_done(&cut.log);
        }
        assert_int_equal(whole.position, input.length);
        buffer_done(&whole.log);
        buffer_done(&capture);
    }
}

static void gives_the_same_messages_wherever_the_input_is_cut(void **state)
{
    for (size_t i = 0; i < CAPTURES; i++) {
        struct buffer capture = capture_read(captures[i]);
        struct bytes input = buffer_bytes(&capture);
        struct outcome whole = decode(input, 0, SIZE_MAX, NULL);
        assert_int_equal(whole.status, PARSE_OK);
        for (size_t first = 0; first <= input.length; first++)
            check_same(input, &whole, first, SIZE_MAX);
        check_same(input, &whole, 0, 1);
        check_same(input, &whole, 0, 7);
        buffer_done(&whole.log);
        buffer_done(&capture);
    }
}

static void reads_every_type_of_header(void **state)
{
    static const struct bytes headers =
        BYTES_LITERAL("\1a\0\1b\1\1c\2\377\1d\3\200\0\1e\4\0\0\1\0\1f\5\200\0\0\0\0\0\0\0"
                      "\1g\6\0\2\1\2\1h\7\0\3abc\1i\10\0\0\1\2\3\4\5\6\1j\0110123456789abcdef");
    struct buffer input;
    buffer_init(&input, 4096);
    build_legal_message(&input, headers, BYTES_LITERAL("p"));
    struct outcome outcome = decode(buffer_bytes(&input), 0, SIZE_MAX, NULL);
    static const struct bytes expected = BYTES_LITERAL(
        "message at 0+95 of 1 type 0 number 1 name[1]=a value[0]= type 1 number 0 name[1]=b "
        "value[0]= type 2 number -1 name[1]=c value[1]=\377 type 3 number -32768 name[1]=d "
        "value[2]=\200\0 type 4 number 256 name[1]=e value[4]=\0\0\1\0 type 5 number "
        "-9223372036854775808 name[1]=f value[8]=\200\0\0\0\0\0\0\0 type 6 number 0 name[1]=g "
        "value[2]=\1\2 type 7 number 0 name[1]=h value[3]=abc type 8 number 1108152157446 "
        "name[1]=i value[8]=\0\0\1\2\3\4\5\6 type 9 number 0 name[1]=j "
        "value[16]=0123456789abcdef payload[1]=p\n");
    assert_int_equal(buffer_length(&outcome.log), expected.length);
    assert_memory_equal(buffer_bytes(&outcome.log).data, expected.data, expected.length);
    buffer_done(&outcome.log);
    buffer_done(&input);
}

static void note_texts(void *context, const struct event_stream_message *message)
{
    struct buffer *log = context;
    struct bytes value = BYTES_LITERAL("none");
    bool is_found = event_stream_find_text(message, ":event-type", &value) ||
                    event_stream_find_text(message, ":exception-type", &value);
    assert_true(buffer_append_format(log, "%d ", is_found));
    assert_true(buffer_append(log, value));
    assert_true(buffer_append_text(log, "\n"));
}

static void finds_a_header_by_its_name(void **state)
{
    struct buffer input = capture_read("event_stream/converse-stream-exception.bin");
    struct buffer log;
    buffer_init(&log, 4096);
    build_legal_message(&input, BYTES_LITERAL("\13:event-type\0"), BYTES_EMPTY);
    build_legal_message(&input, BYTES_EMPTY, BYTES_EMPTY);
    struct event_stream *stream = event_stream_new(NULL, note_texts, &log);
    assert_int_equal(event_stream_feed(stream, buffer_bytes(&input)), PARSE_NEED_MORE);
    assert_bytes(buffer_bytes(&log), "1 messageStart\n1 throttlingException\n0 none\n0 none\n");
    event_stream_free(stream);
    buffer_done(&log);
    buffer_done(&input);
}

static void cuts_a_payload_that_is_longer_than_its_bound_and_goes_on(void **state)
{
    const struct event_stream_limits limits = {.payload_bytes = 5};
    struct buffer input;
    buffer_init(&input, 4096);
    build_legal_message(&input, BYTES_LITERAL("\1n\0"), BYTES_LITERAL("123456"));
    build_legal_message(&input, BYTES_EMPTY, BYTES_LITERAL("12345"));
    for (size_t step = 1; step <= buffer_length(&input); step++) {
        struct outcome outcome = decode(buffer_bytes(&input), 0, step, &limits);
        assert_int_equal(outcome.status, PARSE_OK);
        assert_bytes(buffer_bytes(&outcome.log),
                     "message at 0+25 of 6 type 0 number 1 name[1]=n value[0]= payload[5]=12345\n"
                     "message at 25+21 of 5 payload[5]=12345\n");
        buffer_done(&outcome.log);
    }
    /* What was cut is under the checksum all the same. */
    input.data[20] ^= 1;
    struct outcome outcome = decode(buffer_bytes(&input), 0, 3, &limits);
    assert_int_equal(outcome.reason, EVENT_STREAM_MESSAGE_CRC);
    assert_int_equal(buffer_length(&outcome.log), 0);
    buffer_done(&outcome.log);
    buffer_done(&input);
}

/* The longest legal message: held up to 4 MiB of its payload. */
static void takes_a_message_of_the_formats_bounds(void **state)
{
    struct buffer headers;
    struct buffer payload;
    struct buffer input;
    size_t room = 0;
    buffer_init(&headers, EVENT_STREAM_HEADERS_BYTES_MAX);
    buffer_init(&payload, EVENT_STREAM_PAYLOAD_BYTES_MAX);
    buffer_init(&input, 32 * 1024 * 1024);
    while (buffer_append(&headers, BYTES_LITERAL("\2nn\0")))
        ;
    uint8_t *space = buffer_reserve(&payload, EVENT_STREAM_PAYLOAD_BYTES_MAX, &room);
    memset(space, 'x', room);
    buffer_commit(&payload, room);
    build_legal_message(&input, buffer_bytes(&headers), buffer_bytes(&payload));
    struct outcome outcome = decode(buffer_bytes(&input), 1, 65536, NULL);
    assert_int_equal(outcome.status, PARSE_OK);
    struct bytes log = buffer_bytes(&outcome.log);
    assert_true(bytes_start_with(log, BYTES_LITERAL("message at 0+16908304 of 16777216 type 0")));
    struct bytes end = bytes_from(log, log.length - EVENT_STREAM_PAYLOAD_HELD_BYTES_MAX - 20);
    assert_true(bytes_start_with(end, BYTES_LITERAL("= payload[4194304]=x")));
    buffer_done(&outcome.log);
    buffer_done(&input);
    buffer_done(&payload);
    buffer_done(&headers);
}

RUN_TESTS(cmocka_unit_test(refuses_lengths_that_do_not_fit_each_other),
          cmocka_unit_test(refuses_headers_of_more_than_128_kib_and_payloads_of_more_than_16_mib),
          cmocka_unit_test(refuses_broken_headers_although_the_checksums_are_right),
          cmocka_unit_test(refuses_wrong_checksums),
          cmocka_unit_test(emits_nothing_that_differs_when_any_byte_of_a_capture_is_changed),
          cmocka_unit_test(gives_every_whole_message_of_a_stream_that_is_broken_off),
          cmocka_unit_test(gives_the_same_messages_wherever_the_input_is_cut),
          cmocka_unit_test(reads_every_type_of_header),
          cmocka_unit_test(finds_a_header_by_its_name),
          cmocka_unit_test(cuts_a_payload_that_is_longer_than_its_bound_and_goes_on),
          cmocka_unit_test(takes_a_message_of_the_formats_bounds))
