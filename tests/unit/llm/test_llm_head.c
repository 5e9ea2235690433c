#include "test.h"

#include "llm/llm_head.h"

static bool is_handshake(const char *name, const char *value)
{
    struct llm_field fields[] = {{BYTES_LITERAL("host"), BYTES_LITERAL("api.openai.com")},
                                 {bytes_from_text(name), bytes_from_text(value)}};
    struct llm_exchange_start start = {.method = BYTES_LITERAL("GET"),
                                       .path = BYTES_LITERAL("/v1/responses"),
                                       .fields = fields,
                                       .field_count = 2};
    struct llm_head head;
    llm_head_init(&head, &start);
    bool is_one = head.is_handshake;
    llm_head_done(&head);
    return is_one;
}

static void an_ordinary_request_is_no_handshake(void **state)
{
    (void)state;
    assert_false(is_handshake("accept", "text/event-stream"));
    assert_false(is_handshake("upgrade", "h2c"));
    assert_false(is_handshake("sec-websocket-protocol", "chat"));
}

/* The wall shows no field that belongs to a connection: `upgrade` is one. */
static void a_handshake_is_known_by_its_key(void **state)
{
    (void)state;
    assert_true(is_handshake("upgrade", "WebSocket"));
    assert_true(is_handshake("sec-websocket-key", "[redacted]"));
}

RUN_TESTS(cmocka_unit_test(an_ordinary_request_is_no_handshake),
          cmocka_unit_test(a_handshake_is_known_by_its_key))
