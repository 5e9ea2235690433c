#include "test.h"

#include "base/buffer.h"
#include "wire/dns_message.h"

#define HEADER "\x12\x34\1\0\0\1\0\0\0\0\0\0"
#define HEADER_EDNS "\x12\x34\1\0\0\1\0\0\0\0\0\1"
#define NAME "\3Www\7example\3com\0"
#define OPT_1232 "\0\0\x29\4\xd0\0\0\x80\0\0\0"

static void refuses_with_the_verdict(void **state)
{
    static const struct {
        struct bytes message;
        enum dns_verdict verdict;
    } rows[] = {
        {BYTES_LITERAL(""), DNS_IGNORE},
        {BYTES_LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0"), DNS_IGNORE},
        {BYTES_LITERAL("\x12\x34\x81\0\0\1\0\0\0\0\0\0" NAME "\0\1\0\1"), DNS_IGNORE},
        {BYTES_LITERAL("\x12\x34\x28\0\0\1\0\0\0\0\0\0" NAME "\0\1\0\1"), DNS_NOT_IMPLEMENTED},
        {BYTES_LITERAL("\x12\x34\1\0\0\0\0\0\0\0\0\0"), DNS_FORMAT_ERROR},
        {BYTES_LITERAL("\x12\x34\1\0\0\2\0\0\0\0\0\0" NAME "\0\1\0\1" NAME "\0\1\0\1"),
         DNS_FORMAT_ERROR},
        {BYTES_LITERAL("\x12\x34\1\0\0\1\0\1\0\0\0\0" NAME "\0\1\0\1"), DNS_FORMAT_ERROR},
        {BYTES_LITERAL(HEADER "\xc0\x0c\0\1\0\1"), DNS_FORMAT_ERROR},
        {BYTES_LITERAL(HEADER "\3www\xc0\x0c\0\1\0\1"), DNS_FORMAT_ERROR},
        {BYTES_LITERAL(HEADER "\x40"
                              "abc\0\0\1\0\1"),
         DNS_FORMAT_ERROR},
        {BYTES_LITERAL(HEADER "\3ww"), DNS_FORMAT_ERROR},
        {BYTES_LITERAL(HEADER NAME "\0\1\0"), DNS_FORMAT_ERROR},
        {BYTES_LITERAL(HEADER NAME "\0\1\0\1x"), DNS_FORMAT_ERROR},
        {BYTES_LITERAL(HEADER NAME "\0\1\0\3"), DNS_REFUSED},
        {BYTES_LITERAL(HEADER_EDNS NAME "\0\1\0\1"), DNS_FORMAT_ERROR},
        {BYTES_LITERAL(HEADER_EDNS NAME "\0\1\0\1\0\0\x29\4\xd0\0\1\0\0\0\0"), DNS_BAD_VERSION},
        {BYTES_LITERAL(HEADER_EDNS NAME "\0\1\0\1\1a\0\0\x29\4\xd0\0\0\0\0\0\0"), DNS_FORMAT_ERROR},
        {BYTES_LITERAL("\x12\x34\1\0\0\1\0\0\0\0\0\2" NAME "\0\1\0\1" OPT_1232 OPT_1232),
         DNS_FORMAT_ERROR},
        {BYTES_LITERAL("\x12\x34\1\0\0\1\0\0\0\0\xff\xff" NAME "\0\1\0\1"), DNS_FORMAT_ERROR},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dns_query query;
        assert_int_equal(dns_message_parse_query(rows[i].message, &query), rows[i].verdict);
    }
}

static void refuses_a_name_of_more_than_255_bytes(void **state)
{
    struct buffer message;
    struct dns_query query;
    buffer_init(&message, 1000);
    assert_true(buffer_append(&message, BYTES_LITERAL(HEADER)));
    for (int label = 0; label < 128; label++)
        assert_true(buffer_append(&message, BYTES_LITERAL("\1\xff")));
    assert_true(buffer_append(&message, BYTES_LITERAL("\0\0\1\0\1")));
    assert_int_equal(dns_message_parse_query(buffer_bytes(&message), &query), DNS_FORMAT_ERROR);
    buffer_done(&message);
}

static void spells_out_bytes_that_could_pass_for_dots(void **state)
{
    struct dns_query query;
    assert_int_equal(
        dns_message_parse_query(BYTES_LITERAL(HEADER "\5a.b\\c\3d\0e\0\0\1\0\1"), &query),
        DNS_ANSWER);
    assert_string_equal(query.name, "a\\.b\\\\c.d\\000e");
}

static void reads_a_question_with_edns(void **state)
{
    struct dns_query query;
    assert_int_equal(
        dns_message_parse_query(BYTES_LITERAL(HEADER_EDNS NAME "\0\x1c\0\1" OPT_1232), &query),
        DNS_ANSWER);
    assert_string_equal(query.name, "Www.example.com");
    assert_int_equal(query.type, DNS_TYPE_AAAA);
    assert_true(query.has_edns && query.is_dnssec_ok);
    assert_int_equal(query.udp_bytes, 1232);
}

static void check_answer(struct buffer *out, struct bytes expected)
{
    struct bytes written = buffer_bytes(out);
    assert_int_equal(written.length, expected.length);
    assert_memory_equal(written.data, expected.data, expected.length);
    buffer_done(out);
}

static void answers_with_the_spelling_of_the_question(void **state)
{
    struct dns_query query;
    struct buffer out;
    assert_int_equal(dns_message_parse_query(BYTES_LITERAL(HEADER NAME "\0\1\0\1"), &query),
                     DNS_ANSWER);
    buffer_init(&out, 1000);
    assert_true(dns_message_write_address(&out, &query, DNS_OVER_UDP, 0xc6120001, 60));
    check_answer(&out, BYTES_LITERAL("\x12\x34\x81\x80\0\1\0\1\0\0\0\0" NAME "\0\1\0\1"
                                     "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc6\x12\0\1"));
    assert_true(dns_message_write_no_data(&out, &query, DNS_OVER_UDP, 60));
    assert_memory_equal(buffer_bytes(&out).data, "\x12\x34\x81\x80\0\1\0\0\0\1\0\0", 12);
    buffer_done(&out);
}

static void denies_with_the_extended_error(void **state)
{
    struct dns_query query;
    struct buffer out;
    assert_int_equal(
        dns_message_parse_query(BYTES_LITERAL(HEADER_EDNS NAME "\0\1\0\1" OPT_1232), &query),
        DNS_ANSWER);
    buffer_init(&out, 1000);
    assert_true(dns_message_write_denied(&out, &query, DNS_OVER_UDP, "not allowed", 60));
    struct bytes written = buffer_bytes(&out);
    assert_int_equal(written.data[3] & 15, DNS_RCODE_NAME_ERROR);
    struct bytes tail = BYTES_LITERAL("\0\0\x29\4\xd0\0\0\x80\0\0\x11\0\x0f\0\x0d\0\x11"
                                      "not allowed");
    assert_true(bytes_end_with(written, tail));
    buffer_done(&out);
}

static void writes_nothing_when_there_is_no_room(void **state)
{
    struct dns_query query;
    struct buffer out;
    assert_int_equal(dns_message_parse_query(BYTES_LITERAL(HEADER NAME "\0\1\0\1"), &query),
                     DNS_ANSWER);
    buffer_init(&out, 40);
    assert_false(dns_message_write_address(&out, &query, DNS_OVER_TCP, 1, 60));
    assert_int_equal(buffer_length(&out), 0);
    buffer_done(&out);
}

static void answers_errors_with_the_extended_code(void **state)
{
    struct dns_query query;
    struct buffer out;
    buffer_init(&out, 1000);
    enum dns_verdict verdict = dns_message_parse_query(
        BYTES_LITERAL(HEADER_EDNS NAME "\0\1\0\1\0\0\x29\4\xd0\0\1\0\0\0\0"), &query);
    assert_int_equal(verdict, DNS_BAD_VERSION);
    assert_true(dns_message_write_error(&out, &query, dns_verdict_rcode(verdict)));
    check_answer(&out, BYTES_LITERAL("\x12\x34\x81\x80\0\1\0\0\0\0\0\1" NAME "\0\1\0\1"
                                     "\0\0\x29\4\xd0\1\0\0\0\0\0"));
    verdict = dns_message_parse_query(BYTES_LITERAL("\x12\x34\x28\0\0\1\0\0\0\0\0\0x"), &query);
    assert_true(dns_message_write_error(&out, &query, dns_verdict_rcode(verdict)));
    check_answer(&out, BYTES_LITERAL("\x12\x34\xa8\x84\0\0\0\0\0\0\0\0"));
}

static void answers_pointers_and_any(void **state)
{
    struct dns_query query;
    struct buffer out;
    buffer_init(&out, 1000);
    assert_int_equal(dns_message_parse_query(BYTES_LITERAL(HEADER "\1x\0\0\x0c\0\1"), &query),
                     DNS_ANSWER);
    assert_true(
        dns_message_write_pointer(&out, &query, DNS_OVER_UDP, BYTES_LITERAL("a.example.com"), 60));
    check_answer(&out, BYTES_LITERAL("\x12\x34\x81\x80\0\1\0\1\0\0\0\0\1x\0\0\x0c\0\1"
                                     "\xc0\x0c\0\x0c\0\1\0\0\0\x3c\0\x0f"
                                     "\1a\7example\3com\0"));
    assert_true(dns_message_write_any(&out, &query, DNS_OVER_UDP, 60));
    check_answer(&out, BYTES_LITERAL("\x12\x34\x81\x80\0\1\0\1\0\0\0\0\1x\0\0\x0c\0\1"
                                     "\xc0\x0c\0\x0d\0\1\0\0\0\x3c\0\x09\7RFC8482\0"));
    assert_true(dns_message_write_truncated(&out, &query));
    check_answer(&out, BYTES_LITERAL("\x12\x34\x83\x80\0\1\0\0\0\0\0\0\1x\0\0\x0c\0\1"));
}

static void names_types(void **state)
{
    char text[10];
    assert_string_equal(dns_type_text(DNS_TYPE_AAAA, text, sizeof(text)), "AAAA");
    assert_string_equal(text, "AAAA");
    assert_string_equal(dns_type_text(65535, text, sizeof(text)), "TYPE65535");
}

static void reads_reverse_names(void **state)
{
    struct dns_query query;
    uint32_t address = 0;
    assert_int_equal(dns_message_parse_query(BYTES_LITERAL(HEADER "\1"
                                                                  "4\1"
                                                                  "3\2"
                                                                  "18\3"
                                                                  "198\7in-addr\4ARPA\0\0\x0c\0\1"),
                                             &query),
                     DNS_ANSWER);
    assert_true(dns_query_reverse_address(&query, &address));
    assert_int_equal(address, 0xc6120304);
    assert_int_equal(dns_message_parse_query(BYTES_LITERAL(HEADER "\1"
                                                                  "3\2"
                                                                  "18\3"
                                                                  "198\7in-addr\4arpa\0\0\x0c\0\1"),
                                             &query),
                     DNS_ANSWER);
    assert_false(dns_query_reverse_address(&query, &address));
}

RUN_TESTS(cmocka_unit_test(refuses_with_the_verdict),
          cmocka_unit_test(refuses_a_name_of_more_than_255_bytes),
          cmocka_unit_test(spells_out_bytes_that_could_pass_for_dots),
          cmocka_unit_test(reads_a_question_with_edns),
          cmocka_unit_test(answers_with_the_spelling_of_the_question),
          cmocka_unit_test(denies_with_the_extended_error),
          cmocka_unit_test(writes_nothing_when_there_is_no_room),
          cmocka_unit_test(answers_errors_with_the_extended_code),
          cmocka_unit_test(answers_pointers_and_any), cmocka_unit_test(names_types),
          cmocka_unit_test(reads_reverse_names))
