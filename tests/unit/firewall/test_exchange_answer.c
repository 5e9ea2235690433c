#include "test.h"

#include "firewall/exchange_answer.h"

struct written {
    struct http_head head;
    struct buffer body;
};

static void write_answer(struct written *written, const struct exchange_answer *answer)
{
    http_head_init(&written->head, HTTP_RESPONSE);
    buffer_init(&written->body, EXCHANGE_ANSWER_MAX);
    exchange_answer_write(answer, &written->head, &written->body);
}

static void done(struct written *written)
{
    http_head_done(&written->head);
    buffer_done(&written->body);
}

static struct host_name name_of(const char *text)
{
    struct host_name name;
    assert_int_equal(host_name_parse(bytes_from_text(text), &name), HOST_NAME_FINE);
    return name;
}

static void what_the_agent_sent_cannot_leave_its_string(void **state)
{
    struct host_name name = name_of("api.example.com");
    struct exchange_answer answer = {
        .status = 403,
        .error = "denied",
        .reason = "no rule",
        .name = &name,
        .port = 443,
        .method = BYTES_LITERAL("GET"),
        .path = BYTES_LITERAL("/\"},{\\\n\x1b\xff"),
    };
    struct written written;
    write_answer(&written, &answer);
    assert_bytes(buffer_bytes(&written.body),
                 "{\"rootcell\":\"denied\",\"reason\":\"no rule\",\"host\":\"api.example.com\","
                 "\"method\":\"GET\",\"path\":\"/\\\"},{\\\\\\u000a\\u001b\\u00ff\"}\n");
    done(&written);
}

static void a_path_of_any_length_fits_the_cap(void **state)
{
    struct host_name name = name_of("api.example.com");
    static uint8_t path[HTTP_HEAD_PATH_MAX];
    memset(path, 0xff, sizeof(path));
    struct exchange_answer answer = {.status = 403,
                                     .error = "denied",
                                     .reason = "no rule",
                                     .name = &name,
                                     .port = 443,
                                     .method = BYTES_LITERAL("GET"),
                                     .path = {path, sizeof(path)}};
    struct written written;
    write_answer(&written, &answer);
    assert_true(buffer_length(&written.body) <= EXCHANGE_ANSWER_MAX);
    assert_true(bytes_end_with(buffer_bytes(&written.body), BYTES_LITERAL("\"}\n")));
    done(&written);
}

static void a_refusal_says_how_to_allow_the_name_and_its_port(void **state)
{
    struct host_name name = name_of("api.example.com");
    struct exchange_answer answer = {.status = 403,
                                     .error = "denied",
                                     .reason = "no rule",
                                     .name = &name,
                                     .port = 8443,
                                     .is_allowable = true};
    struct written written;
    write_answer(&written, &answer);
    assert_true(
        bytes_end_with(buffer_bytes(&written.body),
                       BYTES_LITERAL("\"allow\":\"rootcell allow api.example.com:8443\"}\n")));
    assert_int_equal(written.head.status, 403);
    assert_int_equal(written.head.body, HTTP_BODY_LENGTH);
    assert_int_equal(written.head.body_bytes, buffer_length(&written.body));
    done(&written);
}

static void an_answer_to_head_has_no_body(void **state)
{
    struct host_name name = name_of("api.example.com");
    struct exchange_answer answer = {.status = 502,
                                     .error = "failed",
                                     .reason = "lost",
                                     .name = &name,
                                     .port = 443,
                                     .method = BYTES_LITERAL("HEAD")};
    struct written written;
    write_answer(&written, &answer);
    assert_int_equal(buffer_length(&written.body), 0);
    assert_int_equal(written.head.body, HTTP_BODY_NONE);
    assert_true(written.head.announced_bytes > 0);
    done(&written);
}

RUN_TESTS(cmocka_unit_test(what_the_agent_sent_cannot_leave_its_string),
          cmocka_unit_test(a_path_of_any_length_fits_the_cap),
          cmocka_unit_test(a_refusal_says_how_to_allow_the_name_and_its_port),
          cmocka_unit_test(an_answer_to_head_has_no_body))
