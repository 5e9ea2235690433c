#include "test.h"

#include "record/audit_record.h"

static struct audit_record full_record(void)
{
    return (struct audit_record){
        .time_ms = UINT64_C(1700000000123),
        .kind = AUDIT_HTTP,
        .decision = AUDIT_DENY,
        .port = 443,
        .status = 403,
        .has_traffic = true,
        .sent = UINT64_C(5000000000),
        .received = 7,
        .duration_ms = 12,
        .count = 3,
        .name = BYTES_LITERAL("api.example.com"),
        .method = BYTES_LITERAL("POST"),
        .path = BYTES_LITERAL("/v1/x"),
        .rule = BYTES_LITERAL("api.example.com GET"),
        .reason = BYTES_LITERAL("method not allowed"),
        .detail = BYTES_LITERAL("more"),
    };
}

static void encode(const struct audit_record *record, struct buffer *out)
{
    buffer_init(out, AUDIT_DATAGRAM_MAX);
    assert_true(audit_record_encode(record, out));
}

static void assert_json(const struct audit_record *record, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 65536);
    assert_true(audit_record_write_json(record, &out));
    assert_bytes(buffer_bytes(&out), expected);
    buffer_done(&out);
}

static void refuses_every_truncation(void **state)
{
    struct audit_record record = full_record(), decoded;
    struct buffer datagram;
    encode(&record, &datagram);
    for (size_t length = 0; length < buffer_length(&datagram); length++)
        assert_false(audit_record_decode(bytes_first(buffer_bytes(&datagram), length), &decoded));
    assert_true(audit_record_decode(buffer_bytes(&datagram), &decoded));
    buffer_done(&datagram);
}

static void refuses_surplus_bytes(void **state)
{
    struct audit_record record = full_record(), decoded;
    struct buffer datagram;
    buffer_init(&datagram, AUDIT_DATAGRAM_MAX + 1);
    assert_true(audit_record_encode(&record, &datagram));
    assert_true(buffer_append_byte(&datagram, 0));
    assert_false(audit_record_decode(buffer_bytes(&datagram), &decoded));
    buffer_done(&datagram);
}

static void refuses_unknown_version_kind_decision_and_flag(void **state)
{
    struct audit_record record = full_record(), decoded;
    struct buffer datagram;
    encode(&record, &datagram);
    static const uint8_t wrong[] = {2, AUDIT_KIND_COUNT, AUDIT_DECISION_COUNT, 2};
    for (size_t i = 0; i < sizeof(wrong); i++) {
        uint8_t before = datagram.data[datagram.start + i];
        datagram.data[datagram.start + i] = wrong[i];
        assert_false(audit_record_decode(buffer_bytes(&datagram), &decoded));
        datagram.data[datagram.start + i] = before;
    }
    buffer_done(&datagram);
}

static void refuses_text_longer_than_its_limit(void **state)
{
    struct audit_record record = {.kind = AUDIT_DNS}, decoded;
    struct buffer datagram, forged;
    encode(&record, &datagram);
    buffer_init(&forged, AUDIT_DATAGRAM_MAX);
    /* The first of the six texts, one byte longer than a name may be. */
    struct bytes fixed = bytes_first(buffer_bytes(&datagram), buffer_length(&datagram) - 12);
    assert_true(buffer_append(&forged, fixed) && buffer_append_u16(&forged, AUDIT_NAME_MAX + 1));
    for (int i = 0; i < AUDIT_NAME_MAX + 1; i++)
        assert_true(buffer_append_byte(&forged, 'a'));
    for (int i = 0; i < 5; i++)
        assert_true(buffer_append_u16(&forged, 0));
    assert_false(audit_record_decode(buffer_bytes(&forged), &decoded));
    buffer_done(&datagram);
    buffer_done(&forged);
}

static void refuses_to_write_past_the_room(void **state)
{
    struct audit_record record = full_record();
    struct buffer out;
    buffer_init(&out, 100);
    assert_true(buffer_append_text(&out, "before"));
    assert_false(audit_record_write_json(&record, &out));
    assert_bytes(buffer_bytes(&out), "before");
    assert_false(audit_record_encode(&record, &out));
    buffer_done(&out);
}

static void escapes_what_could_forge_a_line_or_drive_a_terminal(void **state)
{
    struct audit_record record = {
        .kind = AUDIT_DNS,
        .decision = AUDIT_DENY,
        .name = BYTES_LITERAL("a\"}\n{\"kind\":\"x\\"),
        .path = BYTES_LITERAL("\x1b[2J\x00\x7f\xc2\x9b\xe2\x80\xae\xff\xc3\xa9\xf0\x9f\x98\x80"
                              "\xf3\xa0\x80\x81"),
    };
    assert_json(&record,
                "{\"time\":\"1970-01-01T00:00:00.000Z\",\"kind\":\"dns\",\"decision\":\"deny\","
                "\"name\":\"a\\\"}\\u000a{\\\"kind\\\":\\\"x\\\\\","
                "\"path\":\"\\u001b[2J\\u0000\\u007f\\u009b\\u202e\\ufffd\xc3\xa9\xf0\x9f\x98\x80"
                "\\udb40\\udc01\"}\n");
}

static void assert_cut(struct bytes text, size_t limit)
{
    assert_int_equal(text.length, limit);
    assert_true(bytes_end_with(text, BYTES_LITERAL("a...")));
}

static void cuts_long_text_and_shows_it(void **state)
{
    static uint8_t many[2 * AUDIT_DETAIL_MAX];
    memset(many, 'a', sizeof(many));
    struct bytes text = {many, sizeof(many)};
    struct audit_record decoded, record = {.kind = AUDIT_HTTP,
                                           .name = text,
                                           .method = text,
                                           .path = text,
                                           .rule = text,
                                           .reason = text,
                                           .detail = text};
    struct buffer datagram;
    encode(&record, &datagram); /* the longest, and it fits */
    assert_true(audit_record_decode(buffer_bytes(&datagram), &decoded));
    assert_cut(decoded.name, AUDIT_NAME_MAX);
    assert_cut(decoded.method, AUDIT_METHOD_MAX);
    assert_cut(decoded.path, AUDIT_PATH_MAX);
    assert_cut(decoded.rule, AUDIT_RULE_MAX);
    assert_cut(decoded.reason, AUDIT_REASON_MAX);
    assert_cut(decoded.detail, AUDIT_DETAIL_MAX);
    buffer_done(&datagram);
}

static void carries_every_member(void **state)
{
    struct audit_record record = full_record(), decoded;
    struct buffer datagram;
    encode(&record, &datagram);
    assert_true(audit_record_decode(buffer_bytes(&datagram), &decoded));
    assert_json(&decoded,
                "{\"time\":\"2023-11-14T22:13:20.123Z\",\"kind\":\"http\",\"decision\":\"deny\","
                "\"name\":\"api.example.com\",\"port\":443,\"method\":\"POST\",\"path\":\"/v1/x\","
                "\"rule\":\"api.example.com GET\",\"reason\":\"method not allowed\","
                "\"status\":403,\"sent\":5000000000,\"received\":7,\"duration_ms\":12,\"count\":3,"
                "\"detail\":\"more\"}\n");
    buffer_done(&datagram);
}

static void writes_dates_of_leap_years_and_the_far_future(void **state)
{
    struct audit_record record = {.kind = AUDIT_CONTROL, .decision = AUDIT_INFO};
    record.time_ms = UINT64_C(1709164800000);
    assert_json(&record, "{\"time\":\"2024-02-29T00:00:00.000Z\",\"kind\":\"control\","
                         "\"decision\":\"info\"}\n");
    record.time_ms = UINT64_MAX;
    assert_json(&record, "{\"time\":\"9999-12-31T23:59:59.999Z\",\"kind\":\"control\","
                         "\"decision\":\"info\"}\n");
}

RUN_TESTS(cmocka_unit_test(refuses_every_truncation), cmocka_unit_test(refuses_surplus_bytes),
          cmocka_unit_test(refuses_unknown_version_kind_decision_and_flag),
          cmocka_unit_test(refuses_text_longer_than_its_limit),
          cmocka_unit_test(refuses_to_write_past_the_room),
          cmocka_unit_test(escapes_what_could_forge_a_line_or_drive_a_terminal),
          cmocka_unit_test(cuts_long_text_and_shows_it), cmocka_unit_test(carries_every_member),
          cmocka_unit_test(writes_dates_of_leap_years_and_the_far_future))
